"""A scrape: the queries of every task, each with a result of its own, by a deadline."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from exporter.config import Task
from exporter.ninedata import Reason
from exporter.ninedata.client import NineDataClient
from exporter.scraping.history import History, Priority
from exporter.scraping.queries import Listing, Queries
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, Snapshot
from exporter.scraping.watch_list import WatchList

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

    def __init__(  # noqa: PLR0913 - its collaborators, each named
        self,
        client: NineDataClient,
        watch_list: WatchList,
        history: History,
        *,
        concurrency: int,
        task_status: bool = False,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`task_status`: every task itself is queried as well as its precheck."""
        self.client = client
        self.watch_list = watch_list
        self.history = history
        self.concurrency = concurrency
        self.task_status = task_status
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


class _Run:
    """One run: the queries under way, and the results so far."""

    def __init__(self, scraper: Scraper, targets: Targets, joinable_until: float) -> None:
        self.targets = targets
        self.joinable_until = joinable_until
        self.waiters = 0
        self._scraper = scraper
        self._queue: deque[_Job] = deque()
        client, wall_clock = scraper.client, scraper.wall_clock
        self._prechecks = Queries(client.query, lambda _: None, wall_clock)
        self._states = Queries(client.query_task, lambda progress: progress.state, wall_clock)
        self._named = frozenset(task.task_id for task in targets.tasks)
        self._listings = {
            discovery.kind: Listing(discovery, self._known(discovery.kind))
            for discovery in (scraper.watch_list.discoveries if targets.discover else ())
        }
        self._shared: Snapshot | None = None
        self._shared_state: object = None
        self._workers = asyncio.TaskGroup()
        self.work = asyncio.create_task(self._work())

    async def _work(self) -> None:
        priorities = self._scraper.history.discovery_priorities
        jobs: list[tuple[Priority, _Job]] = list(self._jobs(self.targets.tasks + self.targets.discovered))
        jobs += [
            (priorities.get(kind, (False, 0)), partial(self._discover, listing))
            for kind, listing in self._listings.items()
        ]
        self._queue.extend(job for _, job in sorted(jobs, key=lambda job: job[0]))
        async with self._workers:
            self._start_workers(len(self._queue))

    def _jobs(self, tasks: Iterable[Task]) -> Iterator[tuple[Priority, _Job]]:
        history = self._scraper.history
        for task in tasks:
            if task.has_precheck:
                yield history.prechecks.priority(task.task_id), partial(self._prechecks.query, task)
            if self._queries_state(task):
                yield history.states.priority(task.task_id), partial(self._states.query, task)

    def _queries_state(self, task: Task) -> bool:
        """Whether the task itself is queried. The status of a discovered one stands on the list."""
        return self._scraper.task_status or not (task.has_precheck or self._listing_of(task))

    def _listing_of(self, task: Task) -> Listing | None:
        return None if task.task_id in self._named else self._listings.get(task.ref.kind)

    def _start_workers(self, jobs: int) -> None:
        for _ in range(min(jobs, self._scraper.concurrency)):
            self._workers.create_task(self._worker())

    async def _worker(self) -> None:
        while self._queue:
            await self._queue.popleft()()

    async def _discover(self, listing: Listing) -> None:
        """List the tasks again, and query the new ones."""
        listing.end(await listing.list(self._scraper.client))
        if self.targets.query:
            known = self._named.union(task.task_id for task in self.targets.discovered)
            new = [task for task in self._discovered(listing) if task.task_id not in known]
            jobs = [job for _, job in self._jobs(new)]
            self._queue.extend(jobs)
            self._start_workers(len(jobs))

    def finish(self, *, out_of_time: bool) -> None:
        """End the run, and record its results.

        `out_of_time`: what has no result counts as a failure. Otherwise the run is complete, or its scraper went away
        and only the results so far count.
        """
        if out_of_time:
            for listing in self._listings.values():
                if not listing.ended:
                    listing.end(listing.failure(self._not_begun()))
        self.work.cancel()
        if self.targets.record:
            self._record(complete=out_of_time)

    def snapshot(self) -> Snapshot:
        """The results so far; a task without one has the failure of a scrape that is out of time.

        Scrapes that end together get the same object, so that their text can be shared too.
        """
        ended = [listing.ended for listing in self._listings.values()]
        state = (len(self._prechecks.results), len(self._states.results), ended, self.work.done())
        if self._shared is None or state != self._shared_state:
            self._shared, self._shared_state = self._summary(), state
        return self._shared

    def _summary(self) -> Snapshot:
        not_begun, now = self._not_begun(), self._scraper.wall_clock()
        results, states = [], []
        for task in self._tasks():
            if task.has_precheck:
                results.append(self._prechecks.result(task, not_begun))
            if self._queries_state(task):
                states.append(self._states.result(task, not_begun))
            elif listing := self._listing_of(task):
                states.append(listing.state_of(task, not_begun, now))
        discoveries = (self._share(listing.result(not_begun)) for listing in self._listings.values())
        return Snapshot(tuple(results), tuple(states), tuple(discoveries))

    def _record(self, *, complete: bool) -> None:
        """Put the results into the history; unless `complete`, only those of queries that ended."""
        snapshot, prechecks, states = self.snapshot(), self._prechecks.results, self._states.results
        self._scraper.history.record(
            (each for each in snapshot.results if complete or each.task.task_id in prechecks),
            (each for each in snapshot.states if complete or each.seconds is None or each.task.task_id in states),
            tuple(listing.ended for listing in self._listings.values() if listing.ended),
        )

    def _tasks(self) -> Iterable[Task]:
        """The tasks of the answer, each once. A task that discovery no longer lists is not among them."""
        if not self.targets.query:
            return ()
        discovered = [task for task in self.targets.discovered if task.ref.kind not in self._listings]
        for listing in self._listings.values():
            discovered += self._discovered(listing)
        return {task.task_id: task for task in (*self.targets.tasks, *discovered)}.values()

    def _discovered(self, listing: Listing) -> tuple[Task, ...]:
        kind = listing.discovery.kind
        return self._share(listing.ended).tasks if listing.ended else self._known(kind)

    def _known(self, kind: str) -> tuple[Task, ...]:
        return tuple(task for task in self.targets.discovered if task.ref.kind == kind)

    def _share(self, result: DiscoveryResult) -> DiscoveryResult:
        return self._scraper.watch_list.share(result)

    def _not_begun(self) -> QueryFailure:
        """The failure of what has no turn before the deadline."""
        under_way = (*self._prechecks.under_way.values(), *self._states.under_way.values())
        if any(query.progress.waiting_for_rate_limit for query in under_way):
            return QueryFailure(Reason.RATE_LIMITED, "api.rate_limit left no time to query this task", sent=False)
        return QueryFailure(Reason.DEADLINE, "the scrape ran out of time before querying this task", sent=False)
