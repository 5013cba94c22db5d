"""The exporter as a process of its own: started as a user starts it, asked over HTTP, stopped by a signal."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from exporter.sandbox import Handle, Sandbox, Task
from tests.program.scrape import Answer, Scrape
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY, Watch

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
STOP_SECONDS = 10.0
GRACE_SECONDS = 2.0
"""What a busy machine may add, in a test, to the time that a scraper allows; what hangs would take much longer."""


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until something holds; fail where it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)


def environment() -> dict[str, str]:
    """Our own, without the exporter's variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NINEDATA_")}


class Process:
    """A Python program in a process of its own, with its output in files."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, secrecy: Watch, env: Mapping[str, str] | None = None
    ) -> None:
        self.secrecy = secrecy
        self._arguments = arguments
        self._output = {name: folder / name for name in ("stdout", "stderr")}
        with self._output["stdout"].open("wb") as out, self._output["stderr"].open("wb") as err:
            self.popen = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env=environment() | dict(env or {}),
                stdout=out,
                stderr=err,
            )
        self.pid = self.popen.pid
        self._told_to_stop = False

    @property
    def stdout(self) -> str:
        """What it wrote so far, as all that follows."""
        return self._output["stdout"].read_text("utf-8")

    @property
    def stderr(self) -> str:
        return self._output["stderr"].read_text("utf-8")

    def wait(self, seconds: float = START_SECONDS) -> int:
        """Its exit status, once it ends by itself."""
        return self.popen.wait(seconds)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = STOP_SECONDS) -> int:
        """Its exit status after a signal."""
        self.tell_to_stop(number)
        return self.popen.wait(seconds)

    def tell_to_stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal, unless it has one already: a second one would end it out of order."""
        if not self._told_to_stop and self.popen.poll() is None:
            self.popen.send_signal(number)
        self._told_to_stop = True

    def kill(self) -> None:
        """Let nothing of it live on, and have its output searched for secrets. A program that can, ends in order."""
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        for name in self._output:
            self.secrecy.look(f"{name} of {self._arguments[0]}", getattr(self, name))


