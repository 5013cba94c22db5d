"""The queries of a run: of prechecks, of tasks themselves, of lists of tasks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from exporter.config import Task
from exporter.ninedata import KINDS, ListedTask, QueryError, Reason, TaskRef, TaskState, TaskStatus
from exporter.ninedata.client import NineDataClient, QueryProgress
from exporter.scraping.discovery import Discovery
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, QueryResult

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Query(Generic[T]):
    """One query of a run: it has not begun, is under way, or has ended with an outcome."""

    __slots__ = ("_began", "_ended", "_query", "_subject", "ended_at", "outcome", "priority", "progress")

    def __init__(self, subject: str, query: Callable[[QueryProgress], Awaitable[T]], priority: int) -> None:
        """`subject` is what is queried, for the log. `query` returns the answer, or raises QueryError."""
        self.priority = priority
        self.progress = QueryProgress()
        self.outcome: T | QueryFailure | None = None
        """None until the query has ended."""
        self.ended_at: datetime | None = None
        self._subject = subject
        self._query = query
        self._began: float | None = None
        self._ended: float | None = None

    async def run(self, wall_clock: Callable[[], datetime]) -> None:
        """Query, to the end. This is the one place where errors become values."""
        clock = asyncio.get_running_loop().time
        self._began = clock()
        try:
            self.outcome = await self._query(self.progress)
        except QueryError as error:
            self.outcome = QueryFailure.of(error)
        except Exception as error:  # noqa: BLE001 - a bug that one answer triggers must not cost the other tasks
            _log.exception("internal error", extra={"fields": {"query": self._subject}})
            self.outcome = QueryFailure(Reason.INTERNAL, f"{type(error).__name__} in the exporter; see its log")
        self._ended, self.ended_at = clock(), wall_clock()

    @property
    def seconds(self) -> float:
        """Time spent on the query so far."""
        return 0.0 if self._began is None else (self._ended or asyncio.get_running_loop().time()) - self._began

    @property
    def outcome_now(self) -> T | QueryFailure:
        """The outcome, or the failure of a query that has none at the deadline."""
        return self.outcome if self.outcome is not None else QueryFailure.of(self.progress.error_at_deadline())


class TaskQuery(Query[T]):
    """A query of one task."""

    __slots__ = ("task",)

    def __init__(self, task: Task, query: Callable[[TaskRef, QueryProgress], Awaitable[T]], priority: int) -> None:
        super().__init__(task.task_id, partial(query, task.ref), priority)
        self.task = task

    def result(self, now: datetime) -> QueryResult[T]:
        """The result for a scrape that ends now."""
        return QueryResult(self.task, self.outcome_now, self.seconds, self.ended_at or now)


class StateQuery(TaskQuery[TaskState]):
    """A query of a task itself."""

    def result(self, now: datetime) -> QueryResult[TaskState]:
        """With a comparison's status, if only the query of its latest execution failed."""
        result = super().result(now)
        return replace(result, partial=self.progress.state) if result.failure else result


class ListQuery(Query[Mapping[str, ListedTask]]):
    """A query of a list of tasks, for discovery. The list shows the status of each task itself as well."""

    def __init__(self, discovery: Discovery, client: NineDataClient) -> None:
        self.discovery = discovery
        self._found: dict[str, ListedTask] = {}
        query = partial(client.list_tasks, discovery.kind, self._found, discovery.status_filter)
        super().__init__(f"list of {discovery.kind} tasks", query, discovery.priority)

    def result(self) -> DiscoveryResult:
        """The result for a scrape that ends now."""
        return self.discovery.result(self._failure, self.seconds)

    def update_discovery(self) -> DiscoveryResult:
        """Watch the tasks on the list from now on; after a failure, those that came before it too."""
        return self.discovery.update(self._found, self._failure, self.seconds)

    def state_of(self, task: Task, now: datetime) -> QueryResult[TaskState] | None:
        """A task's own status, as the list shows it; None if the task is not on the list."""
        entry, failure = self._found.get(task.task_id), self._failure
        if entry is not None:
            status = TaskStatus.of_word(entry.status, KINDS[self.discovery.kind].statuses)
            return QueryResult(task, TaskState(status, entry.status), None, self.ended_at or now)
        listed_before = task.task_id in self.discovery.known
        return QueryResult(task, failure, None, now) if failure and listed_before else None

    @property
    def _failure(self) -> QueryFailure | None:
        outcome = self.outcome_now
        return outcome if isinstance(outcome, QueryFailure) else None
