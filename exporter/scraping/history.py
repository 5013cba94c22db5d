"""The latest results of each task: for the pages, the log, and the order of the next scrape; never for the metrics."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from exporter.ninedata import Precheck, Reason, TaskState
from exporter.scraping.snapshot import QueryFailure, QueryResult

A = TypeVar("A", Precheck, TaskState)

Priority = tuple[bool, int]
"""Sorts the queries of a scrape: whether the query timed out; minus the number of latest scrapes that skipped it."""
FIRST_PRIORITY: Priority = (False, 0)


def next_priority(before: Priority, failure: QueryFailure | None, *, sent: bool) -> Priority:
    """The priority after one more query: skipped ones come first, those that timed out last."""
    if not sent:
        return False, before[1] - 1
    return failure is not None and failure.timed_out, 0


@dataclass(frozen=True, slots=True)
class QueryHistory(Generic[A]):
    """The latest results of one query of one task."""

    last: QueryResult[A]
    """The latest query."""
    priority: Priority
    answer: A | None = None
    """The latest answer that was understood."""
    answered_at: datetime | None = None
    failing_since: datetime | None = None
    """When the queries began to fail; None if the latest one succeeded."""
    logged_reason: Reason | None = None
    """The reason of the latest "query failed" line in the log; None after a success."""


class QueryHistories(Generic[A]):
    """The histories of the same query of all watched tasks, by task id."""

    def __init__(self) -> None:
        self._tasks: dict[str, QueryHistory[A]] = {}

    @property
    def task_ids(self) -> AbstractSet[str]:
        """Of the tasks that have a history."""
        return self._tasks.keys()

    @property
    def skipped(self) -> AbstractSet[str]:
        """The ids of the tasks for which the latest scrape had no time."""
        return {task_id for task_id, history in self._tasks.items() if history.priority < FIRST_PRIORITY}

    def get(self, task_id: str) -> QueryHistory[A] | None:
        """The history of a task; None before its first query."""
        return self._tasks.get(task_id)

    def before(self, result: QueryResult[A]) -> QueryHistory[A] | None:
        """The history that a result continues; None before the first query, and if the task has a new precheck."""
        history = self._tasks.get(result.task.task_id)
        return history if history is not None and history.last.task.ref == result.task.ref else None

    def priority(self, task_id: str) -> Priority:
        """Sorts this query among those of a scrape."""
        history = self._tasks.get(task_id)
        return history.priority if history is not None else FIRST_PRIORITY

    def retain(self, task_ids: AbstractSet[str]) -> None:
        """Forget all other tasks."""
        if not self._tasks.keys() <= task_ids:
            self._tasks = {task_id: task for task_id, task in self._tasks.items() if task_id in task_ids}

    def record(self, results: Iterable[QueryResult[A]]) -> None:
        """Add the results of a scrape."""
        for result in results:
            self._tasks[result.task.task_id] = _continued(self.before(result), result)


class History:
    """The history of all watched tasks."""

    def __init__(self) -> None:
        self.prechecks = QueryHistories[Precheck]()
        self.states = QueryHistories[TaskState]()

    def retain(self, prechecks: AbstractSet[str], states: AbstractSet[str]) -> None:
        """Forget all but the prechecks, and the states, of these tasks."""
        self.prechecks.retain(prechecks)
        self.states.retain(states)

    @property
    def task_ids(self) -> AbstractSet[str]:
        """Of the tasks that have a history."""
        return self.prechecks.task_ids | self.states.task_ids

    @property
    def skipped(self) -> AbstractSet[str]:
        """The ids of the tasks for which the latest scrapes had no time."""
        return self.prechecks.skipped | self.states.skipped

    def record(self, results: Iterable[QueryResult[Precheck]], states: Iterable[QueryResult[TaskState]] = ()) -> None:
        """Add the results of a scrape."""
        self.prechecks.record(results)
        self.states.record(states)


def _continued(before: QueryHistory[A] | None, result: QueryResult[A]) -> QueryHistory[A]:
    answer, failure = result.answer, result.failure
    if failure is None:
        return QueryHistory(result, FIRST_PRIORITY, answer, result.at)
    history = before or QueryHistory(result, FIRST_PRIORITY)
    return QueryHistory(
        result,
        next_priority(history.priority, failure, sent=result.sent),
        answer or history.answer,
        result.at if answer else history.answered_at,
        failing_since=history.failing_since or result.at,
        logged_reason=failure.reason if result.sent else history.logged_reason,
    )
