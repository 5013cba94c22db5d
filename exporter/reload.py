"""The configuration in force, and its replacement by a reload."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from exporter.config import Config, ConfigError
from exporter.faults import StartError, printable
from exporter.files import WatchedFile
from exporter.logs import event
from exporter.metrics import OwnMetrics
from exporter.running_config import RunningConfig, log_watched, open_running_config
from exporter.threads import refresh_in_thread

_log = logging.getLogger(__name__)

LOAD_SECONDS = 30.0
"""How long a start or a reload waits for the file system."""

T = TypeVar("T")


class Reloader:
    """Gives each request the configuration in force, whose connections stay open until the request ends.

    `file` must be loaded. A change of it is read within a second, and with `auto_reload` put into force.
    """

    def __init__(self, file: WatchedFile[Config], own: OwnMetrics, *, auto_reload: bool = True) -> None:
        self._file = file
        self._own = own
        self._auto_reload = auto_reload
        self._timeout_faults: tuple[str, ...] = ()
        self._lock = asyncio.Lock()
        self._next_reload: asyncio.Task[tuple[str, ...]] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._in_force = open_running_config(file.current(), own)
        self._users = Counter({self._in_force: 1})
        """The number of requests that use each running configuration, and one more for that in force."""

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the latest configuration cannot be put into force."""
        return self._timeout_faults or self._file.faults

    @property
    def waits_for_reload(self) -> bool:
        """Whether the file changed and nobody reloaded it yet."""
        return not self._auto_reload and self._file.content is not self._in_force.config

    async def start(self) -> None:
        """Read the files that the configuration names, and watch them. Raises StartError if that takes too long."""
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                await asyncio.to_thread(self._in_force.refresh_files)
        except TimeoutError:
            raise StartError(f"the watched files could not be read within {LOAD_SECONDS:g} s") from None
        self._own.reload_ended(successful=True)
        self._watch(self._in_force)

    @contextlib.contextmanager
    def lease(self) -> Iterator[RunningConfig]:
        """The configuration in force. Its connections stay open until the context ends, even after a reload."""
        running = self._in_force
        self._users[running] += 1
        try:
            yield running
        finally:
            self._release(running)

    def reload(self) -> asyncio.Future[tuple[str, ...]]:
        """Put the configuration as it is now into force. The result is its faults; with any, nothing changes.

        Calls during a reload share one more reload, which goes on if a caller is cancelled.
        """
        if self._next_reload is None:
            self._next_reload = self._run(self._reload())
        return asyncio.shield(self._next_reload)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(running.close() for running in self._users))

    async def _reload(self) -> tuple[str, ...]:
        async with self._lock:
            self._next_reload = None  # the file may change from here on: later calls need another reload
            before = self._in_force
            loading = self._run(self._load(before))
            await asyncio.wait((loading,), timeout=LOAD_SECONDS)
            self._timeout_faults = ()
            running = loading.result() if loading.done() else None
            if running:
                self._in_force = running
                self._users[running] = 1
                self._release(before)
                event(_log, logging.INFO, "configuration reloaded")
                self._watch(running)
            elif not loading.done():
                self._timeout_faults = (f"the configuration could not be read within {LOAD_SECONDS:g} s",)
                if self._auto_reload:  # again when the file system answers
                    loading.add_done_callback(lambda ended: None if ended.cancelled() else self.reload())
            faults = () if running else self.faults
            self._own.reload_ended(successful=not faults)
            for fault in faults:
                event(_log, logging.ERROR, "configuration not reloaded, the previous one stays in force", fault=fault)
            return faults

    async def _load(self, before: RunningConfig) -> RunningConfig | None:
        """The configuration as its file is now, put to work and all its files read; None if it has faults."""
        try:
            config = await asyncio.to_thread(self._file.load)
        except ConfigError:
            return None
        running = open_running_config(config, self._own, before)
        await asyncio.to_thread(running.refresh_files)
        return running

    async def _follow(self, running: RunningConfig) -> None:
        """Read what changes in the watched files, as long as this configuration is in force."""
        content: Config | None = running.config
        while running is self._in_force:
            await asyncio.sleep(1)
            await refresh_in_thread(self._file.refresh)
            await refresh_in_thread(running.refresh_files)
            if running is not self._in_force or self._lock.locked():
                continue  # a reload has put into force what was read, or is about to
            # Reload once per change: each reload that waits for the file system occupies a thread.
            changed = self._file.content is not content
            if self._auto_reload and self._file.faults:
                self._own.reload_ended(successful=False)
            elif changed and self._auto_reload:
                await self.reload()
            elif changed:
                message = "configuration changed and is not in force; reload it with SIGHUP or /-/reload"
                event(_log, logging.WARNING, message, file=printable(self._file.path))
            content = self._file.content

    def _watch(self, running: RunningConfig) -> None:
        log_watched(running)
        # A task of its own: the one before may wait for a file system that the new configuration does not use.
        self._run(self._follow(running))

    def _release(self, running: RunningConfig) -> None:
        self._users[running] -= 1
        if not self._users[running]:
            del self._users[running]
            self._run(running.close())

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)  # the event loop itself does not keep it
        task.add_done_callback(self._tasks.discard)
        return task
