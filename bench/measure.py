"""Measuring a case: the contenders in turn, round by round, so that they meet the same moods of the machine."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.contenders import Case, Contender, Run, Starter
from bench.processes import Process, python

PATIENCE_SECONDS = 10.0
"""Of a contender that takes longer the first run counts already, and there are no more than MIN_ROUNDS."""
MIN_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """One run, and what it cost."""

    run: Run
    cpu_seconds: float
    """Of the contender."""
    api_cpu_seconds: float
    """Of the API meanwhile."""
    turn: int
    """0 for the contenders' first runs, 1 for the next, and so on."""


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one contender in one case."""

    contender: str
    case: Case
    rounds: tuple[Measured, ...]
    idle_mib: float
    """Its memory before the first run."""
    peak_mib: float
    """The most memory that it ever had."""


@dataclass(frozen=True, slots=True)
class Api:
    """The API while it serves."""

    process: Process
    url: str


def measure(case: Case, starters: Mapping[str, Starter], rounds: int) -> list[Series]:
    """So many rounds of the contenders by their names. Raises RuntimeError where a task is not answered."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        api = stack.enter_context(serving(case, folder))
        contenders = {name: stack.enter_context(start(case, api.url, folder)) for name, start in starters.items()}
        idle = {name: contender.process.memory_mib() for name, contender in contenders.items()}
        first = {name: _measured(case, contender, api, 0) for name, contender in contenders.items()}
        found = {name: [one] if _is_slow(one) else [] for name, one in first.items()}
        for turn in range(1, rounds + 1):
            for name, contender in contenders.items():
                if not _is_slow(first[name]) or turn < MIN_ROUNDS:
                    found[name].append(_measured(case, contender, api, turn))
        return [
            Series(name, case, tuple(found[name]), idle[name], contender.process.memory_mib(peak=True))
            for name, contender in contenders.items()
        ]


@contextmanager
def serving(case: Case, folder: Path) -> Iterator[Api]:
    """The API, with all tasks of a case."""
    flags = {
        "--tasks": case.tasks,
        "--items": case.items,
        "--failing": case.failing,
        "--latency-seconds": case.latency_seconds,
    }
    command = python("-m", "bench.api", *(f"{flag}={value}" for flag, value in flags.items()))
    with Process(command, folder / "api.log") as process:
        yield Api(process, process.hear())


def _is_slow(first: Measured) -> bool:
    return first.run.seconds > PATIENCE_SECONDS


def _measured(case: Case, contender: Contender, api: Api, turn: int) -> Measured:
    used, served = contender.process.cpu_seconds(), api.process.cpu_seconds()
    run = contender.run()
    if run.answered != case.tasks:
        raise RuntimeError(f"only {run.answered} of {case.tasks} tasks are answered")
    return Measured(run, contender.process.cpu_seconds() - used, api.process.cpu_seconds() - served, turn)
