"""One exporter: a configuration at work, around the parts that outlive it."""

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpx

from exporter import __version__
from exporter.change_log import DiscoveryLog
from exporter.config import Config, Task
from exporter.config.model import Api
from exporter.credentials import SecretFile
from exporter.last_known import LastKnown
from exporter.logs import event
from exporter.look import LOOK_SECONDS, Look
from exporter.metrics import ProcessMetrics, SnapshotCollector, TaskLines, WatchedFile
from exporter.ninedata import DISCOVERED_KIND, Replication, list_replications
from exporter.ninedata.client import ApiSettings, NineDataClient
from exporter.ninedata.transport import open_transport
from exporter.scrape import Scraper, Targets, outcome_of
from exporter.shard import Shard
from exporter.snapshot import QueryFailure, Snapshot
from exporter.watch import Discovery, Lister, TaskFiles, WatchList

_log = logging.getLogger(__name__)

MAX_TASKS_LOGGED = 20
"""Up to so many watched tasks are named in the log when a configuration takes effect, more only at level debug."""
LIST_SHARE = 4
"""Of the requests that may be in flight, a list takes at most the fourth part: one that hangs leaves tasks the rest."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """What a reload leaves as it is."""

    shard: Shard = field(default_factory=Shard)
    process: ProcessMetrics = field(default_factory=lambda: ProcessMetrics(time.time))
    discovery_log: DiscoveryLog = field(default_factory=DiscoveryLog)

    def __post_init__(self) -> None:
        if self.shard.count > 1:
            self.process.sharded(self.shard.index, self.shard.count)


@dataclass(frozen=True, slots=True)
class Exporter:
    """All that a request needs."""

    config: Config
    watch: WatchList
    scraper: Scraper
    known: LastKnown
    """What was last heard of each task."""
    lasting: Lasting
    secrets: Look | None = None
    """Where there are secret files."""

    async def refresh(self, seconds: float = LOOK_SECONDS) -> None:
        """Look at task files and secret files, within `seconds` or LOOK_SECONDS, whichever is less. Never raises."""
        looks = (self.watch, self.secrets) if self.secrets else (self.watch,)
        await asyncio.gather(*(look.refresh(min(seconds, LOOK_SECONDS)) for look in looks))

    async def scrape(self, deadline: float, *, tasks: bool = True, discovery: bool = True) -> SnapshotCollector:
        """The metrics of all watched tasks and of discovery, by `deadline` of the running loop's clock.

        Without `discovery` the tasks are those that are known, without `tasks` none is queried.
        """
        watch = self.watch
        discover = watch.discover if discovery and watch.discovers else None
        if not tasks and discover is None:
            return self._collector(Snapshot(()))
        lines = self._lines(watch.tasks)
        targets = Targets(
            watch.listed,
            watch.discovered,
            discover,
            watch.discovery_turn,
            query=tasks,
            remembered=tasks,
            heard=lines.write,
        )
        return self._collector(await self.scraper.scrape(targets, deadline), lines)

    async def probe(self, task: Task, deadline: float) -> SnapshotCollector:
        """The metrics of one task, which need not be a watched one, by `deadline`."""
        targets = Targets((task,), remembered=self.watch.watches(task))
        return self._collector(await self.scraper.scrape(targets, deadline))

    def own_metrics(self) -> ProcessMetrics:
        """The metrics of the process, with what is watched now."""
        repeated = self.watch.repeated
        files = [
            WatchedFile(file.path, len(file.tasks), not file.faults and file.path not in repeated, file.loaded_at)
            for file in self.watch.files
        ]
        self.lasting.process.watching(self.watch.counts(), files)
        return self.lasting.process

    def forget_unwatched(self) -> None:
        """Forget what was heard of tasks that are no longer watched."""
        self.known.retain({task.task_id for task in self.watch.tasks})

    def _collector(self, snapshot: Snapshot, written: TaskLines | None = None) -> SnapshotCollector:
        lines = self._lines(result.task for result in snapshot.results)
        # Where a task with labels of its own was discovered meanwhile, all tasks have these labels.
        same = written is not None and written.label_names == lines.label_names
        return SnapshotCollector(snapshot, written if written and same else lines)

    def _lines(self, tasks: Iterable[Task]) -> TaskLines:
        names = sorted({name for task in tasks for name in task.labels})
        return TaskLines(names, failure_reasons=self.config.failure_reasons)


@dataclass(frozen=True, slots=True)
class Opened:
    """An exporter with the connections that it uses; they are its owner's to close."""

    exporter: Exporter
    client: NineDataClient
    transport: httpx.AsyncBaseTransport


