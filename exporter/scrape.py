"""A scrape: every watched task queried once, each with a result of its own, by a deadline."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeVar

from exporter.config import Task
from exporter.last_known import LastKnown
from exporter.ninedata import DISCOVERED_KIND, Precheck, QueryError, Reason, TaskRef
from exporter.snapshot import Discovered, QueryFailure, Snapshot, TaskResult, Turn

_log = logging.getLogger(__name__)

T = TypeVar("T")

_Job = Callable[[], Awaitable[None]]

MAX_RUNS = 4
"""Of identical scrapes at once: enough for servers with timeouts of their own."""
SHARED_TIME = 0.8
"""A scrape shares a run that ends before its own deadline where the run has at least this part of its time."""


class Client(Protocol):
    """Asks the API; returns or raises QueryError by the deadline."""

    async def query(self, task: TaskRef, deadline: float) -> Precheck:
        """The precheck as the API has it now."""
        ...


@dataclass(frozen=True, slots=True)
class Targets:
    """What a scrape is to query."""

    listed: tuple[Task, ...]
    """Tasks that are named."""
    discovered: tuple[Task, ...] = ()
    """Tasks that were discovered by an earlier scrape: queried while this one looks whether they are still there."""
    discover: Callable[[float], Awaitable[Discovered]] | None = None
    """Discovers tasks by a deadline; None where none are to be discovered."""
    discovery_turn: Turn = field(default=(False, math.inf), compare=False)
    """By default discovery comes after all tasks but those that hung."""
    query: bool = True
    """Whether tasks are queried; if not, they are only discovered."""
    remembered: bool = True
    """Whether pages and the log are to know of it."""
    heard: Callable[[TaskResult], None] = field(default=lambda _: None, compare=False)
    """Is told of each result when it comes; where the run is shared, for the scrape that began it. What it raises is a
    bug met in that task, whose result is then a failure."""


@dataclass(slots=True)
class _Run:
    targets: Targets
    deadline: float
    scrape: "_Scrape"
    work: asyncio.Task[Snapshot]
    waiting: int = 0


class Scraper:
    """Runs scrapes, and lets identical ones that come at the same time share one run."""

    def __init__(
        self,
        client: Client,
        *,
        concurrency: int,
        known: LastKnown,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.client = client
        self.concurrency = concurrency
        self.known = known
        self.wall_clock = wall_clock
        self._runs: list[_Run] = []

    async def scrape(self, targets: Targets, deadline: float) -> Snapshot:
        """Query the targets and return by `deadline`, a time of the running loop's clock.

        A task that has not answered by then is a failure `deadline`. Where the same targets are being queried already,
        and that will be over by `deadline` but not long before, its answer is shared; where they are being queried
        MAX_RUNS times, the run with the most time is shared, as far as it has come by then, and another one follows
        if it had too little time to be whole. A run whose last waiter is cancelled ends.
        """
        while True:
            run = self._joinable(targets, deadline) or self._start(targets, deadline)
            suits = _suits(run, deadline)
            snapshot = await self._shared(run, deadline)
            if suits or not snapshot.cut_short:
                return snapshot

    async def _shared(self, run: _Run, deadline: float) -> Snapshot:
        run.waiting += 1
        try:
            async with asyncio.timeout_at(deadline if deadline < run.deadline else None):
                return await asyncio.shield(run.work)
        except TimeoutError:
            return run.scrape.so_far()
        finally:
            run.waiting -= 1
            if not run.waiting:
                self._runs.remove(run)
                run.work.cancel()

    def _joinable(self, targets: Targets, deadline: float) -> _Run | None:
        same = [run for run in self._runs if not run.work.done() and run.targets == targets]
        fitting = [run for run in same if run.deadline <= deadline and _suits(run, deadline)]
        return max(fitting or same, key=lambda run: run.deadline) if fitting or len(same) >= MAX_RUNS else None

    def _start(self, targets: Targets, deadline: float) -> _Run:
        scrape = _Scrape(self, targets, deadline)
        run = _Run(targets, deadline, scrape, asyncio.create_task(scrape.run()))
        self._runs.append(run)
        return run


def _suits(run: _Run, deadline: float) -> bool:
    """Whether a run has about as much time as a scrape with this deadline, or more."""
    now = asyncio.get_running_loop().time()
    # Its own run suits a scrape even when its time is up.
    return run.deadline >= deadline or run.deadline - now >= SHARED_TIME * (deadline - now)


class _Scrape:
    """One run: its questions to the API, and what came of them so far."""

    def __init__(self, scraper: Scraper, targets: Targets, deadline: float) -> None:
        self._client = scraper.client
        self._known = scraper.known
        self._wall_clock = scraper.wall_clock
        self._crew = _Crew(scraper.concurrency)
        self._targets = targets
        self._deadline = deadline
        self._number = self._known.begin_scrape()
        self._began = asyncio.get_running_loop().time()
        self._results: dict[str, TaskResult] = {}
        self._found: Discovered | None = None
        # These may be gone: that one cannot be queried is noted once the list says that it is still there.
        self._doubtful = {task.task_id for task in targets.discovered} if targets.discover else set()

    async def run(self) -> Snapshot:
        """Ask, and sum up."""
        try:
            await self._crew.work(self._jobs())
        finally:
            if self._targets.remembered:
                self._known.end_scrape()
        return Snapshot(tuple(self._results[task.task_id] for task in self._tasks()), self._found)

    def so_far(self) -> Snapshot:
        """What it has found by now, for a scrape whose time is up; the rest is late."""
        seconds, now = asyncio.get_running_loop().time() - self._began, self._wall_clock()
        late = QueryFailure(Reason.DEADLINE, "not answered within the scrape's time")
        found = self._found
        if found is None and self._targets.discover is not None:
            found = Discovered(self._targets.discovered, late, seconds)
        results = (self._results.get(task.task_id) or TaskResult(task, late, seconds, now) for task in self._tasks())
        return Snapshot(tuple(results), found)

    def _tasks(self) -> Iterable[Task]:
        """Those that the answer is about, each once: a file that named a discovered task may have gone meanwhile."""
        if not self._targets.query:
            return ()
        discovered = self._found.tasks if self._found else self._targets.discovered
        return {task.task_id: task for task in self._targets.listed + discovered}.values()

    def _jobs(self) -> list[_Job]:
        """Whoever was left over last time goes first; whoever hung goes last, so that it holds up nobody."""
        targets = self._targets
        tasks = targets.listed + targets.discovered if targets.query else ()
        in_turn = [(self._turn(task), partial(self._query, task)) for task in tasks]
        if targets.discover is not None:
            in_turn.append((targets.discovery_turn, partial(self._discover, targets.discover)))
        return [job for _, job in sorted(in_turn, key=lambda entry: entry[0])]

    def _turn(self, task: Task) -> Turn:
        known = self._known.get(task.task_id)
        return (known.hung, known.asked) if known else (False, 0)

    async def _query(self, task: Task) -> None:
        """One task's result."""
        clock = asyncio.get_running_loop().time
        began = clock()
        outcome = await outcome_of(self._client.query(task.ref, self._deadline), **_about(task))
        result = TaskResult(task, outcome, clock() - began, self._wall_clock())
        if result.up:
            self._doubtful.discard(task.task_id)
        self._keep(result, self._targets.heard, *(() if task.task_id in self._doubtful else (self._record,)))

    async def _discover(self, discover: Callable[[float], Awaitable[Discovered]]) -> None:
        """Look which tasks there are, and have the new ones queried."""
        clock = asyncio.get_running_loop().time
        began = clock()
        found = await outcome_of(discover(self._deadline), discovery=DISCOVERED_KIND)
        if isinstance(found, QueryFailure):
            found = Discovered(self._targets.discovered, found, clock() - began)
        self._found = found
        confirmed = self._doubtful & {task.task_id for task in found.tasks}
        self._doubtful -= confirmed
        for task_id in confirmed & self._results.keys():
            self._keep(self._results[task_id], self._record)
        if not self._targets.query:
            return
        asked = {task.task_id for task in self._targets.listed + self._targets.discovered}
        self._crew.add([partial(self._query, task) for task in found.tasks if task.task_id not in asked])

    def _keep(self, result: TaskResult, *steps: Callable[[TaskResult], None]) -> None:
        """Do this with a result, and keep it; where a bug is met in it, the result is a failure from there on."""
        for step in steps:
            try:
                step(result)
            except Exception as error:  # noqa: BLE001 - as in `outcome_of`
                result = replace(result, outcome=_bug(error, _about(result.task)))
        self._results[result.task.task_id] = result

    def _record(self, result: TaskResult) -> None:
        if self._targets.remembered:
            self._known.record(result, self._number)


