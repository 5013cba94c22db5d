"""Looks at files, which a file system that hangs must not hold up."""

import asyncio
import logging
from collections.abc import Callable

from exporter.logs import event

_log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""The longest that a scrape waits for the file system."""


class Look:
    """Calls `look`, which blocks, in a thread: one call at a time, each waited for only so long.

    `what` names the files in the log, in the plural.
    """

    def __init__(self, look: Callable[[], object], what: str) -> None:
        self._look = look
        self._what = what
        self._looking: asyncio.Future[object] | None = None
        self._hung = False

    async def refresh(self, seconds: float = LOOK_SECONDS) -> None:
        """Look; within `seconds`, and LOOK_SECONDS, and at once while an earlier look still hangs."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._look))
        done, _ = await asyncio.wait((self._looking,), timeout=0 if self._hung else min(seconds, LOOK_SECONDS))
        if bool(done) is self._hung:
            self._tell_hung(hung=not done)
        if self._looking is not None and self._looking.done():
            looked, self._looking = self._looking, None
            looked.result()

    def _tell_hung(self, *, hung: bool) -> None:
        self._hung = hung
        if hung:
            message = f"{self._what} cannot be looked at in time; what was known of them stays in use"
            event(_log, logging.WARNING, message)
        else:
            event(_log, logging.INFO, f"{self._what} can be looked at again")
