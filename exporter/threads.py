"""Threads for blocking calls: resolving a host name, reading a file, rendering."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from exporter.logs import event

_log = logging.getLogger(__name__)


class ManyThreads(ThreadPoolExecutor):
    """Threads for which nothing waits at the end: the process ends with `os._exit`.

    There are so many that those which hang, because a DNS server does not answer for example, hold up no others.
    """

    def __init__(self) -> None:
        super().__init__(max_workers=100)

    def shutdown(self, *_: bool, **__: bool) -> None:
        """Return at once; running calls end with the process."""
        super().shutdown(wait=False)


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
