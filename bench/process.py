"""A process that is measured from outside."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Process:
    """A running Python program: its lines, its CPU time, its memory."""

    def __init__(self, popen: "subprocess.Popen[str]") -> None:
        self._popen = popen

    def write_line(self) -> None:
        """Send an empty line to its standard input."""
        assert self._popen.stdin is not None  # noqa: S101 - it is a pipe
        self._popen.stdin.write("\n")
        self._popen.stdin.flush()

    def read_line(self) -> str:
        """The next line of its standard output. Raises RuntimeError if the process ends instead."""
        assert self._popen.stdout is not None  # noqa: S101 - it is a pipe
        line = self._popen.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self._popen.args!r} ended without a word")
        return line

    def check_running(self) -> None:
        """Raise RuntimeError if it has ended."""
        if self._popen.poll() is not None:
            raise RuntimeError(f"{self._popen.args!r} ended with {self._popen.returncode}")

    def cpu_seconds(self) -> float:
        """CPU time used so far by all threads, in user and kernel mode."""
        # Linux' number for the CPU clock of another process: /proc/PID/stat has only hundredths of a second.
        return time.clock_gettime((~self._popen.pid << 3) | 2)

    def peak_mib(self) -> float:
        """The most resident memory that it ever had."""
        status = Path(f"/proc/{self._popen.pid}/status").read_text("ascii")
        found = re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"{self._popen.args!r} has ended")
        return int(found[1]) / 1024


@contextmanager
def running(*arguments: str) -> Iterator[Process]:
    """Run `python ARGUMENTS` until the context ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NINEDATA_")}
    popen = subprocess.Popen(  # noqa: S603 - our own programs
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Process(popen)
    finally:
        popen.terminate()
        try:
            popen.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.communicate()


def seconds_of(arguments: Sequence[str]) -> float:
    """The time from start to end of `python ARGUMENTS`, which must succeed."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    return time.perf_counter() - began
