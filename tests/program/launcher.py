"""Exporters as processes that watch sandboxes of the API: started, asked over HTTP and stopped as a user does it."""

import itertools
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from exporter.sandbox import Sandbox, SandboxTask
from tests.program.scrape import Scrape
from tests.programs import ROOT, until
from tests.sandbox_thread import run_in_thread
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY, Watch

GRACE_SECONDS = 5.0
"""What a busy machine may add to a time limit."""


@dataclass
class Api:
    """A sandbox that serves, with credentials that no output may show."""

    sandbox: Sandbox
    base_url: str

    def config(self, tasks: Iterable[SandboxTask] | None = None, **sections: object) -> dict[str, Any]:
        """A configuration that watches its tasks, or `tasks`, with further sections."""
        return {
            "api": {"base_url": self.base_url, "access_key_id": ACCESS_KEY_ID, "secret_key": SECRET_KEY},
            "tasks": entries(self.sandbox.tasks if tasks is None else tasks),
            **sections,
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


class Exporter:
    """A running exporter, with its configuration and its output in files of `folder`."""

    def __init__(
        self, folder: Path, secrecy: Watch, *flags: str, config: object = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.port = 0
        self.issuer: Path | None = None
        """The certificate that clients trust, if it serves TLS."""
        self.auth: tuple[str, str] | None = None
        """The user and password that clients send."""
        self.config = folder / "config.yaml"
        self._secrecy = secrecy
        self._stderr = folder / "stderr"
        if config is not None:
            write(self.config, config)
            flags = (f"--config.file={self.config}", *flags)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NINEDATA_")}
        with self._stderr.open("wb") as err:
            self.popen = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "exporter", "--log.format=json", *flags],
                cwd=ROOT,
                env=inherited | dict(env or {}),
                stdout=err,
                stderr=err,
            )

    def await_listening(self) -> None:
        """Wait for its log to tell the port."""
        until(lambda: self.popen.poll() is not None or self.logged("listening"), "listening")
        assert self.popen.poll() is None, self.output
        self.port = int(self.logged("listening")[0]["address"].rpartition(":")[2])

    @property
    def output(self) -> str:
        """What it wrote so far."""
        return self._stderr.read_text("utf-8")

    def logged(self, message: str) -> list[dict[str, Any]]:
        """The lines of its log with this message."""
        complete = self.output.rpartition("\n")[0].splitlines()
        lines = [json.loads(line) for line in complete if line.startswith("{")]
        return [line for line in lines if line["msg"] == message]

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """An answer on a connection of its own."""
        url = f"http{'s' if self.issuer else ''}://127.0.0.1:{self.port}{path}"
        tls = ssl.create_default_context(cafile=self.issuer) if self.issuer else False
        answer = httpx.request(method, url, headers=headers, auth=self.auth, verify=tls, timeout=60, trust_env=False)
        self._secrecy.look(f"{method} {path}", f"{answer.headers}\n{answer.text}")
        return answer

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The same of a GET."""
        return self.request("GET", path, headers)

    def scrape(self, timeout: float | None = None) -> Scrape:
        """The metrics; `timeout` is the scraper's, which the answer must keep."""
        began = time.monotonic()
        headers = {} if timeout is None else {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout)}
        answer = self.get("/metrics", headers)
        assert answer.status_code == 200, answer.text
        assert time.monotonic() - began < (timeout or 60) + GRACE_SECONDS
        return Scrape(answer.text)

    def begin_scrape(self) -> socket.socket:
        """The connection of a scraper that waits for its answer."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(
            b"GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Prometheus-Scrape-Timeout-Seconds: 60\r\n\r\n"
        )
        return connection

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """End it by a signal, without an error; returns the seconds that it took."""
        began = time.monotonic()
        self.popen.send_signal(number)
        assert self.popen.wait(10) == 0
        return time.monotonic() - began

    def close(self) -> None:
        """End it in any case, and search its output for secrets and errors of its own."""
        self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self._secrecy.look("output", self.output)
        assert "Traceback" not in self.output, self.output


class Launcher:
    """Starts exporters and sandboxes that end with the test."""

    def __init__(self, folder: Path, secrecy: Watch, stack: ExitStack) -> None:
        self.folder = folder
        self._secrecy = secrecy
        self._stack = stack
        self._numbers = itertools.count()

    def serve(self, *tasks: SandboxTask) -> Api:
        """A sandbox with these tasks."""
        sandbox = Sandbox(tasks)
        sandbox.access_key_id, sandbox.secret_key = ACCESS_KEY_ID, SECRET_KEY
        return Api(sandbox, self._stack.enter_context(run_in_thread(sandbox)))

    def begin(self, *flags: str, config: object = None, env: Mapping[str, str] | None = None) -> Exporter:
        """An exporter on a free port, with these flags and this configuration, which may still be starting."""
        folder = self.folder / str(next(self._numbers))
        folder.mkdir()
        address = "--web.listen-address=127.0.0.1:0"
        exporter = Exporter(folder, self._secrecy, address, *flags, config=config, env=env)
        self._stack.callback(exporter.close)
        return exporter

    def start(self, *flags: str, config: object = None, env: Mapping[str, str] | None = None) -> Exporter:
        """The same that listens."""
        exporter = self.begin(*flags, config=config, env=env)
        exporter.await_listening()
        return exporter


@contextmanager
def launching(folder: Path, secrecy: Watch) -> Iterator[Launcher]:
    """A launcher whose programs end with the context."""
    with ExitStack() as stack:
        yield Launcher(folder, secrecy, stack)
