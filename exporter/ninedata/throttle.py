"""How fast requests may leave: the configured rate, and the pause that the API itself asks for."""

import asyncio

from exporter.ninedata.failures import QueryError, Reason

MAX_HOLD_SECONDS = 300.0
"""The longest pause that an answer can impose: a wrong Retry-After must not blind the exporter for days."""
DEFAULT_HOLD_SECONDS = 5.0
"""The pause after a 429 that names none."""


class Throttle:
    """Spaces requests evenly at `rate` per second (0: no limit), and sends none while the API wants a pause."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate if rate > 0 else 0.0
        self._next = 0.0
        self._waiting = 0
        self._turns = asyncio.Lock()
        self._held_until = 0.0

    def hold(self, seconds: float) -> None:
        """Send no more requests for that long (bounded)."""
        until = asyncio.get_running_loop().time() + min(max(seconds, 0.0), MAX_HOLD_SECONDS)
        self._held_until = max(self._held_until, until)

    @property
    def held_seconds(self) -> float:
        """How long the pause lasts that the API wants; 0 where it wants none."""
        return max(self._held_until - asyncio.get_running_loop().time(), 0.0)

    async def pass_through(self, deadline: float) -> None:
        """Wait for this request's turn.

        Raises QueryError `rate_limited` at once where the turn would come at or after `deadline` (of the running
        loop's clock), or while the API wants a pause.
        """
        clock = asyncio.get_running_loop().time
        self._refuse_while_held(clock())
        if not self._interval:
            return
        if max(clock(), self._next) + self._waiting * self._interval >= deadline:
            raise QueryError(
                Reason.RATE_LIMITED,
                "api.rate_limit leaves no time for this task within the scrape's deadline",
                sent=False,
            )
        self._waiting += 1
        try:
            # A turn is taken when it comes and not before: whoever goes away while waiting takes none along.
            async with self._turns:
                await asyncio.sleep(max(self._next - clock(), 0))
                self._refuse_while_held(clock())
                self._next = max(clock(), self._next) + self._interval
        finally:
            self._waiting -= 1

    def _refuse_while_held(self, now: float) -> None:
        if now < self._held_until:
            rest = self._held_until - now
            raise QueryError(
                Reason.RATE_LIMITED,
                f"the API answered 429 and wants no request for another {rest:.0f} s",
                sent=False,
            )
