"""Processes, and what the system knows of them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parent.parent
STOP_SECONDS = 10.0


class Process:
    """A program that runs while the context lasts; its standard output and input are pipes, its errors are a file's."""

    def __init__(self, command: Sequence[str], errors: Path, environment: Mapping[str, str] | None = None) -> None:
        self.errors = errors
        self._command = command
        with errors.open("wb") as stderr:
            self._popen = subprocess.Popen(  # noqa: S603 - our own programs, and one of the distribution's
                command,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    def tell(self, line: str) -> None:
        """Write a line to it."""
        assert self._popen.stdin is not None  # noqa: S101 - for the type checker
        self._popen.stdin.write(f"{line}\n")
        self._popen.stdin.flush()

    def hear(self) -> str:
        """The next line that it writes. Raises RuntimeError where it ends instead."""
        assert self._popen.stdout is not None  # noqa: S101 - for the type checker
        line = self._popen.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self._command} ended: {self.errors.read_text('utf-8')[-2000:]}")
        return line

    def running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def cpu_seconds(self) -> float:
        """The CPU time that it has used so far, of all its threads, in the kernel as well."""
        # The CPU clock of another process, as Linux numbers it; /proc has hundredths of a second only.
        return time.clock_gettime((~self._popen.pid << 3) | 2)

    def memory_mib(self, *, peak: bool = False) -> float:
        """Its resident memory, now or at the most."""
        status = Path(f"/proc/{self._popen.pid}/status").read_text("ascii")
        found = re.search(r"^VmHWM:\s+(\d+)" if peak else r"^VmRSS:\s+(\d+)", status, re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._popen.terminate()
        try:
            self._popen.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.communicate()


def python(*arguments: str) -> list[str]:
    """The command of a Python program."""
    return [sys.executable, *arguments]


def seconds_to_end(command: Sequence[str]) -> float:
    """How long a program takes from start to end."""
    began = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own programs
    return time.perf_counter() - began
