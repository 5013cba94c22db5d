"""A ConfigMap and a Secret that change under a running exporter, laid out as the kubelet lays them out."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from exporter.sandbox import Handle, Task, fleet, run_in_thread
from tests.deploy.shipped import MANIFESTS
from tests.program.process import Launcher, canary_sandbox, launcher, until
from tests.secrecy import Watch

CONFIG_MAP = MANIFESTS["base/configmap.yaml"]["data"]


class Mount:
    """A projected volume: every name is a link through `..data`, which is moved from one folder to the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._generation = 0

    def put(self, files: Mapping[str, str]) -> None:
        """Have these files there, all at once."""
        self._generation += 1
        data = self.folder / f"..{self._generation}"
        data.mkdir(parents=True)
        for name, text in files.items():
            (data / name).write_text(text, "utf-8")
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")
        (self.folder / "..data_tmp").symlink_to(data.name)
        (self.folder / "..data_tmp").replace(self.folder / "..data")


@pytest.fixture
def sandbox() -> Iterator[Handle]:
    """Has the tasks that the files name."""
    with run_in_thread(canary_sandbox(fleet(2))) as handle:
        yield handle


@pytest.fixture
def launch(secrecy: Watch, tmp_path: Path) -> Iterator[Launcher]:
    with launcher(secrecy, tmp_path) as launching:
        yield launching


@pytest.fixture
def files(sandbox: Handle) -> dict[str, str]:
    """The shipped configuration with the sandbox's address, its key, and one of its tasks."""
    config = yaml.safe_load(CONFIG_MAP["config.yaml"])
    config["api"]["base_url"] = sandbox.base_url
    return {
        "config.yaml": yaml.safe_dump(config),
        "tasks.yaml": tasks(sandbox.tasks[0]),
        config["api"]["access_key_id_file"]: sandbox.access_key_id,
        config["api"]["secret_key_file"]: sandbox.secret_key,
    }


def tasks(*listed: Task) -> str:
    """A task file."""
    return yaml.safe_dump([{"task_id": task.task_id, "precheck_task_id": task.precheck_task_id} for task in listed])


def test_tasks_and_keys_are_picked_up(launch: Launcher, sandbox: Handle, files: dict[str, str], tmp_path: Path) -> None:
    """By the next scrape, without a reload."""
    mount = Mount(tmp_path / "mounted")
    mount.put(files | {"secret-key": f"{sandbox.secret_key}-old"})
    exporter = launch.run(f"--config.file={mount.folder}/config.yaml")
    one, two = sandbox.tasks
    assert exporter.scrape().reasons == {one.task_id: "auth"}
    mount.put(files)
    assert exporter.scrape().up == {one.task_id: 1.0}
    mount.put(files | {"tasks.yaml": tasks(one, two)})
    assert exporter.scrape().up == {one.task_id: 1.0, two.task_id: 1.0}


def test_the_configuration_waits_for_a_signal(
    launch: Launcher, sandbox: Handle, files: dict[str, str], tmp_path: Path
) -> None:
    """And with faults the old one stays."""
    mount = Mount(tmp_path / "mounted")
    mount.put(files)
    exporter = launch.run(f"--config.file={mount.folder}/config.yaml")
    one, two = sandbox.tasks
    more = files | {"config.yaml": f"{files['config.yaml']}tasks:\n{tasks(two)}"}
    mount.put(more)
    assert exporter.scrape().up == {one.task_id: 1.0}
    exporter.popen.send_signal(signal.SIGHUP)
    until(lambda: set(exporter.scrape().up) == {one.task_id, two.task_id}, 10, "both tasks watched")
    mount.put(more | {"config.yaml": "nonsense: 1"})
    exporter.popen.send_signal(signal.SIGHUP)
    until(lambda: "nonsense: is not a known key" in exporter.stderr, 10, "the fault in the log")
    assert set(exporter.scrape().up) == {one.task_id, two.task_id}
