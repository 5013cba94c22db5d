"""A scrape: the queries of every task, each with a result of its own, by a deadline."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from exporter.config import Config, Task
from exporter.ninedata import Precheck
from exporter.ninedata.client import NineDataClient
from exporter.scraping.changes import record_and_log
from exporter.scraping.history import History
from exporter.scraping.queries import ListQuery, Query, StateQuery, TaskQuery
from exporter.scraping.snapshot import Snapshot
from exporter.scraping.watch_list import WatchList


@dataclass(frozen=True, slots=True)
class Targets:
    """What a scrape queries. Scrapes with equal targets share one run."""

    tasks: tuple[Task, ...]
    discovered: tuple[Task, ...] = ()
    """Tasks known from an earlier discovery: queried while this scrape lists them again."""
    discover: bool = False
    query: bool = True
    """False: tasks are only discovered, and not queried."""
    record: bool = True
    """Whether the results go into the history. False for a probe of a task that is not watched."""


@dataclass(frozen=True, slots=True)
class Scraper:
    """Runs scrapes. Scrapes of the same targets at the same time share one run."""

    client: NineDataClient
    config: Config
    watch_list: WatchList
    history: History
    wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _runs: list["_Run"] = field(default_factory=list)

    async def scrape(self, targets: Targets, deadline: float) -> Snapshot:
        """Query the targets; return by `deadline`, a time of the running loop's clock.

        A task that has no result by then has a failure `deadline` or `rate_limited`. The run goes on for other
        waiters with a later deadline, and is cancelled when the last one leaves. It accepts waiters until the
        deadline of the first, so that overlapping scrapes never share results that grow old.
        """
        now = asyncio.get_running_loop().time()
        run = next((run for run in self._runs if run.targets == targets and now < run.joinable_until), None)
        if run is None:
            run = _Run(self, targets, joinable_until=deadline)
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
                run.end(out_of_time=out_of_time)
        return run.snapshot()


class _Run:
    """The queries of one scrape, or of several at the same time."""

    def __init__(self, scraper: Scraper, targets: Targets, *, joinable_until: float) -> None:
        self.targets = targets
        self.joinable_until = joinable_until
        self.waiters = 0
        self._scraper = scraper
        self._tasks = dict[str, Task]()
        """The tasks of the answer."""
        self._prechecks = dict[str, TaskQuery[Precheck]]()
        self._states = dict[str, StateQuery]()
        discoveries = scraper.watch_list.discoveries if targets.discover else ()
        self._lists = {discovery.kind: ListQuery(discovery, scraper.client) for discovery in discoveries}
        self._queue = deque[Query[Any]]()
        """Queries of prechecks and of lists that have not begun."""
        self._state_queue = deque[Query[Any]]()
        """Queries of tasks themselves that have not begun."""
        self._under_way = set[Query[Any]]()
        self._snapshot: Snapshot | None = None
        queries = [*self._add(targets.tasks, discovered=False), *self._add(targets.discovered, discovered=True)]
        queries += self._lists.values()
        self._workers = asyncio.TaskGroup()
        self.work = asyncio.create_task(self._work(queries))

    def _add(self, tasks: Iterable[Task], *, discovered: bool) -> Iterator[Query[Any]]:
        """Add tasks to the answer; yields their queries."""
        client, config, history = self._scraper.client, self._scraper.config, self._scraper.history
        for task in tasks:
            task_id = task.task_id
            self._tasks[task_id] = task
            if task.has_precheck:
                self._prechecks[task_id] = TaskQuery(task, client.query_precheck, history.prechecks.priority(task))
                yield self._prechecks[task_id]
            if config.queries_itself(task, listed=discovered and task.ref.kind in self._lists):
                self._states[task_id] = StateQuery(task, client.query_state, history.states.priority(task))
                yield self._states[task_id]

    async def _work(self, queries: Iterable[Query[Any]]) -> None:
        async with self._workers:
            self._start(sorted(queries, key=lambda query: query.priority))

    def _start(self, queries: list[Query[Any]]) -> None:
        for query in queries:
            (self._state_queue if isinstance(query, StateQuery) else self._queue).append(query)
        first, then = self._queue, self._state_queue
        if self._scraper.history.states_first:
            first, then = then, first
        for _ in range(min(len(queries), self._scraper.config.api.concurrency)):
            self._workers.create_task(self._worker(first, then))
            first, then = then, first  # half of the workers each: if all prechecks hang, tasks themselves do not wait

    async def _worker(self, first: deque[Query[Any]], then: deque[Query[Any]]) -> None:
        while queue := first or then:
            query = queue.popleft()
            self._under_way.add(query)
            await query.run(self._scraper.wall_clock)
            self._under_way.remove(query)
            if isinstance(query, ListQuery):
                self._start(self._take_over(query))
            self._snapshot = None

    def _take_over(self, query: ListQuery) -> list[Query[Any]]:
        """Watch what was listed. Returns the queries of the tasks that are new; those that are gone are left out."""
        listed = self._scraper.watch_list.share(query.update_discovery().tasks)
        if not self.targets.query:
            return []
        gone = {task.task_id for task in self.targets.discovered if task.ref.kind == query.discovery.kind}
        for task_id in gone.difference(task.task_id for task in listed):
            for watched in (self._tasks, self._prechecks, self._states):
                watched.pop(task_id, None)
        new = [task for task in listed if task.task_id not in self._tasks]
        return list(self._add(new, discovered=True))

    def end(self, *, out_of_time: bool) -> None:
        """End the run and record its results; a query without an answer has failed only if the run is `out_of_time`."""
        if out_of_time:
            for query in self._lists.values():
                if query.outcome is None:
                    self._take_over(query)
                    self._snapshot = None
        elif not self.work.done():  # its last scraper went away
            self._prechecks = {task_id: query for task_id, query in self._prechecks.items() if query.outcome}
            unanswered = {task_id for task_id, query in self._states.items() if query.outcome is None}
            self._tasks = {task_id: task for task_id, task in self._tasks.items() if task_id not in unanswered}
            self._snapshot = None
        self.work.cancel()
        if self.targets.record:
            record_and_log(self.snapshot(), self._scraper.history)
            self._scraper.history.states_first = not self._scraper.history.states_first

    def snapshot(self) -> Snapshot:
        """The results so far; a task without one has the failure of a scrape that is out of time.

        The same object until another query ends, so that scrapes that end together share their text too.
        """
        if self._snapshot is None:
            self._snapshot = self._results_so_far()
        return self._snapshot

    def _results_so_far(self) -> Snapshot:
        rate_limited = any(query.progress.waiting_for_rate_limit for query in self._under_way)
        for queued in (*self._queue, *self._state_queue):  # they wait for the same as those under way
            queued.progress.waiting_for_rate_limit = rate_limited
        now, states = self._scraper.wall_clock(), []
        for task_id, task in self._tasks.items():
            if query := self._states.get(task_id):
                states.append(query.result(now))
            elif (listed := self._lists.get(task.ref.kind)) and (state := listed.state_of(task, now)):
                states.append(state)
        discoveries = (query.result() for query in self._lists.values())
        return Snapshot(
            tuple(query.result(now) for query in self._prechecks.values()),
            tuple(states),
            tuple(replace(found, tasks=self._scraper.watch_list.share(found.tasks)) for found in discoveries),
        )
