"""The exporter as a process: started as a user starts it, asked over HTTP, stopped by a signal."""

import base64
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tests.program.scrape import Answer, Scrape
from tests.secrecy import Watch

if TYPE_CHECKING:
    import ssl

ROOT = Path(__file__).parents[2]
GRACE_SECONDS = 2.0
"""What a busy machine may add to a time limit."""


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until something holds; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


class Exporter:
    """A running exporter, with its output in files of `folder`."""

    def __init__(self, folder: Path, secrecy: Watch, *flags: str, env: Mapping[str, str] | None = None) -> None:
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        """How clients connect to it."""
        self.user = ""
        """`name:password` that clients send."""
        self.flags = flags
        self._secrecy = secrecy
        self._stderr = folder / "stderr"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("NINEDATA_")}
        with (folder / "stdout").open("wb") as out, self._stderr.open("wb") as err:
            self.popen = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "exporter", *flags],
                cwd=ROOT,
                env=inherited | dict(env or {}),
                stdout=out,
                stderr=err,
            )

    def await_listening(self) -> None:
        """Wait for its log to tell the port."""
        until(lambda: self.popen.poll() is not None or self.logged("listening"), 30, "listening")
        assert self.popen.poll() is None, self.stderr
        self.port = int(self.logged("listening")[0]["address"].rpartition(":")[2])

    @property
    def stderr(self) -> str:
        """What it wrote so far."""
        return self._stderr.read_text("utf-8")

    def logged(self, message: str) -> list[dict[str, str]]:
        """The lines of its log with this message. The demonstration's greeting is indented."""
        complete = self.stderr.rpartition("\n")[0].splitlines()
        lines = [log_line(line) for line in complete if line and not line.startswith("  ")]
        return [line for line in lines if line["msg"] == message]

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """An answer on a connection of its own."""
        given = dict(headers or {})
        if self.user:
            given["Authorization"] = f"Basic {base64.b64encode(self.user.encode()).decode()}"
        connection = (
            http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.tls)
            if self.tls
            else http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        )
        try:
            connection.request(method, path, headers=given)
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            answer = Answer(response.status, names, response.read())
        finally:
            connection.close()
        self._secrecy.look(f"{method} {path}", f"{answer.headers}\n{answer.text}")
        return answer

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The same of a GET."""
        return self.request("GET", path, headers)

    def scrape(self, timeout: float | None = None) -> Scrape:
        """The metrics; `timeout` is the scraper's, which the answer must keep."""
        began = time.monotonic()
        headers = {} if timeout is None else {"X-Prometheus-Scrape-Timeout-Seconds": str(timeout)}
        answer = self.get("/metrics", headers)
        assert answer.status == 200, answer.text
        assert time.monotonic() - began < (timeout or 60) + GRACE_SECONDS
        return Scrape(answer.text)

    def begin_scrape(self, timeout: float) -> socket.socket:
        """The connection of a scraper that waits for its answer."""
        connection = self.connect()
        head = f"GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Prometheus-Scrape-Timeout-Seconds: {timeout}\r\n\r\n"
        connection.sendall(head.encode())
        return connection

    def connect(self) -> socket.socket:
        """A connection that says nothing."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

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
        self._secrecy.look(f"output of {self.flags}", self.stderr)
        assert "Traceback" not in self.stderr, self.stderr


_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s"=]*)(?: |$)')


def log_line(line: str) -> dict[str, str]:
    """A line of the log, in either form."""
    if line.startswith("{"):
        return dict(json.loads(line))
    fields = list(_FIELD.finditer(line))
    assert "".join(field[0] for field in fields) == line, f"no line of a log: {line}"
    assert [field[1] for field in fields[:3]] == ["ts", "level", "msg"], f"no line of a log: {line}"
    return {field[1]: json.loads(field[2]) if field[2].startswith('"') else field[2] for field in fields}
