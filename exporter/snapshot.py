"""What one scrape found: immutable, and all that the metrics are made of."""

from dataclasses import dataclass
from datetime import datetime

from exporter.config import Task
from exporter.ninedata import Precheck, Reason


@dataclass(frozen=True, slots=True)
class QueryFailure:
    """Why a task's query gave no precheck; the message is for people."""

    reason: Reason
    message: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What the query of one task gave: either a precheck or a failure."""

    task: Task
    outcome: Precheck | QueryFailure
    seconds: float
    """Time spent on the task, retries included."""
    at: datetime
    """When the query ended."""
    asked: bool = True
    """False where no request left: the scrape's time or the permitted rate was used up before."""

    @property
    def up(self) -> bool:
        """Whether the query was answered and understood."""
        return isinstance(self.outcome, Precheck)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The results of one scrape, in the order in which the tasks are watched."""

    results: tuple[TaskResult, ...]
