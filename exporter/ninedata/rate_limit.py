"""When the next request may leave: the configured rate, and the pause that the API asked for."""

import asyncio

from exporter.ninedata.failures import QueryError, Reason


class RateLimit:
    """Spaces requests evenly at `rate` per second (0: no limit), and refuses them while the API wants a pause."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate if rate > 0 else 0.0
        self._next_turn = 0.0
        self._turns = asyncio.Lock()
        self._held_until = 0.0

    def hold(self, seconds: float) -> None:
        """Refuse requests for that long; a longer pause that is running stays."""
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)

    @property
    def held_seconds(self) -> float:
        """How much of the pause is left."""
        return max(self._held_until - asyncio.get_running_loop().time(), 0.0)

    async def turn(self) -> None:
        """Wait for this request's turn. Raises QueryError `rate_limited` during a pause."""
        self._refuse_while_held()
        if not self._interval:
            return
        async with self._turns:
            clock = asyncio.get_running_loop().time
            await asyncio.sleep(max(self._next_turn - clock(), 0))
            self._refuse_while_held()
            self._next_turn = max(clock(), self._next_turn) + self._interval

    def _refuse_while_held(self) -> None:
        if self._held_until and (seconds := self.held_seconds):
            message = f"the API answered 429 and wants no request for another {seconds:.0f} s"
            raise QueryError(Reason.RATE_LIMITED, message, sent=False)
