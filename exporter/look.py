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
        """Look; within `seconds`, and at once while an earlier look still hangs."""
        self._end()  # one that took longer than anybody waited
        patience = 0 if self._looking is not None and self._hung else seconds
        if self._looking is None:
            self._looking = asyncio.ensure_future(asyncio.to_thread(self._look))
        looking = self._looking
        await asyncio.wait((looking,), timeout=patience)
        if looking.done() is self._hung:
            self._tell(hung=not looking.done())
        self._end()

    def _end(self) -> None:
        """Where the look is over, the next one may begin."""
        if self._looking is not None and self._looking.done():
            ended, self._looking = self._looking, None
            if not ended.cancelled() and (error := ended.exception()) is not None:
                # A bug met in one file must not cost the scrape.
                _log.error("internal error", exc_info=error, extra={"fields": {"looking_at": self._what}})

    def _tell(self, *, hung: bool) -> None:
        self._hung = hung
        message = (
            "cannot be looked at in time; what was known of them stays in use" if hung else "can be looked at again"
        )
        event(_log, logging.WARNING if hung else logging.INFO, f"{self._what} {message}")
