"""Starts exporters against sandboxes of the API, and ends them."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from exporter.sandbox import Sandbox, SandboxTask
from tests.program.process import Exporter
from tests.sandbox_thread import run_in_thread
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY, Watch


@dataclass
class Api:
    """A sandbox that serves, with credentials that no output may show."""

    sandbox: Sandbox
    base_url: str

    def config(self, tasks: Iterable[SandboxTask] | None = None, **changes: object) -> dict[str, object]:
        """A configuration that watches its tasks, or `tasks`; `changes` replace keys, those of `api` one by one."""
        api = {"base_url": self.base_url, "access_key_id": ACCESS_KEY_ID, "secret_key": SECRET_KEY}
        more = changes.pop("api", {})
        assert isinstance(more, dict)
        return {
            "api": {name: value for name, value in (api | more).items() if value is not None},
            "tasks": entries(self.sandbox.tasks if tasks is None else tasks),
            **changes,
        }


def entries(tasks: Iterable[SandboxTask]) -> list[dict[str, object]]:
    """Tasks as a configuration lists them; replication has no precheck id."""
    return [
        {
            "task_id": task.task_id,
            "name": task.name,
            "kind": task.kind,
            "labels": dict(task.labels),
            **({"precheck_task_id": task.precheck_task_id} if task.precheck_task_id else {}),
        }
        for task in tasks
    ]


def write(path: Path, content: object) -> None:
    """Replace a file by this content as YAML."""
    new = path.with_suffix(".new")
    new.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    new.replace(path)


class Launcher:
    """Starts exporters and sandboxes that end with the test."""

    def __init__(self, folder: Path, secrecy: Watch, stack: ExitStack) -> None:
        self._folder = folder
        self._secrecy = secrecy
        self._stack = stack
        self._numbers = itertools.count()

    def serve(self, *tasks: SandboxTask, port: int = 0) -> Api:
        """A sandbox with these tasks."""
        sandbox = Sandbox(tasks, access_key_id=ACCESS_KEY_ID, secret_key=SECRET_KEY)
        return Api(sandbox, self._stack.enter_context(run_in_thread(sandbox, port)))

    def config(self, content: Mapping[str, object]) -> Path:
        """The path of a new configuration file."""
        path = self._new_folder() / "config.yaml"
        write(path, dict(content))
        return path

    def begin(self, *flags: str, env: Mapping[str, str] | None = None) -> Exporter:
        """An exporter with these flags, which may still be starting."""
        exporter = Exporter(self._new_folder(), self._secrecy, *flags, env=env)
        self._stack.callback(exporter.close)
        return exporter

    def run(self, *flags: str, env: Mapping[str, str] | None = None) -> Exporter:
        """An exporter with these flags that listens on a free port."""
        exporter = self.begin("--web.listen-address=127.0.0.1:0", *flags, env=env)
        exporter.await_listening()
        return exporter

    def watch(
        self, api: Api, /, *flags: str, tasks: Iterable[SandboxTask] | None = None, **changes: object
    ) -> Exporter:
        """An exporter that watches a sandbox's tasks; see `Api.config`."""
        return self.run(f"--config.file={self.config(api.config(tasks, **changes))}", *flags)

    def _new_folder(self) -> Path:
        folder = self._folder / str(next(self._numbers))
        folder.mkdir()
        return folder


@contextmanager
def launching(folder: Path, secrecy: Watch) -> Iterator[Launcher]:
    """A launcher whose programs end with the context."""
    with ExitStack() as stack:
        yield Launcher(folder, secrecy, stack)
