"""A client of the API that answers what a test says, and short names for tasks and results."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from exporter.config import Config, DiscoverySettings, Task
from exporter.config.settings import Api, Tls
from exporter.credentials import Secret
from exporter.ninedata import ListedTask, Precheck, Reason, Status, TaskRef, TaskState, TaskStatus
from exporter.ninedata.client import QueryProgress
from exporter.scraping.discovery import Discovery
from exporter.scraping.history import QueryHistories, QueryHistory
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import QueryFailure, QueryResult
from exporter.scraping.task_files import TaskFiles
from exporter.scraping.watch_list import WatchList

GOOD = Precheck(Status.SUCCESS, ())
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)

RUNNING = TaskState(TaskStatus.RUNNING)

A = TypeVar("A")
Q = TypeVar("Q", Precheck, TaskState)
Answer = Callable[[QueryProgress], Awaitable[A]]


class FakeClient:
    """Answers with GOOD, RUNNING and `listed` unless `answers` has something else. Records the order of the queries.

    A query of the precheck of `ID` is recorded as `ID`, one of the task itself as `ID itself`, one of a list as `list`.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer[Any]] = {}
        self.listed: list[ListedTask] = []
        self.queried: list[str] = []
        self.cancelled: list[str] = []
        self.running = 0
        self.most_running = 0

    async def query_precheck(self, task: TaskRef, progress: QueryProgress) -> Precheck:
        return await self._answered(task.task_id, GOOD, progress)

    async def query_state(self, task: TaskRef, progress: QueryProgress) -> TaskState:
        return await self._answered(f"{task.task_id} itself", RUNNING, progress)

    async def list_tasks(
        self, kind: str, found: dict[str, ListedTask], status: str | None, progress: QueryProgress
    ) -> dict[str, ListedTask]:
        assert status is None
        prefix = {"replication": "rp", "schema_compare": "cc"}[kind]
        found.update({entry.task_id: entry for entry in self.listed if entry.task_id.startswith(prefix)})
        return await self._answered("list", found, progress)

    async def _answered(self, what: str, answer: A, progress: QueryProgress) -> A:
        self.queried.append(what)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(0)
            return await self.answers[what](progress) if what in self.answers else answer
        except asyncio.CancelledError:
            self.cancelled.append(what)
            raise
        finally:
            self.running -= 1


async def hangs(progress: QueryProgress) -> Any:  # noqa: ANN401 - never returns
    progress.sent = True
    return await asyncio.get_running_loop().create_future()


async def waits_for_rate_limit(progress: QueryProgress) -> Any:  # noqa: ANN401 - never returns
    progress.waiting_for_rate_limit = True
    return await asyncio.get_running_loop().create_future()


def raises(error: Exception) -> Answer[Any]:
    async def answer(_: QueryProgress) -> Any:  # noqa: ANN401 - never returns
        raise error

    return answer


def after(event: asyncio.Event) -> Answer[Precheck]:
    async def answer(progress: QueryProgress) -> Precheck:
        progress.sent = True
        await event.wait()
        return GOOD

    return answer


def tasks(*task_ids: str) -> tuple[Task, ...]:
    return tuple(Task(TaskRef("data_compare", task_id, f"pcte-{task_id}"), task_id) for task_id in task_ids)


def result(task_id: str, outcome: Precheck | QueryFailure, minute: int = 0) -> QueryResult[Precheck]:
    (task,) = tasks(task_id)
    return QueryResult(task, outcome, 0.1, NOON + timedelta(minutes=minute))


def config_of(*named: Task) -> Config:
    api = Api("https://api.example", Secret("id"), Secret("key"), Tls(ssl.create_default_context()), concurrency=3)
    return Config(api=api, tasks=named)


def discovered(known: dict[str, ListedTask]) -> Discovery:
    """A discovery that listed these tasks."""
    discovery = Discovery(DiscoverySettings("replication"))
    discovery.update(known, None, 0.1)
    return discovery


def watch_list_of(*discoveries: Discovery, named: Iterable[Task] = ()) -> WatchList:
    return WatchList(config_of(*named), Shard(), TaskFiles(()), discoveries)


async def settle() -> None:
    """Run everything that needs no time to pass."""
    for _ in range(50):
        await asyncio.sleep(0)


def outcomes(results: Iterable[QueryResult[A]]) -> dict[str, A | Reason]:
    """The answers, or the reasons of the failures, by task id."""
    return {
        result.task.task_id: result.outcome.reason if isinstance(result.outcome, QueryFailure) else result.outcome
        for result in results
    }


def history_of(histories: QueryHistories[Q], task: Task) -> QueryHistory[Q]:
    """The history of a task that has one."""
    history = histories.of(task)
    assert history is not None
    return history