class Exporter(Process):
    """A running exporter."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, secrecy: Watch, env: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(["exporter", *arguments], folder, secrecy, env)
        self.host = "127.0.0.1"
        self.port = 0

    def await_listening(self) -> None:
        """Wait for the line of its log that tells its port."""
        until(lambda: self.popen.poll() is not None or bool(self.logged("listening")), START_SECONDS, "listening")
        if self.popen.poll() is not None:
            raise AssertionError(f"it ended at once with {self.popen.returncode}: {self.stderr}")
        self.port = int(self.logged("listening")[0]["address"].rpartition(":")[2])

    @property
    def log(self) -> list[dict[str, str]]:
        """The lines of its log. What it says to people besides is indented."""
        complete = self.stderr.rpartition("\n")[0]
        return [log_line(line) for line in complete.splitlines() if line and not line.startswith("  ")]

    def logged(self, message: str) -> list[dict[str, str]]:
        """The lines with this message."""
        return [line for line in self.log if line["msg"] == message]

    def get(self, path: str, headers: Mapping[str, str] | None = None, host: str | None = None) -> Answer:
        """What it answers, on a connection of its own."""
        return self.request("GET", path, headers, host)

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, host: str | None = None
    ) -> Answer:
        """What it answers to any method, on a connection of its own."""
        connection = http.client.HTTPConnection(host or self.host, self.port, timeout=60)
        try:
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()
        self.secrecy.look(f"{method} {path}", f"{answer.headers}")
        self.secrecy.look(f"{method} {path}", answer.content)
        return answer

    def answers(self) -> bool:
        """Whether it listens already."""
        try:
            return self.get("/-/ready").status == 200
        except ConnectionError:
            return False

    def scrape(self, timeout: float | None = None, headers: Mapping[str, str] | None = None) -> Scrape:
        """Its metrics in the text format; `timeout` is what the scraper says that it is."""
        wanted = dict(headers or {})
        if timeout is not None:
            wanted["X-Prometheus-Scrape-Timeout-Seconds"] = str(timeout)
        answer = self.get("/metrics", wanted)
        assert answer.status == 200, answer.text
        return Scrape.of_text(answer.text)

    def reload(self) -> Answer:
        """What it answers to being told to reload."""
        return self.request("POST", "/-/reload")

    def begin_scrape(self, timeout: float) -> socket.socket:
        """The connection of a scraper that has asked and now waits."""
        connection = socket.create_connection((self.host, self.port), timeout=60)
        head = f"GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Prometheus-Scrape-Timeout-Seconds: {timeout}\r\n\r\n"
        connection.sendall(head.encode())
        return connection

    def page(self, path: str) -> str:
        """A page for people."""
        answer = self.get(path, {"Accept": "text/html"})
        assert answer.status == 200, answer.text
        return answer.text

    def json(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """The same for programs."""
        answer = self.get(path, {"Accept": "application/json"})
        assert answer.status == 200, answer.text
        return answer.json

    def descriptors(self) -> int:
        """How many it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def cpu_seconds(self) -> float:
        """How long it has had a processor."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_kib(self, key: str = "VmRSS") -> int:
        """Its resident memory, or with `VmHWM` the most that it ever was."""
        found = re.search(rf"^{key}:\s+(\d+) kB$", Path(f"/proc/{self.pid}/status").read_text(), re.MULTILINE)
        assert found, key
        return int(found[1])


_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s"=]*)(?: |$)')


def log_line(line: str) -> dict[str, str]:
    """A line of the log, in either form."""
    if line.startswith("{"):
        return dict(json.loads(line))
    fields = list(_FIELD.finditer(line))
    assert "".join(field[0] for field in fields) == line, f"no line of a log: {line}"
    assert [field[1] for field in fields[:3]] == ["ts", "level", "msg"], f"no line of a log: {line}"
    return {field[1]: json.loads(field[2]) if field[2].startswith('"') else field[2] for field in fields}


def canary_sandbox(tasks: Sequence[Task], **options: Any) -> Sandbox:  # noqa: ANN401 - the sandbox's own
    """A sandbox whose credentials the search for secrets knows."""
    return Sandbox(tasks, access_key_id=ACCESS_KEY_ID, secret_key=SECRET_KEY, **options)


def entries_of(tasks: Iterable[Task]) -> list[dict[str, object]]:
    """A list of tasks as a configuration, or a file of its own, has it."""
    return [
        {
            "task_id": task.task_id,
            **({"precheck_task_id": task.precheck_task_id} if task.precheck_task_id else {}),
            "name": task.name,
            "kind": task.kind,
            "labels": dict(task.labels),
        }
        for task in tasks
    ]


def config_of(sandbox: Handle, tasks: Sequence[Task] | None = None, **changes: object) -> dict[str, object]:
    """A configuration that watches a sandbox's tasks, or some of them.

    `changes` replace its keys; those of `api` are put among the others, and one that is None is taken away.
    """
    api: dict[str, object] = {
        "base_url": sandbox.base_url,
        "access_key_id": sandbox.access_key_id,
        "secret_key": sandbox.secret_key,
    }
    more = changes.pop("api", {})
    assert isinstance(more, dict)
    watched = entries_of(sandbox.tasks if tasks is None else tasks)
    kept = {key: value for key, value in (api | more).items() if value is not None}
    return {"api": kept, "tasks": watched, **changes}


def write(path: Path, content: object) -> None:
    """Put a file with this content, as YAML, into its place."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    new.replace(path)


class Launcher:
    """Starts programs, each with a folder of its own."""

    def __init__(self, secrecy: Watch, folder: Path) -> None:
        self._secrecy = secrecy
        self._folder = folder
        self.started: list[Process] = []

    def __call__(
        self, sandbox: Handle, *flags: str, tasks: Sequence[Task] | None = None, **changes: object
    ) -> Exporter:
        """An exporter that watches a sandbox; see `config_of`."""
        return self.run(f"--config.file={self.config(config_of(sandbox, tasks, **changes))}", *flags)

    def run(self, *flags: str, env: Mapping[str, str] | None = None) -> Exporter:
        """An exporter with these flags that listens, on a free port unless they say otherwise."""
        exporter = self.begin("--web.listen-address=127.0.0.1:0", *flags, env=env)
        exporter.await_listening()
        return exporter

    def begin(self, *flags: str, env: Mapping[str, str] | None = None) -> Exporter:
        """An exporter with exactly these flags, which may still be starting."""
        exporter = Exporter(flags, self._new_folder(), self._secrecy, env)
        self.started.append(exporter)
        return exporter

    def program(self, *arguments: str) -> Process:
        """Another module of Python, started like the exporter."""
        process = Process(arguments, self._new_folder(), self._secrecy)
        self.started.append(process)
        return process

    def config(self, content: Mapping[str, object]) -> Path:
        """The path of a configuration with this content."""
        path = self._new_folder() / "config.yaml"
        write(path, dict(content))
        return path

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))


@contextmanager
def launcher(secrecy: Watch, folder: Path) -> Iterator[Launcher]:
    """A launcher whose processes end with the context, whatever happens; none may have met an error of its own."""
    launching = Launcher(secrecy, folder)
    try:
        yield launching
    finally:
        for process in launching.started:
            process.tell_to_stop()
        for process in launching.started:
            process.kill()
    for process in launching.started:
        assert "Traceback" not in process.stderr, process.stderr
