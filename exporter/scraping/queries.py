"""The queries of a run: of a precheck, of a task itself, of the list of the tasks of a kind."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Generic, TypeVar

from exporter.config import Task
from exporter.ninedata import KINDS, ListedTask, Precheck, QueryError, Reason, TaskState, TaskStatus
from exporter.ninedata.client import NineDataClient, QueryProgress
from exporter.scraping.discovery import Discovery
from exporter.scraping.history import A, Priority
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, QueryResult

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Query(ABC, Generic[T]):
    """One query of a run: it has not begun, is under way, or has ended."""

    def __init__(self, priority: Priority) -> None:
        self.priority = priority
        self.progress = QueryProgress()
        self.outcome: T | QueryFailure | None = None
        """None until the query has ended."""
        self.ended_at: datetime | None = None
        self._clock = asyncio.get_running_loop().time
        self._began: float | None = None
        self._ended: float | None = None

    @abstractmethod
    def ask(self, client: NineDataClient) -> Awaitable[T]:
        """Send the query. May raise QueryError."""

    @abstractmethod
    def about(self) -> Mapping[str, str]:
        """What is queried, as fields of a log line."""

    async def run(self, client: NineDataClient, wall_clock: Callable[[], datetime]) -> None:
        """Query, to the end. This is the one place where errors become values."""
        self._began = self._clock()
        try:
            self.outcome = await self.ask(client)
        except QueryError as error:
            self.outcome = QueryFailure.of(error)
        except Exception as error:  # noqa: BLE001 - a bug that one answer triggers must not cost the other tasks
            _log.exception("internal error", extra={"fields": self.about()})
            self.outcome = QueryFailure(Reason.INTERNAL, f"{type(error).__name__} in the exporter; see its log")
        self._ended, self.ended_at = self._clock(), wall_clock()

    @property
    def seconds(self) -> float:
        """Time spent on the query so far."""
        return 0.0 if self._began is None else (self._ended or self._clock()) - self._began

    def outcome_at_deadline(self, skipped: QueryFailure) -> T | QueryFailure:
        """The outcome, or why there is none yet; `skipped` if the query has not begun."""
        if self.outcome is not None:
            return self.outcome
        return skipped if self._began is None else QueryFailure.of(self.progress.error_at_deadline())


class TaskQuery(Query[A]):
    """A query of one task."""

    def __init__(self, task: Task, priority: Priority) -> None:
        super().__init__(priority)
        self.task = task

    def about(self) -> Mapping[str, str]:
        """The task."""
        return {"task": self.task.name, "task_id": self.task.task_id}

    def partial(self) -> A | None:
        """The part of the answer that is known although the query failed."""
        return None

    def result(self, now: datetime, skipped: QueryFailure) -> QueryResult[A]:
        """The result that a scrape gets now."""
        outcome = self.outcome_at_deadline(skipped)
        partial = self.partial() if isinstance(outcome, QueryFailure) else None
        return QueryResult(self.task, outcome, self.seconds, self.ended_at or now, partial)


class PrecheckQuery(TaskQuery[Precheck]):
    """The query of a task's precheck."""

    def ask(self, client: NineDataClient) -> Awaitable[Precheck]:
        """Send the query."""
        return client.query(self.task.ref, self.progress)


class StateQuery(TaskQuery[TaskState]):
    """The query of a task itself."""

    def ask(self, client: NineDataClient) -> Awaitable[TaskState]:
        """Send the query."""
        return client.query_task(self.task.ref, self.progress)

    def partial(self) -> TaskState | None:
        """A comparison's status, if only the query of its results failed."""
        return self.progress.state


class ListQuery(Query[Mapping[str, ListedTask]]):
    """The query of a list of tasks, for discovery. The list shows each task's own status as well."""

    def __init__(self, discovery: Discovery) -> None:
        super().__init__(discovery.priority)
        self.discovery = discovery
        self._found: dict[str, ListedTask] = {}

    async def ask(self, client: NineDataClient) -> Mapping[str, ListedTask]:
        """Read the list, page by page."""
        discovery, found = self.discovery, self._found
        await client.list_tasks(discovery.kind, found, status=discovery.status_filter, progress=self.progress)
        return found

    def about(self) -> Mapping[str, str]:
        """The kind of the tasks."""
        return {"discovery": self.discovery.kind}

    def result(self, skipped: QueryFailure) -> DiscoveryResult:
        """The result that a scrape gets now."""
        return self.discovery.result(self._failure(skipped), self.seconds)

    def update_discovery(self, skipped: QueryFailure) -> DiscoveryResult:
        """Watch what was listed: the whole list, or what came before the failure."""
        return self.discovery.update(self._found, self._failure(skipped), self.seconds)

    def state_of(self, task: Task, now: datetime, skipped: QueryFailure) -> QueryResult[TaskState]:
        """A task's own status, as the list shows it."""
        entry = self._found.get(task.task_id)
        if entry is None:
            return QueryResult(task, self._failure(skipped) or skipped, None, now)
        status = TaskStatus.of_word(entry.status, KINDS[self.discovery.kind].statuses)
        return QueryResult(task, TaskState(status, entry.status), None, now)

    def _failure(self, skipped: QueryFailure) -> QueryFailure | None:
        outcome = self.outcome_at_deadline(skipped)
        return outcome if isinstance(outcome, QueryFailure) else None
