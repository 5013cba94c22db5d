"""What one scrape found: immutable values, all that the metrics are made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from exporter.config import Task
from exporter.ninedata import Precheck, QueryError, Reason, TaskState, advice_on

T = TypeVar("T")


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

    def advice(self, request: str) -> str:
        """What a person can do about it; `request` is its kind."""
        return self.own_advice or advice_on(self.reason, request)

    def log_fields(self, request: str) -> dict[str, object]:
        """Its fields in a line of the log."""
        return {
            "reason": self.reason.value,
            "error": self.message,
            "advice": self.advice(request),
            "request_id": self.request_id or None,
        }


@dataclass(frozen=True, slots=True)
class QueryResult(Generic[T]):
    """The result of one query of one task: an answer or a failure."""

    task: Task
    outcome: T | QueryFailure
    seconds: float | None
    """Time spent on the query, retries included; None without one, because a list of tasks has the answer."""
    at: datetime
    """When the query ended."""
    partial: T | None = None
    """The part of the answer that came before the failure."""

    @property
    def failure(self) -> QueryFailure | None:
        """Why the query failed; None if it succeeded."""
        return self.outcome if isinstance(self.outcome, QueryFailure) else None

    @property
    def answer(self) -> T | None:
        """The answer, or the part of it that came before a failure."""
        return self.partial if isinstance(self.outcome, QueryFailure) else self.outcome

    @property
    def up(self) -> bool:
        """Whether the query was answered and understood."""
        return not isinstance(self.outcome, QueryFailure)


@dataclass(frozen=True, slots=True)
class DiscoveryResult:
    """The result of one discovery of tasks of one kind."""

    kind: str
    tasks: tuple[Task, ...]
    """The tasks to watch. After a failure: the tasks known before, and those listed so far."""
    failure: QueryFailure | None
    seconds: float
    complete: bool = True
    """False: the list was never read whole since the start, so that tasks may be missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The results of one scrape, in the order in which the tasks are watched."""

    prechecks: tuple[QueryResult[Precheck], ...]
    states: tuple[QueryResult[TaskState], ...] = ()
    """Of the tasks themselves."""
    discoveries: tuple[DiscoveryResult, ...] = ()
    """Those that are part of this scrape."""
