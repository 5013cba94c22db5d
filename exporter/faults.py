"""What is wrong with a file that a user wrote, and why the process cannot start."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


def printable(path: Path | str) -> str:
    """A path as text that can be encoded as UTF-8, whatever bytes the file's name has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in one file: `config.yaml:12: tasks[3].task_id: is missing`."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        file = printable(self.file)
        place = file if self.line is None else f"{file}:{self.line}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class ConfigError(Exception):
    """A file that cannot be used, with all its faults in the order of the file."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line or 0))
        super().__init__("\n".join(map(str, self.faults)))


class UnreadableError(ConfigError):
    """A file that cannot be read now. It may become readable without a change to the file itself."""


class StartError(Exception):
    """The process cannot start. The message says why and what to do."""
