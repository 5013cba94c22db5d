"""A scrape: every watched task queried once, each with a result of its own, by a deadline."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from exporter.config import Task
from exporter.last_known import LastKnown
from exporter.ninedata import Precheck, QueryError, Reason, TaskRef
from exporter.snapshot import QueryFailure, Snapshot, TaskResult

_log = logging.getLogger(__name__)


class Client(Protocol):
    """Asks the API about one task; returns or raises QueryError by the deadline."""

    async def query(self, task: TaskRef, deadline: float) -> Precheck:
        """The precheck as the API has it now."""
        ...


@dataclass(slots=True)
class _Run:
    tasks: Sequence[Task]
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
        self._count = 0

    async def scrape(self, tasks: Sequence[Task], deadline: float) -> Snapshot:
        """Query the tasks and return by `deadline`, a time of the running loop's clock.

        A task that has not answered by then is a failure `deadline`. Where the same tasks are being queried already,
        and that will be over by `deadline`, its answer is shared. A run whose last waiter is cancelled ends.
        """
        run = self._joinable(tasks, deadline) or self._start(tasks, deadline)
        run.waiting += 1
        try:
            return await asyncio.shield(run.work)
        finally:
            run.waiting -= 1
            if not run.waiting:
                self._runs.remove(run)
                run.work.cancel()

    def _joinable(self, tasks: Sequence[Task], deadline: float) -> _Run | None:
        fitting = (run for run in self._runs if run.deadline <= deadline and not run.work.done() and run.tasks == tasks)
        return next(fitting, None)

    def _start(self, tasks: Sequence[Task], deadline: float) -> _Run:
        run = _Run(tasks, deadline, asyncio.create_task(self._run(tasks, deadline)))
        self._runs.append(run)
        return run

    async def _run(self, tasks: Sequence[Task], deadline: float) -> Snapshot:
        self._count += 1
        scrape = self._count
        queue = deque(self._in_fair_order(tasks))
        results: dict[str, TaskResult] = {}

        async def work() -> None:
            while queue:
                task = queue.popleft()
                result = await self._query(task, deadline)
                results[task.task_id] = result
                self._known.record(result, scrape)

        try:
            async with asyncio.TaskGroup() as workers:
                for _ in range(min(self._concurrency, len(queue))):
                    workers.create_task(work())
        finally:
            self._known.end_scrape(results.values())
        return Snapshot(tuple(results[task.task_id] for task in tasks))

    def _in_fair_order(self, tasks: Sequence[Task]) -> list[Task]:
        """Whoever was left over last time goes first; whoever hung goes last, so that it holds up nobody."""

        def rank(task: Task) -> tuple[bool, int]:
            known = self._known.get(task.task_id)
            return (known.hung, known.asked) if known else (False, 0)

        return sorted(tasks, key=rank)

    async def _query(self, task: Task, deadline: float) -> TaskResult:
        """One task's result: the boundary at which errors become values."""
        clock = asyncio.get_running_loop().time
        began = clock()
        asked = True
        outcome: Precheck | QueryFailure
        try:
            outcome = await self._client.query(task.ref, deadline)
        except QueryError as error:
            asked = error.sent
            outcome = QueryFailure(error.reason, error.message, error.request_id)
        except Exception as error:  # noqa: BLE001 - the only one: a bug met in one task must not cost all the others
            _log.exception("internal error", extra={"fields": {"task": task.name, "task_id": task.task_id}})
            outcome = QueryFailure(Reason.INTERNAL, f"{type(error).__name__} in the exporter; its log has more")
        return TaskResult(task, outcome, clock() - began, self._wall_clock(), asked=asked)
