"""The latest results of each task: for the pages, the log, and the order of the next scrape; never for the metrics."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from exporter.config import Task
from exporter.ninedata import Precheck, Reason, TaskState
from exporter.scraping.snapshot import QueryFailure, QueryResult

A = TypeVar("A", Precheck, TaskState)


def next_priority(before: int, failure: QueryFailure | None) -> int:
    """Place in the next scrape, lowest first: -n if n scrapes in a row skipped it, 1 if it timed out, else 0."""
    if failure is None:
        return 0
    if not failure.sent:
        return min(before, 0) - 1
    return int(failure.reason in (Reason.TIMEOUT, Reason.DEADLINE))


@dataclass(frozen=True, slots=True)
class QueryHistory(Generic[A]):
    """The latest results of one query of one task."""

    last: QueryResult[A]
    """The latest query."""
    priority: int
    answer: A | None = None
    """The latest answer that was understood."""
    answered_at: datetime | None = None
    failing_since: datetime | None = None
    """When the queries began to fail; None if the latest one succeeded."""
    logged_reason: Reason | None = None
    """The reason of the latest "query failed" line in the log; None after a success."""


class QueryHistories(Generic[A]):
    """The histories of the same query of all watched tasks."""

    def __init__(self, queried: Callable[[Task], object]) -> None:
        """`queried` returns what identifies the query of a task: if that changes, the task's history begins again."""
        self._tasks: dict[str, QueryHistory[A]] = {}
        self._queried = queried

    def of(self, task: Task) -> QueryHistory[A] | None:
        """The history of a task; None before the first query."""
        history = self._tasks.get(task.task_id)
        return history if history is not None and self._queried(history.last.task) == self._queried(task) else None

    def priority(self, task: Task) -> int:
        """Of the task's query in the next scrape, see `next_priority`."""
        history = self.of(task)
        return history.priority if history is not None else 0

    def record(self, result: QueryResult[A]) -> QueryHistory[A] | None:
        """Add a result. Returns the history before it."""
        before = self.of(result.task)
        self._tasks[result.task.task_id] = _continued(before, result)
        return before

    def retain(self, task_ids: AbstractSet[str]) -> None:
        """Forget all other tasks."""
        self._tasks = {task_id: task for task_id, task in self._tasks.items() if task_id in task_ids}


class History:
    """The history of all watched tasks."""

    def __init__(self) -> None:
        self.prechecks = QueryHistories[Precheck](lambda task: task.ref)
        self.states = QueryHistories[TaskState](lambda task: task.ref.kind)
        self.skipped: AbstractSet[str] = frozenset()
        """The ids of the tasks for which the latest scrape had no time."""
        self.states_first = False
        """Whether the next scrape begins with tasks themselves: in turns, so that a single worker neglects neither."""

    def retain(self, prechecks: AbstractSet[str], states: AbstractSet[str]) -> None:
        """Forget all but the prechecks, and the states, of these tasks."""
        self.prechecks.retain(prechecks)
        self.states.retain(states)
        self.skipped &= prechecks | states


def _continued(before: QueryHistory[A] | None, result: QueryResult[A]) -> QueryHistory[A]:
    answer, failure = result.answer, result.failure
    if failure is None:
        return QueryHistory(result, priority=0, answer=answer, answered_at=result.at)
    history = before or QueryHistory(result, priority=0)
    return QueryHistory(
        result,
        priority=next_priority(history.priority, failure),
        answer=answer or history.answer,
        answered_at=result.at if answer else history.answered_at,
        failing_since=history.failing_since or result.at,
        logged_reason=failure.reason if failure.sent else history.logged_reason,
    )