class _Crew:
    """Does jobs in their order, at most `size` of them at once."""

    def __init__(self, size: int) -> None:
        self._idle = size
        self._jobs: deque[_Job] = deque()
        self._group = asyncio.TaskGroup()

    async def work(self, jobs: Sequence[_Job]) -> None:
        """Do these jobs, and those that are added meanwhile."""
        async with self._group:
            self.add(jobs)

    def add(self, jobs: Sequence[_Job]) -> None:
        """Have further jobs done, before those that still wait. To be called from a job."""
        self._jobs.extendleft(reversed(jobs))
        for _ in range(min(self._idle, len(self._jobs))):
            self._idle -= 1
            self._group.create_task(self._do_jobs())

    async def _do_jobs(self) -> None:
        try:
            while self._jobs:
                await self._jobs.popleft()()
        finally:
            self._idle += 1


async def outcome_of(question: Awaitable[T], **about: object) -> T | QueryFailure:
    """The answer to a question to the API, or why there is none: the boundary at which errors become values.

    `about` names the question in the log.
    """
    try:
        return await question
    except QueryError as error:
        return QueryFailure(error.reason, error.message, error.request_id, asked=error.sent)
    except Exception as error:  # noqa: BLE001 - a bug met in one task must not cost all the others
        return _bug(error, about)


def _about(task: Task) -> dict[str, str]:
    """What names a task in the log."""
    return {"task": task.name, "task_id": task.task_id}


def _bug(error: Exception, about: Mapping[str, object]) -> QueryFailure:
    """The failure of what met a bug of the exporter; to be called where it was caught."""
    _log.exception("internal error", extra={"fields": dict(about)})
    return QueryFailure(Reason.INTERNAL, f"{type(error).__name__} in the exporter; its log has more")
