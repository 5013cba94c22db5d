"""The queries of one run: what is under way, and what has ended."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from exporter.config import Task
from exporter.ninedata import KINDS, ListedTask, QueryError, Reason, TaskRef, TaskState, TaskStatus
from exporter.ninedata.client import NineDataClient, QueryProgress
from exporter.scraping.discovery import Discovery
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, QueryResult

_log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class UnderWay:
    """A query that has begun and not ended."""

    began: float
    progress: QueryProgress


class Queries(Generic[T]):
    """The queries of a run that ask the same of each task: for its precheck, or for the task itself."""

    def __init__(
        self,
        ask: Callable[[TaskRef, QueryProgress], Awaitable[T]],
        partial_answer: Callable[[QueryProgress], T | None],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self.under_way: dict[str, UnderWay] = {}
        self.results: dict[str, QueryResult[T]] = {}
        self._ask = ask
        self._partial_answer = partial_answer
        self._wall_clock = wall_clock
        self._clock = asyncio.get_running_loop().time

    async def query(self, task: Task) -> None:
        """Query a task, to its end."""
        query = self.under_way[task.task_id] = UnderWay(self._clock(), QueryProgress())
        outcome = await outcome_of(self._ask(task.ref, query.progress), task=task.name, task_id=task.task_id)
        self.results[task.task_id] = self._result(task, query, outcome)
        del self.under_way[task.task_id]

    def result(self, task: Task, not_begun: QueryFailure) -> QueryResult[T]:
        """The result so far: that of a scrape that is out of time if the query has not ended or not begun."""
        result = self.results.get(task.task_id)
        if result is not None:
            return result
        query = self.under_way.get(task.task_id)
        if query is None:
            return QueryResult(task, not_begun, 0.0, self._wall_clock())
        return self._result(task, query, QueryFailure.of(query.progress.error_at_deadline()))

    def _result(self, task: Task, query: UnderWay, outcome: T | QueryFailure) -> QueryResult[T]:
        partial = self._partial_answer(query.progress) if isinstance(outcome, QueryFailure) else None
        return QueryResult(task, outcome, self._clock() - query.began, self._wall_clock(), partial)


class Listing:
    """A discovery as a part of a run."""

    def __init__(self, discovery: Discovery, known: tuple[Task, ...]) -> None:
        """`known` are the tasks of this run that an earlier discovery found."""
        self.discovery = discovery
        self.ended: DiscoveryResult | None = None
        self._known = known
        self._found: dict[str, ListedTask] = {}
        self._query: UnderWay | None = None
        self._clock = asyncio.get_running_loop().time

    async def list(self, client: NineDataClient) -> QueryFailure | None:
        """List the tasks. Returns the failure, if any."""
        self._query = UnderWay(self._clock(), QueryProgress())
        status = self.discovery.status_filter
        listing = client.list_tasks(self.discovery.kind, self._found, status=status, progress=self._query.progress)
        return await outcome_of(listing, discovery=self.discovery.kind)

    def end(self, failure: QueryFailure | None) -> None:
        """Take over what was listed."""
        self.ended = self.discovery.update(self._found, failure, self._seconds())

    def result(self, not_begun: QueryFailure) -> DiscoveryResult:
        """The result so far."""
        if self.ended:
            return self.ended
        kind, failure, complete = self.discovery.kind, self.failure(not_begun), self.discovery.complete
        return DiscoveryResult(kind, self._known, failure, self._seconds(), complete=complete)

    def _seconds(self) -> float:
        return self._clock() - self._query.began if self._query else 0.0

    def failure(self, not_begun: QueryFailure) -> QueryFailure:
        """Why a discovery that has not ended is not complete at the deadline."""
        return QueryFailure.of(self._query.progress.error_at_deadline()) if self._query else not_begun

    def state_of(self, task: Task, not_begun: QueryFailure, at: datetime) -> QueryResult[TaskState]:
        """A task's own status, which its entry of the list shows: no query is needed."""
        entry = self._found.get(task.task_id)
        if entry is None:
            failure = self.ended.failure if self.ended else None
            return QueryResult(task, failure or self.failure(not_begun), None, at)
        status = TaskStatus.of_word(entry.status, KINDS[self.discovery.kind].statuses)
        return QueryResult(task, TaskState(status, entry.status), None, at)


async def outcome_of(query: Awaitable[T], **about: str) -> T | QueryFailure:
    """The result of a query, or its failure: the one place where errors become values."""
    try:
        return await query
    except QueryError as error:
        return QueryFailure.of(error)
    except Exception as error:  # noqa: BLE001 - a bug that one answer triggers must not cost the other tasks
        _log.exception("internal error", extra={"fields": about})
        return QueryFailure(Reason.INTERNAL, f"{type(error).__name__} in the exporter; see its log")
