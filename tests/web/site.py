"""The exporter's site without a network: a client of the API that keeps book, and results put in by hand."""

import asyncio
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx

from exporter.config import Config, Task
from exporter.config.model import Api
from exporter.credentials import FixedSecret, Secret
from exporter.exporter import Exporter, Lasting
from exporter.last_known import LastKnown
from exporter.metrics import ProcessMetrics
from exporter.ninedata import Precheck, QueryError, Replication, Status, TaskRef
from exporter.scrape import Scraper
from exporter.shard import Shard
from exporter.snapshot import QueryFailure, TaskResult
from exporter.watch import Discovery, TaskFiles, WatchList
from exporter.web import create_app


class FakeClient:
    """Answers every task with success unless told otherwise, and keeps book."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.seconds_given: list[float] = []
        self.cancelled = 0
        self.answers: dict[str, Precheck | QueryError] = {}
        self.hang = False
        self.seconds = 0.0
        """How long a query takes."""
        self.replications: dict[str, Replication] = {}
        self.list_failure: QueryFailure | None = None
        self.lists = 0

    async def listed(self, found: dict[str, Replication], _status: str | None, _deadline: float) -> QueryFailure | None:
        """The list of replication tasks."""
        self.lists += 1
        found.update(self.replications)
        return self.list_failure

    async def query(self, task: TaskRef, deadline: float) -> Precheck:
        loop = asyncio.get_running_loop()
        self.asked.append(task.task_id)
        self.seconds_given.append(deadline - loop.time())
        if self.hang:
            try:
                await loop.create_future()
            finally:
                self.cancelled += 1
        if self.seconds:
            await asyncio.sleep(self.seconds)
        answer = self.answers.get(task.task_id, Precheck(Status.SUCCESS, ()))
        if isinstance(answer, QueryError):
            raise answer
        return answer


class Site:
    """The site of an exporter that watches some tasks, and the runtime that it is served by."""

    def __init__(
        self,
        *tasks: Task,
        telemetry_path: str = "/metrics",
        timeout_offset: float = 0.5,
        lifecycle: bool = False,
        shard: Shard | None = None,
    ) -> None:
        self.client = FakeClient()
        self.lasting = Lasting(shard or Shard(), ProcessMetrics(lambda: 0.0))
        self.known = LastKnown()
        self.faults: tuple[str, ...] = ()
        self.reloads = 0
        secret = FixedSecret(Secret("hush"))
        api = Api("https://ninedata.example", secret, secret, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        self._use(Config(api, tasks))
        self.app = create_app(self, telemetry_path=telemetry_path, timeout_offset=timeout_offset, lifecycle=lifecycle)

    def _use(self, config: Config) -> None:
        discovery = Discovery(config.discovery, self.client.listed) if config.discovery else None
        watch = WatchList(config, self.lasting.shard, TaskFiles(config.task_files), discovery)
        scraper = Scraper(self.client, concurrency=8, known=self.known)
        self.exporter = Exporter(config, watch, scraper, self.known, self.lasting)

    @contextmanager
    def lease(self) -> Iterator[Exporter]:
        """The exporter."""
        yield self.exporter

    async def reload(self) -> tuple[str, ...]:
        """Count it; what is wrong is what the test says."""
        self.reloads += 1
        return self.faults

    def configure(self, **changes: object) -> None:
        """Change the configuration."""
        self._use(replace(self.exporter.config, **changes))

    def record(self, task: Task, outcome: Precheck | QueryFailure, *, ago: float = 0.0, seconds: float = 0.25) -> None:
        """A scrape found this, so many seconds ago."""
        at = datetime.now(UTC) - timedelta(seconds=ago)
        self.known.record(TaskResult(task, outcome, seconds, at), 1)

    def request(self, method: str, path: str, **headers: str) -> httpx.Response:
        """Send a request; header names have _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://exporter.test") as client:
                return await client.request(method, path, headers=named)

        return asyncio.run(send())

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Get a page."""
        return self.request("GET", path, **headers)

    def remembered(self, task_ids: Iterable[str]) -> list[str]:
        """Those of some tasks of which something is known."""
        return [task_id for task_id in task_ids if self.known.get(task_id)]

    def json(self, path: str) -> object:
        """Get a page as JSON."""
        return self.get(path, accept="application/json").json()
