"""The start: what is refused, with which words, and what a good one says."""

import socket
from pathlib import Path

import pytest

from exporter.sandbox import Handle, fleet, run_in_thread
from tests.program.process import Launcher, canary_sandbox, config_of
from tests.secrecy import SECRET_KEY


def test_a_taken_port_is_told(launch: Launcher, sandbox: Handle) -> None:
    """The address is named and the flag that chooses another; no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        exporter = launch.begin(f"--config.file={launch.config(config_of(sandbox))}", f"--web.listen-address={address}")
        assert exporter.wait() == 1
    assert exporter.stderr == (
        f"ninedata-exporter: cannot listen on {address}: Address already in use; "
        "choose another with --web.listen-address\n"
    )
    assert exporter.stdout == ""


def test_a_missing_configuration_is_told(launch: Launcher, tmp_path: Path) -> None:
    """The file is named, and the two ways to go on."""
    exporter = launch.begin(f"--config.file={tmp_path}/missing.yaml")
    assert exporter.wait() == 1
    assert exporter.stderr == (
        f"{tmp_path}/missing.yaml: cannot be read: No such file or directory\n"
        "Name the configuration with --config.file, or see a demonstration with --demo.\n"
    )


@pytest.mark.parametrize("flag", ["--config.check", "--log.level=debug"])
def test_a_faulty_configuration_is_refused_without_showing_its_secret(
    launch: Launcher, sandbox: Handle, flag: str
) -> None:
    """Every fault with its place, in a check and at a start alike; exit status 1, no traceback."""
    config = config_of(sandbox, api={"secret_key": f"{SECRET_KEY}\n{SECRET_KEY}", "concurrency": SECRET_KEY})
    path = launch.config(config | {"tasks": [{"task_id": "cd 1", "name": SECRET_KEY}]})
    exporter = launch.begin(f"--config.file={path}", flag)
    assert exporter.wait() == 1
    faults = exporter.stderr.splitlines()
    assert all(fault.startswith(f"{path}:") for fault in faults)
    for key in ("api.secret_key", "api.concurrency", "tasks[0].task_id", "tasks[0].precheck_task_id"):
        assert [fault for fault in faults if f": {key}: " in fault]


def test_a_good_configuration_is_checked_without_a_word_to_the_api(launch: Launcher, sandbox: Handle) -> None:
    """One line that sums it up, exit status 0."""
    path = launch.config(config_of(sandbox))
    check = launch.begin(f"--config.file={path}", "--config.check")
    assert check.wait() == 0
    assert check.stdout == f"{path}: good: 16 tasks to watch at {sandbox.base_url}\n"
    assert check.stderr == ""
    assert sandbox.requests().connections == 0


def test_secrets_of_the_environment_are_used(launch: Launcher, sandbox: Handle) -> None:
    """The two variables stand in for the keys that the configuration lacks."""
    path = launch.config(config_of(sandbox, api={"access_key_id": None, "secret_key": None}))
    env = {"NINEDATA_ACCESS_KEY_ID": sandbox.access_key_id, "NINEDATA_SECRET_KEY": sandbox.secret_key}
    exporter = launch.run(f"--config.file={path}", "--log.level=debug", env=env)
    assert "auth" not in exporter.scrape().reasons.values()


def test_a_start_with_many_tasks_does_not_name_them(launch: Launcher) -> None:
    """Hundreds of tasks are a number in the log; each one's line is for level debug."""
    with run_in_thread(canary_sandbox(fleet(300))) as sandbox:
        exporter = launch(sandbox)
        exporter.stop()
        assert exporter.logged("watching tasks")[0]["tasks"] == "300"
        assert "cd-fleet-" not in exporter.stderr
        debugging = launch(sandbox, "--log.level=debug")
        assert len(debugging.logged("watching")) == 300


def test_a_start_with_few_tasks_names_them(launch: Launcher, sandbox: Handle) -> None:
    """What is watched can be read in the log."""
    exporter = launch(sandbox)
    assert [line["task_id"] for line in exporter.logged("watching")] == [task.task_id for task in sandbox.tasks]


def test_nothing_is_asked_before_the_first_scrape(launch: Launcher, sandbox: Handle) -> None:
    """A start calls nobody."""
    exporter = launch(sandbox)
    assert exporter.get("/-/ready").status == 200
    assert sandbox.requests().connections == 0


def test_a_configuration_without_tasks_is_told(launch: Launcher, sandbox: Handle) -> None:
    """It starts, for tasks may come, and says that it watches nothing."""
    exporter = launch(sandbox, tasks=[])
    assert [line["level"] for line in exporter.log if "no task is watched" in line["msg"]] == ["warn"]
    assert exporter.scrape().up == {}
