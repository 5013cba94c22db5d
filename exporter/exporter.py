"""One exporter: a configuration at work, with the parts that outlive it."""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from exporter import __version__
from exporter.config import Config
from exporter.last_known import LastKnown
from exporter.logs import event
from exporter.metrics import ProcessMetrics, SnapshotCollector
from exporter.ninedata import ApiSettings, NineDataClient, open_transport
from exporter.scrape import Scraper

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exporter:
    """All that a request needs. A reload makes a new one around the parts that live on."""

    config: Config
    scraper: Scraper
    known: LastKnown
    process: ProcessMetrics

    async def scrape(self, deadline: float) -> SnapshotCollector:
        """The per-task metrics of all watched tasks, by `deadline` of the running loop's clock."""
        snapshot = await self.scraper.scrape(self.config.tasks, deadline)
        names = sorted({name for task in self.config.tasks for name in task.labels})
        return SnapshotCollector(snapshot, names, failure_reasons=self.config.failure_reasons)


@contextlib.asynccontextmanager
async def open_exporter(config: Config) -> AsyncIterator[Exporter]:
    """An exporter for a configuration, with its connections; they are closed in the end."""
    process = ProcessMetrics(time.time)
    known = LastKnown()
    api = config.api
    proxy = httpx.Proxy(api.proxy_url.reveal()) if api.proxy_url else None
    transport = open_transport(api.tls, proxy)
    settings = ApiSettings(
        base_url=api.base_url,
        user_agent=f"ninedata-exporter/{__version__}",
        request_timeout=api.request_timeout,
        concurrency=api.concurrency,
        rate_limit=api.rate_limit,
    )
    client = NineDataClient(
        settings,
        access_key_id=api.access_key_id,
        secret_key=api.secret_key,
        transport=transport,
        observer=process,
    )
    scraper = Scraper(client, concurrency=api.concurrency, known=known)
    process.config_loaded(Counter(task.ref.kind for task in config.tasks))
    event(
        _log,
        logging.INFO if config.tasks else logging.WARNING,
        "watching tasks" if config.tasks else "no task is watched; see the key tasks of the configuration",
        tasks=len(config.tasks),
        api=api.base_url,
        concurrency=api.concurrency,
    )
    for task in config.tasks:
        event(
            _log,
            logging.DEBUG if len(config.tasks) > MAX_TASKS_LOGGED else logging.INFO,
            "watching",
            task=task.name,
            task_id=task.task_id,
            precheck_task_id=task.ref.precheck_task_id,
            kind=task.ref.kind,
        )
    try:
        yield Exporter(config, scraper, known, process)
    finally:
        await transport.aclose()


MAX_TASKS_LOGGED = 20
"""Up to so many watched tasks are named in the log at start-up, more only at level debug."""
