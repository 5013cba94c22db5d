"""Rendering an answer to a scrape, and the time to keep for it before the deadline."""

import asyncio
import time
from collections.abc import Sequence

from prometheus_client.registry import Collector

from exporter.metrics import Exposition, accepts_gzip, expose, prefers_openmetrics

FIRST_GUESS = 0.0001
"""Seconds per task, until the first rendering has been measured."""
MAX_AT_ONCE = 4
"""Each takes the time and the memory of a whole answer."""


class Rendering:
    """Renders in threads, so that health checks and signals are answered meanwhile, and knows how long it takes."""

    def __init__(self) -> None:
        self._per_task = FIRST_GUESS
        self._measured = False
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)
        self._under_way: dict[object, asyncio.Task[Exposition]] = {}

    def reserve(self, tasks: int, timeout: float) -> float:
        """Seconds of a scrape's time that queries must leave: half as much again as it took lately, at most half."""
        return min(1.5 * self._per_task * tasks, timeout / 2)

    async def render(
        self, collectors: Sequence[Collector], tasks: int, accept: str, accept_encoding: str
    ) -> Exposition:
        """The answer, rendered as the scraper's headers ask for; one that is being rendered already is shared."""
        key = (*collectors, prefers_openmetrics(accept), accepts_gzip(accept_encoding))
        work = self._under_way.get(key)
        if work is None:
            work = asyncio.create_task(self._render(collectors, tasks, accept, accept_encoding))
            self._under_way[key] = work
            work.add_done_callback(lambda _: self._under_way.pop(key))
        return await asyncio.shield(work)

    async def _render(
        self, collectors: Sequence[Collector], tasks: int, accept: str, accept_encoding: str
    ) -> Exposition:
        async with self._turns:
            began = time.monotonic()
            exposition = await asyncio.to_thread(expose, collectors, accept, accept_encoding)
        if tasks:
            # A slow one counts at once, a quick one little by little: a late answer is lost, an early one is not.
            least = 0.8 * self._per_task if self._measured else 0.0
            self._per_task = max((time.monotonic() - began) / tasks, least)
            self._measured = True
        return exposition
