"""The configuration in force, and its replacement by a reload."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence

from exporter.config import Config, ConfigError
from exporter.exporter import Exporter, log_watched, open_exporter
from exporter.faults import StartError, printable
from exporter.files import FileWatcher, WatchedFile
from exporter.logs import event
from exporter.metrics import OwnMetrics

_log = logging.getLogger(__name__)

LOAD_SECONDS = 30.0
"""How long a start or a reload waits for the file system."""


class Reloader:
    """Gives each request the exporter of the configuration in force, and keeps it open until the request ends.

    The configuration's file was loaded before. With `auto_reload`, what changes in it is put into force.
    """

    def __init__(self, file: WatchedFile[Config], own: OwnMetrics, *, auto_reload: bool = True) -> None:
        self.waits_for_reload = False
        """Whether the file changed and nobody reloaded it yet."""
        self._file = file
        self._auto_reload = auto_reload
        self._timeout: tuple[str, ...] = ()
        self._own = own
        self._lock = asyncio.Lock()
        self._waiting: asyncio.Task[tuple[str, ...]] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._leases: dict[int, int] = {}
        self._following: asyncio.Task[None] | None = None
        self._exporter = open_exporter(file.content or file.load(), own)
        self.watcher = FileWatcher([self._look, self._exporter.refresh_files])
        """Reads the configuration and the files that it names again when they change."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the latest configuration is not in force; empty if it is."""
        return self._timeout or self._file.faults

    async def start(self) -> None:
        """Read the files that the configuration names, and watch them. Raises StartError if that takes too long."""
        try:
            async with self._lock, asyncio.timeout(LOAD_SECONDS):  # a SIGHUP may come meanwhile
                await asyncio.to_thread(self._exporter.refresh_files)
                self._own.reload_ended(successful=True)
                log_watched(self._exporter)
                self.watcher.start()
        except TimeoutError:
            raise StartError(f"the watched files could not be read within {LOAD_SECONDS:g} s") from None
        if self._auto_reload:
            self._following = asyncio.create_task(self._follow())

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
            return await self._reload(self._file.load)

    def _look(self) -> None:
        if self._auto_reload:
            self._file.refresh()
        elif self._file.changed is not self.waits_for_reload:
            self.waits_for_reload = not self.waits_for_reload
            if self.waits_for_reload:
                message = "configuration changed and is not in force; reload it with SIGHUP or /-/reload"
                event(_log, logging.WARNING, message, file=printable(self._file.path))

    async def _follow(self) -> None:
        """Put into force what the file watcher read."""
        faults: tuple[str, ...] = ()
        while True:
            await asyncio.sleep(0.25)
            if self._file.content is not self._exporter.config:
                async with self._lock:
                    await self._reload(lambda: self._file.content or self._file.load())
            elif self._file.faults != faults:
                self._own.reload_ended(successful=not self._file.faults)
            faults = self._file.faults

    async def _reload(self, load: Callable[[], Config]) -> tuple[str, ...]:
        before = self._exporter
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                config = await asyncio.to_thread(load)
                exporter = open_exporter(config, self._own, before)
                await asyncio.to_thread(exporter.refresh_files)
        except ConfigError as error:
            return self._reject([str(fault) for fault in error.faults])
        except TimeoutError:
            self._timeout = (f"the configuration could not be read within {LOAD_SECONDS:g} s",)
            return self._reject(self._timeout)
        self._exporter = exporter
        self._close_if_unused(before)
        # A thread of its own: the one before may be stuck in a file system that the new configuration does not use.
        self.watcher.stop()
        self.watcher = FileWatcher([self._look, exporter.refresh_files])
        self.watcher.start()
        self._timeout, self.waits_for_reload = (), False
        self._own.reload_ended(successful=True)
        event(_log, logging.INFO, "configuration reloaded")
        log_watched(exporter)
        return ()

    async def close(self) -> None:
        """Close all connections and stop watching files."""
        self.watcher.stop()
        if self._following:
            self._following.cancel()
        await asyncio.gather(*self._closing, self._exporter.close())

    def _reject(self, faults: Sequence[str]) -> tuple[str, ...]:
        self._own.reload_ended(successful=False)
        message = "configuration not reloaded, the previous one stays in force"
        for fault in faults:
            event(_log, logging.ERROR, message, fault=fault)
        return tuple(faults)

    def _close_if_unused(self, exporter: Exporter) -> None:
        if exporter is not self._exporter and id(exporter) not in self._leases:
            closing = asyncio.create_task(exporter.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
