"""What all contenders have in common."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.processes import Process


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked for, and how."""

    tasks: int
    latency_seconds: float
    concurrency: int
    items: int = 12
    failing: int = 0
    """How many items of each task fail, each with a text of its own."""


@dataclass(frozen=True, slots=True)
class Run:
    """What asking for all tasks once gave."""

    seconds: float
    answered: int
    """How many tasks were."""
    size: int = 0
    """Bytes, as they came over the wire."""
    samples: int = 0


class Contender(Protocol):
    """A running program that can be made to ask for all tasks."""

    @property
    def process(self) -> Process:
        """To see what it costs."""
        ...

    def run(self) -> Run:
        """Ask for all tasks once."""
        ...


class Starter(Protocol):
    """Starts a contender."""

    def __call__(self, case: Case, api_url: str, folder: Path) -> AbstractContextManager[Contender]:
        """One that runs while the context lasts, with files of its own in `folder`."""
        ...
