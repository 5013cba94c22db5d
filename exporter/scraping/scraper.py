"""A scrape: one query per task, each with a result of its own, by a deadline."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from exporter.config import Task
from exporter.ninedata import DISCOVERED_KIND, QueryError, Reason, Replication
from exporter.ninedata.client import NineDataClient, QueryProgress
from exporter.scraping.discovery import Discovery
from exporter.scraping.history import History
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, Snapshot, TaskResult
from exporter.scraping.watch_list import WatchList

_log = logging.getLogger(__name__)

T = TypeVar("T")

_Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Targets:
    """What a scrape queries. Scrapes with equal targets share one run."""

    tasks: tuple[Task, ...]
    discovered: tuple[Task, ...] = ()
    """Tasks known from an earlier discovery: queried while this scrape lists them again."""
    discover: bool = False
    query: bool = True
    """False: tasks are only discovered."""
    record: bool = True
    """Whether the results go into the history. False for a probe of a task that is not watched."""


class Scraper:
    """Runs scrapes. Scrapes of the same targets at the same time share one run."""

    def __init__(
        self,
        client: NineDataClient,
        watch_list: WatchList,
        history: History,
        *,
        concurrency: int,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.client = client
        self.watch_list = watch_list
        self.history = history
        self.concurrency = concurrency
        self.wall_clock = wall_clock
        self._runs: list[_Run] = []

    async def scrape(self, targets: Targets, deadline: float) -> Snapshot:
        """Query the targets; return by `deadline`, a time of the running loop's clock.

        A task that has no result by then has a failure `deadline` or `rate_limited`. The run goes on for other
        waiters with a later deadline, and is cancelled when the last one leaves. It accepts waiters until the
        deadline of the first, so that overlapping scrapes never share results that grow old.
        """
        now = asyncio.get_running_loop().time()
        run = next((run for run in self._runs if run.targets == targets and now < run.joinable_until), None)
        if run is None:
            run = _Run(self, targets, deadline)
            self._runs.append(run)
        run.waiters += 1
        out_of_time = False
        try:
            async with asyncio.timeout_at(deadline):
                await asyncio.shield(run.work)
        except TimeoutError:
            out_of_time = True
        finally:
            run.waiters -= 1
            if not run.waiters:
                self._runs.remove(run)
                run.finish(out_of_time=out_of_time)
        return run.snapshot()


@dataclass(slots=True)
class _Query:
    """A query that has begun and not ended."""

    began: float
    progress: QueryProgress = field(default_factory=QueryProgress)


class _Run:
    """One run: the queries under way, and the results so far."""

    def __init__(self, scraper: Scraper, targets: Targets, joinable_until: float) -> None:
        self.targets = targets
        self.joinable_until = joinable_until
        self.waiters = 0
        self._scraper = scraper
        self._clock = asyncio.get_running_loop().time
        self._queue: deque[_Job] = deque()
        self._queries: dict[str, _Query] = {}
        self._results: dict[str, TaskResult] = {}
        self._listing: _Query | None = None
        self._listed: dict[str, Replication] = {}
        self._discovery: DiscoveryResult | None = None
        self._shared: Snapshot | None = None
        self._shared_state: tuple[int, DiscoveryResult | None, bool] = (0, None, False)
        self._workers = asyncio.TaskGroup()
        self.work = asyncio.create_task(self._work())

    async def _work(self) -> None:
        history, targets = self._scraper.history, self.targets
        jobs: list[tuple[tuple[bool, int], _Job]] = [
            (history.priority(task.task_id), partial(self._query, task)) for task in targets.tasks + targets.discovered
        ]
        if targets.discover:
            jobs.append((history.discovery_priority, self._discover))
        self._queue.extend(job for _, job in sorted(jobs, key=lambda job: job[0]))
        async with self._workers:
            self._start_workers(len(self._queue))

    def _start_workers(self, jobs: int) -> None:
        for _ in range(min(jobs, self._scraper.concurrency)):
            self._workers.create_task(self._worker())

    async def _worker(self) -> None:
        while self._queue:
            await self._queue.popleft()()

    async def _query(self, task: Task) -> None:
        query = self._queries[task.task_id] = _Query(self._clock())
        outcome = await _outcome(
            self._scraper.client.query(task.ref, query.progress), task=task.name, task_id=task.task_id
        )
        seconds = self._clock() - query.began
        self._results[task.task_id] = TaskResult(task, outcome, seconds, self._scraper.wall_clock())
        del self._queries[task.task_id]

    async def _discover(self) -> None:
        """List the tasks again, and query the new ones."""
        discovery = self._scraper.watch_list.discovery
        if discovery is None:
            return
        self._listing = _Query(self._clock())
        listing = self._scraper.client.list_replications(
            self._listed, status=discovery.status_filter, progress=self._listing.progress
        )
        self._end_discovery(discovery, await _outcome(listing, discovery=DISCOVERED_KIND))
        if self._discovery is not None and self.targets.query:
            known = {task.task_id for task in self.targets.tasks + self.targets.discovered}
            new = [task for task in self._discovery.tasks if task.task_id not in known]
            self._queue.extend(partial(self._query, task) for task in new)
            self._start_workers(len(new))

    def _end_discovery(self, discovery: Discovery, failure: QueryFailure | None) -> None:
        seconds = self._clock() - self._listing.began if self._listing else 0.0
        self._discovery = self._scraper.watch_list.share(discovery.update(self._listed, failure, seconds))

    def finish(self, *, out_of_time: bool) -> None:
        """End the run, and record its results.

        `out_of_time`: what has no result counts as a failure. Otherwise the run is complete, or its scraper went away
        and only the results so far count.
        """
        discovery = self._scraper.watch_list.discovery
        if out_of_time and self.targets.discover and self._discovery is None and discovery is not None:
            self._end_discovery(discovery, self._failure_at_deadline(self._listing))
        self.work.cancel()
        if self.targets.record:
            results = self.snapshot().results if out_of_time else tuple(self._results.values())
            watched = {task.task_id for task in self._tasks()}
            self._scraper.history.record(
                (result for result in results if result.task.task_id in watched), self._discovery
            )

    def snapshot(self) -> Snapshot:
        """The results so far; a task without one has the failure of a scrape that is out of time.

        Scrapes that end together get the same object, so that their text can be shared too.
        """
        state = (len(self._results), self._discovery, self.work.done())
        if self._shared is None or state != self._shared_state:
            self._shared, self._shared_state = self._summary(), state
        return self._shared

    def _summary(self) -> Snapshot:
        now, wall_clock = self._clock(), self._scraper.wall_clock()
        results = []
        for task in self._tasks():
            result = self._results.get(task.task_id)
            if result is None:
                query = self._queries.get(task.task_id)
                seconds = now - query.began if query else 0.0
                result = TaskResult(task, self._failure_at_deadline(query), seconds, wall_clock)
            results.append(result)
        discovery = self._discovery
        if discovery is None and self.targets.discover:
            seconds = now - self._listing.began if self._listing else 0.0
            failure = self._failure_at_deadline(self._listing)
            known = self._scraper.watch_list.discovery
            complete = known is not None and known.complete
            discovery = DiscoveryResult(self.targets.discovered, failure, seconds, complete=complete)
        return Snapshot(tuple(results), discovery)

    def _tasks(self) -> Iterable[Task]:
        """The tasks of the answer, each once. A task that discovery no longer lists is not among them."""
        if not self.targets.query:
            return ()
        discovered = self._discovery.tasks if self._discovery else self.targets.discovered
        return {task.task_id: task for task in self.targets.tasks + discovered}.values()

    def _failure_at_deadline(self, query: _Query | None) -> QueryFailure:
        if query is not None:
            return QueryFailure.of(query.progress.error_at_deadline())
        if any(query.progress.waiting_for_rate_limit for query in self._queries.values()):
            return QueryFailure(Reason.RATE_LIMITED, "api.rate_limit left no time to query this task", sent=False)
        return QueryFailure(Reason.DEADLINE, "the scrape ran out of time before querying this task", sent=False)


async def _outcome(query: Awaitable[T], **about: str) -> T | QueryFailure:
    """The result of a query, or its failure: the one place where errors become values."""
    try:
        return await query
    except QueryError as error:
        return QueryFailure.of(error)
    except Exception as error:  # noqa: BLE001 - a bug that one answer triggers must not cost the other tasks
        _log.exception("internal error", extra={"fields": about})
        return QueryFailure(Reason.INTERNAL, f"{type(error).__name__} in the exporter; see its log")