def open_exporter(config: Config, lasting: Lasting, before: Opened | None = None) -> Opened:
    """An exporter for a configuration, which takes what is still true over from the one before it."""
    api = config.api
    transport = open_transport(api.tls, httpx.Proxy(api.proxy_url.reveal()) if api.proxy_url else None)
    client = _client(api, lasting.process, transport)
    # What another server said is of no use.
    known, listed = LastKnown(), None
    if before is not None and before.exporter.config.api.base_url == api.base_url:
        client.hold(before.client.held_seconds)
        known, listed = before.exporter.known, before.exporter.watch.known
    lister = _lister(client, max(1, api.concurrency // LIST_SHARE))
    discovery = Discovery(config.discovery, lister, listed, lasting.discovery_log) if config.discovery else None
    files = TaskFiles(config.task_files, before.exporter.watch.files if before else ())
    watch = WatchList(config, lasting.shard, files, discovery)
    scraper = Scraper(client, concurrency=api.concurrency, known=known)
    return Opened(Exporter(config, watch, scraper, known, lasting, _secrets_of(api)), client, transport)


def log_watched(exporter: Exporter) -> None:
    """Say in the log what an exporter watches."""
    config, tasks = exporter.config, exporter.watch.tasks
    idle = not tasks and not config.discovery
    event(
        _log,
        logging.WARNING if idle else logging.INFO,
        "no task is watched; see the key tasks of the configuration" if idle else "watching tasks",
        tasks=len(tasks),
        api=config.api.base_url,
        concurrency=config.api.concurrency,
        task_files=len(exporter.watch.files) if config.task_files else None,
        discovery=DISCOVERED_KIND if config.discovery else None,
        shard=str(exporter.lasting.shard) if exporter.lasting.shard.count > 1 else None,
    )
    for task in tasks:
        event(
            _log,
            logging.DEBUG if len(tasks) > MAX_TASKS_LOGGED else logging.INFO,
            "watching",
            task=task.name,
            task_id=task.task_id,
            precheck_task_id=task.ref.precheck_task_id or None,
            kind=task.ref.kind,
        )


def _client(api: Api, observer: ProcessMetrics, transport: httpx.AsyncBaseTransport) -> NineDataClient:
    settings = ApiSettings(
        base_url=api.base_url,
        user_agent=f"ninedata-exporter/{__version__}",
        request_timeout=api.request_timeout,
        concurrency=api.concurrency,
        rate_limit=api.rate_limit,
    )
    return NineDataClient(
        settings,
        access_key_id=api.access_key_id,
        secret_key=api.secret_key,
        transport=transport,
        observer=observer,
    )


def _secrets_of(api: Api) -> Look | None:
    files = [secret for secret in (api.access_key_id, api.secret_key) if isinstance(secret, SecretFile)]

    def look() -> None:
        for file in files:
            file.look()

    return Look(look, "secret files") if files else None


def _lister(client: NineDataClient, at_once: int) -> Lister:
    async def listed(found: dict[str, Replication], status: str | None, deadline: float) -> QueryFailure | None:
        reading = list_replications(client, deadline, found, status=status, at_once=at_once)
        return await outcome_of(reading, discovery=DISCOVERED_KIND)

    return listed
