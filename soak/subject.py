"""The processes of a run: the sandbox of the API, and the exporter that is measured."""

import base64
import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

USER, PASSWORD = "soak", "for nothing else"
AUTHORIZATION = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""Makes glibc return free memory at once, so that what is left is really held."""
BROKEN_ON_PURPOSE = "configuration not reloaded"


class Subject:
    """A running program that serves HTTP on a port of this machine, with its log in a file."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.port = port
        self._process = process
        self._log = log
        self._log_read = 0

    def request(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", body: str | None = None
    ) -> tuple[int, str]:
        """Status and text of an answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body, {"Authorization": AUTHORIZATION, **(headers or {})})
            response = connection.getresponse()
            return response.status, response.read().decode()

    def send(self, request: bytes) -> None:
        """Send some bytes and close the connection without reading."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=60) as client:
            client.sendall(request)
            time.sleep(0.02)

    def held(self) -> tuple[int, int, int]:
        """Resident memory in KiB, open descriptors, threads."""
        proc = Path(f"/proc/{self._process.pid}")
        found = re.search(r"^VmRSS:\s+(\d+) kB$", (proc / "status").read_text(), re.MULTILINE)
        if found is None:
            raise RuntimeError("the exporter has ended")
        return int(found[1]), len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir()))

    def complaints(self) -> list[str]:
        """New lines of the log that have level error or are no log lines, except those of a broken reload."""
        with self._log.open("rb") as file:
            file.seek(self._log_read)
            new = file.read()
        new = new[: new.rfind(b"\n") + 1]  # not a line that is still being written
        self._log_read += len(new)
        lines = new.decode("utf-8", "replace").splitlines()
        bad = [
            line for line in lines if not re.match(r"ts=\S+ level=(?!error)", line) and BROKEN_ON_PURPOSE not in line
        ]
        return [f"the log says: {line[:300]}" for line in bad]


@contextmanager
def running(name: str, flags: Sequence[str], address_flag: str, log: Path) -> Iterator[Subject]:
    """Run `python -m NAME FLAGS` on a free port until the context ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NINEDATA_")} | ALLOCATOR
    command = [sys.executable, "-m", name, f"{address_flag}=127.0.0.1:{port}", *flags]
    with log.open("ab") as file:
        process = subprocess.Popen(command, stderr=file, env=environment)  # noqa: S603 - our own programs
    try:
        subject = Subject(process, port, log)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"{name} does not start: {log.read_text()}")
        yield subject
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
