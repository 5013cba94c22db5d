"""What one scrape found: immutable, and all that the metrics are made of."""

from dataclasses import dataclass
from datetime import datetime

from exporter.config import Task
from exporter.ninedata import Precheck, Reason

Turn = tuple[bool, float]
"""Sorts what the API is to be asked: whether it hung last time, then the latest scrape in which it was asked."""


@dataclass(frozen=True, slots=True)
class QueryFailure:
    """Why a task's query gave no precheck; the message is for people."""

    reason: Reason
    message: str
    request_id: str = ""
    asked: bool = True
    """False where no request left: the scrape's time or the permitted rate was used up before."""

    @property
    def hung(self) -> bool:
        """Whether a request was not answered in time."""
        return self.asked and self.reason in (Reason.TIMEOUT, Reason.DEADLINE)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What the query of one task gave: either a precheck or a failure."""

    task: Task
    outcome: Precheck | QueryFailure
    seconds: float
    """Time spent on the task, retries included."""
    at: datetime
    """When the query ended."""

    @property
    def asked(self) -> bool:
        """False where no request left: the scrape's time or the permitted rate was used up before."""
        return self.outcome.asked if isinstance(self.outcome, QueryFailure) else True

    @property
    def up(self) -> bool:
        """Whether the query was answered and understood."""
        return isinstance(self.outcome, Precheck)


@dataclass(frozen=True, slots=True)
class Discovered:
    """What one attempt to discover tasks gave."""

    tasks: tuple[Task, ...]
    """Those to be watched: where the attempt failed, the ones known before and those found by then."""
    failure: QueryFailure | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The results of one scrape."""

    results: tuple[TaskResult, ...]
    """In the order in which the tasks are watched."""
    discovered: Discovered | None = None
    """None where no tasks are discovered."""

    @property
    def cut_short(self) -> bool:
        """Whether something was not answered because the scrape's time was up."""
        failures = [result.outcome for result in self.results if isinstance(result.outcome, QueryFailure)]
        if self.discovered and self.discovered.failure:
            failures.append(self.discovered.failure)
        return any(failure.reason is Reason.DEADLINE for failure in failures)
