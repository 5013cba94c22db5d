"""The floor under all: the requests alone, see `bench.floor`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.contenders.contender import Case, Run
from bench.processes import Process, python


class Floor:
    """Makes the requests for each line that it is told."""

    def __init__(self, process: Process, tasks: int) -> None:
        self.process = process
        self._tasks = tasks

    def run(self) -> Run:
        """Make all requests once."""
        began = time.perf_counter()
        self.process.tell("run")
        self.process.hear()
        # It ends where one is not answered.
        return Run(time.perf_counter() - began, self._tasks)


@contextmanager
def floor(case: Case, api_url: str, folder: Path) -> Iterator[Floor]:
    """Raw aiohttp."""
    command = python("-m", "bench.floor", api_url, str(case.tasks), str(case.concurrency))
    with Process(command, folder / "floor.log") as process:
        process.hear()
        yield Floor(process, case.tasks)
