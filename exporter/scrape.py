"""A scrape: every watched task queried once, each with a result of its own, by a deadline."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from exporter.config import Task
from exporter.last_known import LastKnown
from exporter.ninedata import Precheck, QueryError, Reason, TaskRef
from exporter.snapshot import Discovered, QueryFailure, Snapshot, TaskResult

_log = logging.getLogger(__name__)

T = TypeVar("T")


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
    remembered: bool = True
    """Whether pages and the log are to know of it."""


@dataclass(slots=True)
class _Run:
    targets: Targets
    deadline: float
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
        self._client = client
        self._concurrency = concurrency
        self._known = known
        self._wall_clock = wall_clock
        self._runs: list[_Run] = []

    async def scrape(self, targets: Targets, deadline: float) -> Snapshot:
        """Query the targets and return by `deadline`, a time of the running loop's clock.

        A task that has not answered by then is a failure `deadline`. Where the same targets are being queried already,
        and that will be over by `deadline`, its answer is shared. A run whose last waiter is cancelled ends.
        """
        run = self._joinable(targets, deadline) or self._start(targets, deadline)
        run.waiting += 1
        try:
            return await asyncio.shield(run.work)
        finally:
            run.waiting -= 1
            if not run.waiting:
                self._runs.remove(run)
                run.work.cancel()

    def _joinable(self, targets: Targets, deadline: float) -> _Run | None:
        fitting = (
            run for run in self._runs if run.deadline <= deadline and not run.work.done() and run.targets == targets
        )
        return next(fitting, None)

    def _start(self, targets: Targets, deadline: float) -> _Run:
        run = _Run(targets, deadline, asyncio.create_task(self._run(targets, deadline)))
        self._runs.append(run)
        return run

    async def _run(self, targets: Targets, deadline: float) -> Snapshot:
        scrape = self._known.begin_scrape()
        results: dict[str, TaskResult] = {}
        discovered = Discovered(targets.discovered, None, 0.0)

        async def work(queue: deque[Task]) -> None:
            while queue:
                task = queue.popleft()
                result = await self._query(task, deadline)
                results[task.task_id] = result
                if targets.remembered:
                    self._known.record(result, scrape)

        def begin(tasks: Sequence[Task]) -> None:
            queue = deque(self._in_fair_order(tasks))
            for _ in range(min(self._concurrency, len(queue))):
                workers.create_task(work(queue))

        async def discover(discover: Callable[[float], Awaitable[Discovered]]) -> None:
            nonlocal discovered
            discovered = await discover(deadline)
            asked_about = {task.task_id: task.ref for task in targets.discovered}
            # At once, whatever the others wait for: the client sees to it that no more than allowed are in flight.
            begin([task for task in discovered.tasks if asked_about.get(task.task_id) != task.ref])

        try:
            async with asyncio.TaskGroup() as workers:
                if targets.discover is not None:
                    workers.create_task(discover(targets.discover))
                begin(targets.listed + targets.discovered)
        finally:
            if targets.remembered:
                self._known.end_scrape(results.values())
        # Each once: a task file that named a discovered task may have gone meanwhile.
        found = {task.task_id: results[task.task_id] for task in targets.listed + discovered.tasks}
        return Snapshot(tuple(found.values()), discovered if targets.discover is not None else None)

    def _in_fair_order(self, tasks: Sequence[Task]) -> list[Task]:
        """Whoever was left over last time goes first; whoever hung goes last, so that it holds up nobody."""

        def rank(task: Task) -> tuple[bool, int]:
            known = self._known.get(task.task_id)
            return (known.hung, known.asked) if known else (False, 0)

        return sorted(tasks, key=rank)

    async def _query(self, task: Task, deadline: float) -> TaskResult:
        """One task's result."""
        clock = asyncio.get_running_loop().time
        began = clock()
        outcome = await outcome_of(self._client.query(task.ref, deadline), task=task.name, task_id=task.task_id)
        return TaskResult(task, outcome, clock() - began, self._wall_clock())


async def outcome_of(question: Awaitable[T], **about: object) -> T | QueryFailure:
    """The answer to a question to the API, or why there is none: the boundary at which errors become values.

    `about` names the question in the log.
    """
    try:
        return await question
    except QueryError as error:
        return QueryFailure(error.reason, error.message, error.request_id, asked=error.sent)
    except Exception as error:  # noqa: BLE001 - the only one: a bug met in one task must not cost all the others
        _log.exception("internal error", extra={"fields": about})
        return QueryFailure(Reason.INTERNAL, f"{type(error).__name__} in the exporter; its log has more")
