"""The exporter at work, and its replacement by a reload."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from exporter.config import Config, ConfigError, Fault
from exporter.exporter import Exporter, Lasting, Opened, log_watched, open_exporter
from exporter.listener import allow_open_files
from exporter.logs import event

_log = logging.getLogger(__name__)

LOAD_SECONDS = 30.0
"""The longest that a start or a reload waits for the file system."""
MAX_FAULTS_LOGGED = 50
"""Faults that are logged one by one."""


@dataclass(slots=True)
class _Generation:
    opened: Opened
    leases: int = 0
    retired: bool = False


class Current:
    """Gives each request the exporter of the configuration in force, and keeps that one open until the request ends.

    `load` reads the configuration anew, or raises ConfigError. It may block: a reload calls it in a thread.
    """

    def __init__(self, config: Config, lasting: Lasting, load: Callable[[], Config]) -> None:
        self._lasting = lasting
        self._load = load
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[tuple[str, ...]] | None = None
        self._reloads: set[asyncio.Task[tuple[str, ...]]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._faults: tuple[str, ...] = ()
        allow_open_files(config.api.concurrency)
        self._generation = _Generation(open_exporter(config, lasting))
        lasting.process.config_loaded()

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the configuration that was tried last is not in force; empty where it is."""
        return self._faults

    @contextlib.contextmanager
    def lease(self) -> Iterator[Exporter]:
        """The exporter in force. Its connections stay open until the context ends, whatever is reloaded meanwhile."""
        generation = self._generation
        generation.leases += 1
        try:
            yield generation.opened.exporter
        finally:
            generation.leases -= 1
            self._close_unused(generation)

    async def start(self) -> None:
        """Look for the first time at what is to be watched."""
        exporter = self._generation.opened.exporter
        await exporter.watch.refresh(LOAD_SECONDS)
        log_watched(exporter)

    async def reload(self) -> tuple[str, ...]:
        """Put the configuration as it is now into force; what is wrong with it, if anything, changes nothing else.

        Reloads come one after the other. Those that are wanted while another is under way are done as one.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._reload_in_turn())
            self._reloads.add(self._next)
            self._next.add_done_callback(self._reloads.discard)
        return await asyncio.shield(self._next)

    async def _reload_in_turn(self) -> tuple[str, ...]:
        async with self._lock:
            self._next = None  # what is wanted from now on may be for a configuration that is newer than what is read
            return await self._reload()

    async def _reload(self) -> tuple[str, ...]:
        loading = asyncio.ensure_future(asyncio.to_thread(self._load))
        try:
            done, _ = await asyncio.wait((loading,), timeout=LOAD_SECONDS)
        finally:
            loading.cancel()  # where it is not over
        if not done:
            return self._rejected([Fault("the configuration", None, "", f"not read within {LOAD_SECONDS:g} s")])
        error = loading.exception()
        if isinstance(error, ConfigError):
            return self._rejected(error.faults)
        if error is not None:
            return self._met(error)
        config, before = loading.result(), self._generation
        try:
            opened = open_exporter(config, self._lasting, before.opened)
        except Exception as bug:  # noqa: BLE001 - it must not cost the configuration that works
            return self._met(bug)
        allow_open_files(config.api.concurrency)
        self._generation = _Generation(opened)
        before.retired = True
        self._close_unused(before)
        self._faults = ()
        self._lasting.process.config_loaded()
        event(_log, logging.INFO, "configuration reloaded")
        await self.start()
        return ()

    async def close(self) -> None:
        """Close all connections."""
        for reload in self._reloads:
            reload.cancel()
        await asyncio.gather(*self._reloads, return_exceptions=True)
        await asyncio.gather(*self._closing, self._generation.opened.transport.aclose())

    def _met(self, error: BaseException) -> tuple[str, ...]:
        _log.error("internal error", exc_info=error)
        what = f"{type(error).__name__} in the exporter; its log has more"
        return self._rejected([Fault("the configuration", None, "", what)])

    def _rejected(self, faults: Sequence[Fault]) -> tuple[str, ...]:
        self._faults = tuple(str(fault) for fault in faults)
        self._lasting.process.config_rejected()
        message = "configuration not reloaded; the one before it stays in force"
        for fault in self._faults[:MAX_FAULTS_LOGGED]:
            event(_log, logging.ERROR, message, fault=fault)
        if len(self._faults) > MAX_FAULTS_LOGGED:
            event(_log, logging.ERROR, f"{message}: more faults", more=len(self._faults) - MAX_FAULTS_LOGGED)
        return self._faults

    def _close_unused(self, generation: _Generation) -> None:
        if generation.retired and not generation.leases:
            closing = asyncio.get_running_loop().create_task(generation.opened.transport.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
