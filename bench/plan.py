"""What is measured, and what is to be reached."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bench.contenders import Case, Starter, blackbox, exporter, floor, script
from bench.contenders.blackbox import PROGRAM

EXPORTER = "this exporter"
FLOOR = "raw aiohttp"
SCRIPT = "script"
BLACKBOX = "blackbox exporter"

USUAL_CONCURRENCY = 64
USUAL_LATENCY = 0.05

HEADLINE = Case(1000, USUAL_LATENCY, USUAL_CONCURRENCY)
NO_LATENCY = Case(1000, 0.0, USUAL_CONCURRENCY)
SMALL = Case(10, USUAL_LATENCY, USUAL_CONCURRENCY)
LARGE = Case(5000, 0.0, USUAL_CONCURRENCY)
FAILING = tuple(replace(case, failing=3) for case in (HEADLINE, NO_LATENCY, LARGE))
"""The same where no task's answer is like another's."""


@dataclass(frozen=True, slots=True)
class Step:
    """One case, and who takes part."""

    case: Case
    contenders: Mapping[str, Starter]
    rounds: int


def whole() -> Iterator[Step]:
    """Everything; about ten minutes."""
    for latency in (0.0, USUAL_LATENCY, 0.2):
        for tasks in (10, 100, 1000, 5000):
            rounds = 15 if tasks == SMALL.tasks else 5 if tasks < LARGE.tasks else 3
            yield Step(Case(tasks, latency, USUAL_CONCURRENCY), _contenders(tasks, latency), rounds)
    for concurrency in (8, 16, 32, 128):
        yield Step(Case(HEADLINE.tasks, USUAL_LATENCY, concurrency), {EXPORTER: exporter, FLOOR: floor}, 3)
    for case in FAILING:
        yield Step(case, {EXPORTER: exporter, FLOOR: floor}, 5 if case.tasks < LARGE.tasks else 3)


def quick() -> Iterator[Step]:
    """A look at it; half a minute."""
    for latency in (0.0, USUAL_LATENCY):
        for tasks in (10, 100):
            yield Step(Case(tasks, latency, USUAL_CONCURRENCY), _contenders(tasks, latency), 3)


def _contenders(tasks: int, latency: float) -> dict[str, Starter]:
    """The alternatives take part where they take less than a minute for it."""
    taking_part: dict[str, Starter] = {EXPORTER: exporter, FLOOR: floor}
    if latency <= USUAL_LATENCY and tasks <= HEADLINE.tasks:
        taking_part[SCRIPT] = script
        if PROGRAM.exists():
            taking_part[BLACKBOX] = blackbox
    return taking_part
