"""Threads for blocking calls: resolving a host name, reading a file, rendering."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import ParamSpec, TypeVar

from exporter.logs import event

_log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(ThreadPoolExecutor):
    """Runs each call in a daemon thread of its own.

    The standard pool joins its threads at exit, so a DNS server that does not answer would hold up the end of the
    process. It is a subclass because asyncio accepts nothing else as its default executor.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start the call at once."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it belongs to the caller, as in any executor
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as in the base class
        """Return at once; running calls end with the process."""


async def refresh_in_thread(refresh: Callable[[], None]) -> None:
    """Call a `refresh` and wait for it. Never raises; logs if the file system does not answer for 5 s."""
    refreshing = asyncio.create_task(asyncio.to_thread(refresh))
    _, slow = await asyncio.wait((refreshing,), timeout=5)
    if slow:
        event(_log, logging.WARNING, "file system does not answer, using the last known file contents")
        await asyncio.wait((refreshing,))
        event(_log, logging.INFO, "file system answers again")
    if error := refreshing.exception():  # a bug that one file triggers must not stop watching the others
        _log.error("internal error while reading a file", exc_info=error)
