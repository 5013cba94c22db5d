"""Rendering an answer to a scrape, and the time to keep for it before the deadline."""

import asyncio
import time
from collections.abc import Sequence

from prometheus_client.registry import Collector

from exporter.metrics import Exposition, accepts_gzip, expose, prefers_openmetrics

FIRST_GUESS = 0.02
"""Seconds for an answer, until one has been measured: what does not depend on the number of tasks, on a cold start."""
GUESS_PER_TASK = 0.00005
"""Seconds for each task that the answer measured last did not have; three times what a task with ten items takes."""
MAX_SECONDS = 10.0
"""What took longer stood still meanwhile, as a machine that is paused does, and tells nothing of the next answer."""
MAX_AT_ONCE = 4
"""Each takes the time and the memory of a whole answer."""


class RenderingTime:
    """The time to keep for an answer, by what the answers before it took. Pure.

    It is learnt for whole answers: what one takes in any case, divided by few tasks, would be much for each of many.
    """

    def __init__(self) -> None:
        self._seconds = FIRST_GUESS
        self._tasks = 0

    def reserve(self, tasks: int, timeout: float) -> float:
        """Seconds of a scrape's time that queries must leave: half as much again as expected, at most half."""
        more = max(0, tasks - self._tasks)
        return min(1.5 * (self._seconds + more * GUESS_PER_TASK), timeout / 2)

    def learn(self, seconds: float, tasks: int) -> None:
        """An answer with so many tasks took so long. One without any says nothing of those with tasks."""
        if tasks:
            # A slow one counts at once, a quick one little by little: a late answer is lost, an early one is not.
            self._seconds = max(min(seconds, MAX_SECONDS), 0.8 * self._seconds)
            self._tasks = tasks


class Rendering:
    """Renders in threads, so that health checks and signals are answered meanwhile, and knows how long it takes."""

    def __init__(self) -> None:
        self._time = RenderingTime()
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)
        self._under_way: dict[object, asyncio.Task[Exposition]] = {}

    def reserve(self, tasks: int, timeout: float) -> float:
        """See `RenderingTime.reserve`."""
        return self._time.reserve(tasks, timeout)

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
        self._time.learn(time.monotonic() - began, tasks)
        return exposition
