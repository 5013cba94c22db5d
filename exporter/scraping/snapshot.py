"""What one scrape found: immutable values, all that the metrics are made of."""

from dataclasses import dataclass
from datetime import datetime

from exporter.config import Task
from exporter.ninedata import Precheck, QueryError, Reason, advice_on


@dataclass(frozen=True, slots=True)
class QueryFailure:
    """Why a query returned no result. The message is for people and free of secrets."""

    reason: Reason
    message: str
    request_id: str = ""
    sent: bool = True
    """False if no request left: the scrape's time or the rate limit was used up before."""
    own_advice: str = ""

    @classmethod
    def of(cls, error: QueryError) -> "QueryFailure":
        """The failure that an error of the client describes."""
        return cls(error.reason, error.message, error.request_id, error.sent, error.advice)

    def advice(self, kind: str) -> str:
        """What a person can do about it; `kind` is what was queried."""
        return self.own_advice or advice_on(self.reason, kind)

    @property
    def timed_out(self) -> bool:
        """Whether a request was sent and not answered in time."""
        return self.sent and self.reason in (Reason.TIMEOUT, Reason.DEADLINE)


@dataclass(frozen=True, slots=True)
class TaskResult:
    """The result of one task's query: a precheck or a failure."""

    task: Task
    outcome: Precheck | QueryFailure
    seconds: float
    """Time spent on the query, retries included."""
    at: datetime
    """When the query ended."""

    @property
    def up(self) -> bool:
        """Whether the query was answered and understood."""
        return isinstance(self.outcome, Precheck)

    @property
    def sent(self) -> bool:
        """Whether a request left."""
        return not isinstance(self.outcome, QueryFailure) or self.outcome.sent


@dataclass(frozen=True, slots=True)
class DiscoveryResult:
    """The result of one discovery."""

    tasks: tuple[Task, ...]
    """The tasks to watch. After a failure: the tasks known before, and those listed so far."""
    failure: QueryFailure | None
    seconds: float
    complete: bool = True
    """False: the list was never read whole since the start, so that tasks may be missing."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The results of one scrape, in the order in which the tasks are watched."""

    results: tuple[TaskResult, ...]
    discovery: DiscoveryResult | None = None
    """None if this scrape discovers no tasks."""
