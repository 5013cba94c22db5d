"""One configuration at work: what it watches, how it queries, and the connections it uses."""

import logging
import resource
from dataclasses import dataclass

import httpx
from prometheus_client.registry import Collector

from exporter.api_client import open_client
from exporter.config import Config, Task
from exporter.logs import event
from exporter.metrics import OwnMetrics
from exporter.ninedata.client import NineDataClient
from exporter.scraping.discovery import Discovery
from exporter.scraping.history import History
from exporter.scraping.scraper import Scraper, Targets
from exporter.scraping.snapshot import Snapshot
from exporter.scraping.task_files import TaskFiles
from exporter.scraping.watch_list import WatchList

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class RunningConfig:
    """A configuration with all that a request needs. `close` it when no request uses it any more."""

    config: Config
    watch_list: WatchList
    history: History
    own: OwnMetrics
    client: NineDataClient
    scraper: Scraper
    transport: httpx.AsyncBaseTransport

    async def scrape(self, deadline: float, *, tasks: bool = True, discovery: bool = True) -> Snapshot:
        """Query every watched task and discover tasks, or one of the two, by `deadline` of the running loop's clock."""
        watch_list = self.watch_list
        discover = discovery and bool(watch_list.discoveries)
        if not tasks and not discover:
            return Snapshot(())
        self.forget_unwatched()
        if tasks:
            targets = Targets(watch_list.named, watch_list.discovered, discover=discover)
        else:
            targets = Targets((), discover=True, query=False)
        return await self.scraper.scrape(targets, deadline)

    async def probe(self, task: Task, deadline: float) -> Snapshot:
        """Query one task, which need not be watched, by `deadline`."""
        targets = Targets((task,), record=self.watch_list.watches(task))
        return await self.scraper.scrape(targets, deadline)

    def own_metrics(self) -> Collector:
        """The exporter's own metrics, for this configuration."""
        return self.own.collector(self.watch_list, files_good=not self.file_faults)

    @property
    def file_faults(self) -> tuple[str, ...]:
        """What is wrong with secrets and certificates, whose last good content stays in use."""
        return tuple(fault for file in self.config.watched_files for fault in file.faults)

    def forget_unwatched(self) -> None:
        """Drop the history of tasks, and of prechecks, that are no longer watched."""
        tasks = self.watch_list.tasks
        listed = {task_id for found in self.watch_list.discoveries for task_id in found.known}
        itself = {task.task_id for task in tasks if self.config.queries_itself(task, listed=False)}
        prechecks = {task.task_id for task in tasks if task.has_precheck}
        self.history.retain(prechecks, itself | {task.task_id for task in tasks if task.task_id in listed})

    def refresh_files(self) -> None:
        """Read the task files, secrets and certificates that changed. Blocks; never raises."""
        for file in self.config.watched_files:
            file.refresh()
        self.watch_list.refresh()

    async def close(self) -> None:
        """Close the connections to the API."""
        await self.transport.aclose()


def open_running_config(config: Config, own: OwnMetrics, before: RunningConfig | None = None) -> RunningConfig:
    """Put a configuration to work.

    Takes over the task files of `before` and, for the same server, history, discovered tasks and the pause after a 429.
    """
    api = config.api
    allow_open_files(api.concurrency)
    client, transport = open_client(api, own, "ninedata-exporter")
    history, known = History(), {}
    if before is not None and before.config.api.base_url == api.base_url:
        client.rate_limit.hold(before.client.rate_limit.held_seconds)
        history, known = before.history, {found.kind: found for found in before.watch_list.discoveries}
    discoveries = [Discovery(settings, known.get(settings.kind)) for settings in config.discovery]
    task_files = TaskFiles(config.task_files, before.watch_list.task_files if before else None)
    watch_list = WatchList(config, own.shard, task_files, discoveries)
    scraper = Scraper(client, config, watch_list, history)
    return RunningConfig(config, watch_list, history, own, client, scraper, transport)


def allow_open_files(connections: int) -> None:
    """Raise the soft limit of open files to the hard limit; warn if that is too low for `connections` to the API."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + 600  # 500 scrapers and people, and the process's own files
    # As on macOS, where an unlimited hard limit is usual and an unlimited soft limit is refused.
    limit = max(soft, needed) if hard == resource.RLIM_INFINITY else hard
    if soft not in (limit, resource.RLIM_INFINITY):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    if limit < needed:
        message = "open file limit is too low: lower api.concurrency or raise the limit (LimitNOFILE)"
        event(_log, logging.WARNING, message, limit=limit, needed=needed)


def log_watched(running: RunningConfig) -> None:
    """Log what a configuration watches."""
    config, watch_list = running.config, running.watch_list
    nothing = not watch_list.tasks and not config.discovery
    event(
        _log,
        logging.WARNING if nothing else logging.INFO,
        "no tasks to watch: see tasks, task_files and discovery in the configuration" if nothing else "watching tasks",
        tasks=len(watch_list.tasks),
        task_files=len(watch_list.files) if config.task_files else None,
        discovery=",".join(settings.kind for settings in config.discovery) or None,
        shard=str(running.own.shard) if running.own.shard.count > 1 else None,
        api=config.api.base_url,
        concurrency=config.api.concurrency,
    )
