"""All that was measured, and what is read from it."""

import statistics
from collections.abc import Iterable, Mapping

from bench.contenders import Case
from bench.maths import Spread, ideal_seconds, spread
from bench.measure import Series


class Results:
    """All series of a run, and how long the exporter takes to start."""

    def __init__(self, series: Iterable[Series], startup: Mapping[str, Spread]) -> None:
        self.series = tuple(series)
        self.startup = startup

    def find(self, contender: str, case: Case) -> Series | None:
        """The series of a contender in a case; None where it took no part."""
        return next((s for s in self.series if s.contender == contender and s.case == case), None)

    def growing(self, contender: str, latency_seconds: float, concurrency: int) -> list[Series]:
        """The series of a contender in which no item fails and the number of tasks alone differs."""
        found = [s for s in self.series if s.contender == contender and not s.case.failing]
        found = [s for s in found if s.case.latency_seconds == latency_seconds and s.case.concurrency == concurrency]
        return sorted(found, key=lambda s: s.case.tasks)

    def cpu_beside(self, contender: str, series: Series) -> float | None:
        """How many times the CPU of another contender in the same case, of the runs of the same turn.

        None where it took no part. A run that has none beside it, such as the first of a slow contender, is left out.
        """
        other = self.find(contender, series.case)
        beside = {one.turn: one.cpu_seconds for one in other.rounds} if other else {}
        ratios = [one.cpu_seconds / beside[one.turn] for one in series.rounds if one.turn in beside]
        return statistics.median(ratios) if ratios else None


def wall(series: Series) -> Spread:
    """Seconds of a run."""
    return spread([one.run.seconds for one in series.rounds])


def times_ideal(series: Series) -> Spread | None:
    """The same as a multiple of the ideal; None where there is no latency, and so no ideal."""
    ideal = ideal_seconds(series.case.tasks, series.case.concurrency, series.case.latency_seconds)
    return spread([one.run.seconds / ideal for one in series.rounds]) if ideal else None


def cpu_per_task(series: Series) -> Spread:
    """Milliseconds of the contender's CPU."""
    return spread([one.cpu_seconds / series.case.tasks * 1e3 for one in series.rounds])


def api_cpu_per_task(series: Series) -> Spread:
    """Milliseconds of the API's CPU meanwhile."""
    return spread([one.api_cpu_seconds / series.case.tasks * 1e3 for one in series.rounds])
