"""A served exporter whose scrapes return canned results."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import httpx
from prometheus_client.registry import Collector

from exporter.config import Config, Task
from exporter.http.server import ServerOptions, serving
from exporter.metrics import OwnMetrics
from exporter.ninedata import Precheck, Status, TaskRef, TaskState
from exporter.running_config import RunningConfig
from exporter.scraping.discovery import Discovery
from exporter.scraping.history import History
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import QueryFailure, QueryResult, Snapshot
from exporter.scraping.task_files import TaskFiles
from exporter.scraping.watch_list import WatchList
from tests.scraping.fakes import config_of

if TYPE_CHECKING:
    from exporter.files import WatchedFile
    from exporter.http.web_config import WebConfig
    from exporter.reload import Reloader

ORDERS = Task(TaskRef("data_compare", "cd-1", "pcte-1"), "orders-prod", {"team": "dba"})
STOCK = Task(TaskRef("data_compare", "cd-2", "pcte-2"), "stock-prod", {"env": "prod"})


@dataclass
class FakeRunningConfig:
    """What the handlers use of a RunningConfig: real watch list and history, canned scrapes."""

    config: Config
    watch_list: WatchList
    history: History
    own: OwnMetrics
    calls: list[tuple[str, float]] = field(default_factory=list)
    """What was scraped, and how many seconds it had."""
    cancelled: int = 0
    hang: bool = False

    async def scrape(self, deadline: float, *, tasks: bool = True, discovery: bool = True) -> Snapshot:
        parts = [name for name, wanted in (("tasks", tasks), ("discovery", discovery)) if wanted]
        return await self._scrape("+".join(parts), self.watch_list.tasks if tasks else (), deadline)

    async def probe(self, task: Task, deadline: float) -> Snapshot:
        return await self._scrape(f"{task.ref.kind} {task.task_id} {task.ref.precheck_task_id}", (task,), deadline)

    async def _scrape(self, what: str, tasks: tuple[Task, ...], deadline: float) -> Snapshot:
        loop = asyncio.get_running_loop()
        self.calls.append((what, deadline - loop.time()))
        if self.hang:
            try:
                await loop.create_future()
            finally:
                self.cancelled += 1
        return Snapshot(
            tuple(QueryResult(task, Precheck(Status.SUCCESS, ()), 0.25, datetime.now(UTC)) for task in tasks)
        )

    file_faults: tuple[str, ...] = ()

    def own_metrics(self) -> Collector:
        return self.own.collector(self.watch_list)

    def forget_unwatched(self) -> None:
        watched = {task.task_id for task in self.watch_list.tasks}
        self.history.retain(watched, watched)


def client_of(port: int, tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """A client of a site."""
    # Without a context httpx loads all certificate authorities, which takes longer than most of these tests.
    context = tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    return httpx.AsyncClient(base_url=url, verify=context, trust_env=False)


class Site:
    """What the server uses of a Reloader, with a fake configuration; and requests to the server."""

    def __init__(self, *tasks: Task, shard: Shard | None = None) -> None:
        self.faults: tuple[str, ...] = ()
        self.waits_for_reload = False
        self.reloads = 0
        self.leased = 0
        self.options = ServerOptions()
        self.web_config: WatchedFile[WebConfig] | None = None
        self.own = OwnMetrics(shard)
        self.running = self._running_config_of(config_of(*tasks), History())

    def configure(self, **changes: Any) -> None:  # noqa: ANN401 - any fields
        """Change the configuration, as a reload does."""
        self.running = self._running_config_of(replace(self.running.config, **changes), self.running.history)

    def _running_config_of(self, config: Config, history: History) -> FakeRunningConfig:
        task_files = TaskFiles(config.task_files)
        task_files.refresh()
        watch_list = WatchList(config, self.own.shard, task_files, map(Discovery, config.discovery))
        return FakeRunningConfig(config, watch_list, history, self.own)

    @contextmanager
    def lease(self) -> Iterator[RunningConfig]:
        self.leased += 1
        try:
            yield cast("RunningConfig", self.running)
        finally:
            self.leased -= 1

    async def reload(self) -> tuple[str, ...]:
        self.reloads += 1
        return self.faults

    def record(self, task: Task, outcome: Precheck | QueryFailure, *, ago: float = 0.0) -> None:
        """Add a result to the history, so many seconds old."""
        at = datetime.now(UTC) - timedelta(seconds=ago)
        self.running.history.prechecks.record(QueryResult(task, outcome, 0.25, at))

    def record_state(
        self, task: Task, outcome: TaskState | QueryFailure, partial: TaskState | None = None, *, ago: float = 0.0
    ) -> None:
        """Add a result of the task itself to the history."""
        at = datetime.now(UTC) - timedelta(seconds=ago)
        self.running.history.states.record(QueryResult(task, outcome, 0.5, at, partial))

    @asynccontextmanager
    async def served(self) -> AsyncIterator[int]:
        """Serve on a free port of 127.0.0.1, whose number is given."""
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
            async with serving(cast("Reloader", self), self.options, [listening], self.web_config):
                yield listening.getsockname()[1]

    def request(self, method: str, path: str, **headers: str) -> httpx.Response:
        """Serve for one request; header names have _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def send() -> httpx.Response:
            async with self.served() as port, client_of(port) as client:
                return await client.request(method, path, headers=named)

        return asyncio.run(send())

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Get a page."""
        return self.request("GET", path, **headers)

    def json(self, path: str) -> Any:  # noqa: ANN401 - as JSON is
        """Get a page as JSON."""
        return self.get(path, accept="application/json").json()
