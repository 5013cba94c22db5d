"""The configuration in force, and its replacement by a reload."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence

from exporter.config import Config, ConfigError
from exporter.exporter import Exporter, log_watched, open_exporter
from exporter.files import FileWatcher
from exporter.http.sockets import StartError, allow_open_files
from exporter.logs import event
from exporter.metrics import OwnMetrics

_log = logging.getLogger(__name__)

LOAD_SECONDS = 30.0
"""How long a start or a reload waits for the file system."""


class Reloader:
    """Gives each request the exporter of the configuration in force, and keeps it open until the request ends.

    `load` reads the configuration or raises ConfigError; it runs in a thread.
    """

    def __init__(self, config: Config, own: OwnMetrics, load: Callable[[], Config]) -> None:
        self.faults: tuple[str, ...] = ()
        """Why the latest configuration is not in force; empty if it is."""
        self._own = own
        self._load = load
        self._lock = asyncio.Lock()
        self._waiting: asyncio.Task[tuple[str, ...]] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._leases: dict[int, int] = {}
        self._exporter = open_exporter(config, own)
        self.watcher = FileWatcher([self._exporter.refresh_files])
        """Reads the files of the configuration in force again when they change."""

    async def start(self) -> None:
        """Read the files that the configuration names, and watch them. Raises StartError if that takes too long."""
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                await self._read_files(self._exporter)
        except TimeoutError:
            raise StartError(f"the watched files could not be read within {LOAD_SECONDS:g} s") from None
        self._own.reload_ended(successful=True)
        log_watched(self._exporter)
        self.watcher.start()

    @contextlib.contextmanager
    def lease(self) -> Iterator[Exporter]:
        """The exporter in force. Its connections stay open until the context ends, even if a reload replaces it."""
        exporter = self._exporter
        key = id(exporter)
        self._leases[key] = self._leases.get(key, 0) + 1
        try:
            yield exporter
        finally:
            self._leases[key] -= 1
            if not self._leases[key]:
                del self._leases[key]
                self._close_if_unused(exporter)

    async def reload(self) -> tuple[str, ...]:
        """Put the configuration as it is now into force. Returns its faults; with any, nothing changes.

        Calls during a reload wait for one more reload, which they share.
        """
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._reload_in_turn())
        return await asyncio.shield(self._waiting)

    async def _reload_in_turn(self) -> tuple[str, ...]:
        async with self._lock:
            self._waiting = None  # the configuration may change from here on: later calls need another reload
            return await self._reload()

    async def _reload(self) -> tuple[str, ...]:
        before = self._exporter
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                config = await asyncio.to_thread(self._load)
                exporter = open_exporter(config, self._own, before)
                await self._read_files(exporter)
        except ConfigError as error:
            return self._reject([str(fault) for fault in error.faults])
        except TimeoutError:
            return self._reject([f"the configuration could not be read within {LOAD_SECONDS:g} s"])
        self._exporter = exporter
        self._close_if_unused(before)
        # A thread of its own: the one before may be stuck in a file system that the new configuration does not use.
        self.watcher.stop()
        self.watcher = FileWatcher([exporter.refresh_files])
        self.watcher.start()
        self.faults = ()
        self._own.reload_ended(successful=True)
        event(_log, logging.INFO, "configuration reloaded")
        log_watched(exporter)
        return ()

    async def close(self) -> None:
        """Close all connections and stop watching files."""
        self.watcher.stop()
        await asyncio.gather(*self._closing, self._exporter.close())

    async def _read_files(self, exporter: Exporter) -> None:
        allow_open_files(exporter.config.api.concurrency)
        await asyncio.to_thread(exporter.refresh_files)

    def _reject(self, faults: Sequence[str]) -> tuple[str, ...]:
        self.faults = tuple(faults)
        self._own.reload_ended(successful=False)
        message = "configuration not reloaded, the previous one stays in force"
        for fault in faults:
            event(_log, logging.ERROR, message, fault=fault)
        return self.faults

    def _close_if_unused(self, exporter: Exporter) -> None:
        if exporter is not self._exporter and id(exporter) not in self._leases:
            closing = asyncio.create_task(exporter.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
