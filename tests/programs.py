"""Real programs: those that `make components` fetched, run to their end or served on a port of this machine."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]


def component(name: str) -> str:
    """The path of a program. Without it the test is skipped, or fails in CI."""
    found = shutil.which(name, path=f"{ROOT / '.components'}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} is missing: make components")
    return found


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """What a command prints; it must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603 - our own
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def until(condition: Callable[[], object], what: object, seconds: float = 30) -> None:
    """Wait until something holds; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


_reserved: list[socket.socket] = []


def free_port() -> int:
    """A port on which a program can listen; until this process ends, nothing else gets it by chance."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    _reserved.append(reserved)
    return int(reserved.getsockname()[1])


@contextmanager
def serving(folder: Path, port: int, *command: str, cwd: Path | None = None) -> Iterator[httpx.Client]:
    """A client of a program of Prometheus' family that listens on this port, with its log in a folder."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=cwd or folder, stdout=log, stderr=log)  # noqa: S603 - a component
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
            until(lambda: process.poll() is not None or _is_ready(client), command[0], 60)
            assert process.poll() is None, (folder / "log").read_text("utf-8")
            yield client
    finally:
        process.kill()
        process.wait()


def _is_ready(client: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return client.get("/-/ready").is_success
    return False
