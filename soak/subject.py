"""The exporter under test, as a process of its own, what it holds, and what it complains of."""

import base64
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from soak.log import Log

START_SECONDS = 30.0
ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""Has glibc give free memory back at once: what it would keep for later hides what is really held.

Users run the exporter without it: how much memory theirs takes, a soak does not say.
"""
ANSWER_SECONDS = 60.0
USER, PASSWORD = "soak", "of no use elsewhere"
AUTHORIZATION = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
"""What the exporter is always asked with."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds at one moment."""

    memory_kib: int
    descriptors: int
    threads: int


class Subject:
    """Asks a running exporter."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Log) -> None:
        self._process = process
        self._port = port
        self._log = log

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Status and text of an answer."""
        with closing(self._connection()) as connection:
            connection.request("GET", path, headers={"Authorization": AUTHORIZATION, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read().decode()

    def crowd(self, clients: int, path: str, headers: Mapping[str, str]) -> list[int]:
        """So many clients ask at once; every second one then goes away, and the other ones read: their statuses."""
        with ExitStack() as stack:
            connections = [stack.enter_context(closing(self._connection())) for _ in range(clients)]
            for connection in connections:
                connection.request("GET", path, headers={"Authorization": AUTHORIZATION, **headers})
            for connection in connections[::2]:
                connection.close()
            return [_read(connection) for connection in connections[1::2]]

    def say(self, request: bytes, wait: float = 0.0) -> None:
        """Send some bytes, and go away after a while without reading."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=ANSWER_SECONDS) as client:
            client.sendall(request)
            time.sleep(wait)

    def reload(self) -> bool:
        """Have it reload its configuration, and wait for it; whether it took it."""
        with closing(self._connection()) as connection:
            connection.request("POST", "/-/reload", headers={"Authorization": AUTHORIZATION})
            return _read(connection) == HTTPStatus.OK

    def hang_up(self) -> None:
        """Have it reload its configuration, without waiting."""
        self._process.send_signal(signal.SIGHUP)

    def held(self) -> Held:
        """What it holds now."""
        proc = Path(f"/proc/{self._process.pid}")
        found = re.search(r"^VmRSS:\s+(\d+) kB$", (proc / "status").read_text(), re.MULTILINE)
        if found is None:
            raise RuntimeError("the exporter is gone")
        return Held(int(found[1]), len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir())))

    def complaints(self) -> list[str]:
        """What its log says since the last time that it should not; see `Log`. Also once it has ended."""
        return self._log.complaints()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)


@contextmanager
def started(config: Path, web_config: Path, log: Path) -> Iterator[Subject]:
    """An exporter as long as the context lasts, with its log in a file."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = [
        f"--config.file={config}",
        f"--web.config.file={web_config}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NINEDATA_")} | ALLOCATOR
    with log.open("ab") as file:
        process = subprocess.Popen([sys.executable, "-m", "exporter", *flags], stderr=file, env=environment)  # noqa: S603 - our own
    try:
        subject = Subject(process, port, Log(log))
        _await(subject, process, log)
        yield subject
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _read(connection: http.client.HTTPConnection) -> int:
    """The status of an answer that is read to its end."""
    response = connection.getresponse()
    response.read()
    return response.status


def _await(subject: Subject, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            subject.get("/-/ready")
            return
        time.sleep(0.05)
    raise RuntimeError(f"the exporter does not start: {log.read_text()}")
