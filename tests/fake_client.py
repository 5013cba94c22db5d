"""A client of the API that does what a test says, and the means to see what a scrape makes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from exporter.config import Task
from exporter.ninedata import Precheck, QueryError, Reason, Status, TaskRef
from exporter.snapshot import QueryFailure, Snapshot

GOOD = Precheck(Status.SUCCESS, ())
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)

Answer = Callable[[TaskRef, float], Awaitable[Precheck]]


class FakeClient:
    """A client of the API that keeps book; what it answers can be set per task id."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.deadlines: list[float] = []
        self.cancelled: list[str] = []
        self.running = 0
        self.most_running = 0

    async def query(self, task: TaskRef, deadline: float) -> Precheck:
        self.asked.append(task.task_id)
        self.deadlines.append(deadline)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            answer = self.answers.get(task.task_id, answered)
            return await answer(task, deadline)
        except asyncio.CancelledError:
            self.cancelled.append(task.task_id)
            raise
        finally:
            self.running -= 1


async def answered(_task: TaskRef, _deadline: float) -> Precheck:
    """The API answers, not quite at once."""
    await asyncio.sleep(0)
    return GOOD


async def hung(_task: TaskRef, deadline: float) -> Precheck:
    """The API does not answer until the deadline."""
    try:
        async with asyncio.timeout_at(deadline):
            return await asyncio.get_running_loop().create_future()
    except TimeoutError:
        raise QueryError(Reason.DEADLINE, "no complete answer within the scrape's time") from None


def raising(error: Exception) -> Answer:
    async def answer(_task: TaskRef, _deadline: float) -> Precheck:
        await asyncio.sleep(0)
        raise error

    return answer


def left_over() -> Answer:
    """No request left, for there was no time."""
    return raising(QueryError(Reason.DEADLINE, "nothing was sent", sent=False))


def after(event: asyncio.Event, *, or_hung: bool = False) -> Answer:
    """The API answers after an event; or, to what is asked before it, not at all."""

    async def answer(task: TaskRef, deadline: float) -> Precheck:
        if not or_hung:
            await event.wait()
        elif not event.is_set():
            return await hung(task, deadline)
        return GOOD

    return answer


def watched(*task_ids: str) -> tuple[Task, ...]:
    return tuple(Task(TaskRef("data_compare", task_id, f"pcte-{task_id}"), task_id) for task_id in task_ids)


def in_time() -> float:
    """A deadline that no test reaches."""
    return asyncio.get_running_loop().time() + 3600


def very_soon() -> float:
    return asyncio.get_running_loop().time() + 0.05


async def settled() -> None:
    """Everything has run that can run without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)


def outcomes(snapshot: Snapshot) -> dict[str, Precheck | Reason]:
    return {
        result.task.task_id: result.outcome.reason if isinstance(result.outcome, QueryFailure) else result.outcome
        for result in snapshot.results
    }
