"""The sandbox's clock, which can be made to run ahead or behind."""

import time
from collections.abc import Callable
from email.utils import formatdate


class Clock:
    """Seconds since the epoch, twice: as the API's server tells them, and as prechecks elapse by them.

    A skew moves the first alone, so that it shows in headers and signatures and never makes a precheck jump.
    """

    def __init__(self, source: Callable[[], float] = time.time) -> None:
        self._source = source
        self._dated: tuple[int, str] = (-1, "")
        self.skew_seconds = 0.0

    def elapsing(self) -> float:
        """The true time."""
        return self._source()

    def server(self) -> float:
        """The time as the API's server has it."""
        return self._source() + self.skew_seconds

    def http_date(self) -> str:
        """The server's time for a Date header; made once a second, for it costs more than the rest of a head."""
        second = int(self.server())
        if self._dated[0] != second:
            self._dated = second, formatdate(second, usegmt=True)
        return self._dated[1]
