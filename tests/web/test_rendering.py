"""The time that is kept for rendering an answer."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from prometheus_client import Metric

from exporter.web.rendering import FIRST_GUESS, MAX_AT_ONCE, Rendering


class Slow:
    """A collector that takes its time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.collected = 0

    def collect(self) -> Iterator[Metric]:
        self.collected += 1
        time.sleep(self._seconds)
        return iter(())


def test_before_the_first_rendering_a_guess_is_kept() -> None:
    """Half as much again as a thousand tasks take."""
    assert Rendering().reserve(1000, 10) == pytest.approx(1.5 * 1000 * FIRST_GUESS)


def test_queries_keep_at_least_half_of_the_time() -> None:
    """A scrape of very many tasks would otherwise query none."""
    assert Rendering().reserve(10**6, 10) == 5


async def render(rendering: Rendering, seconds: float) -> None:
    await rendering.render((Slow(seconds),), 10, "", "")


@pytest.mark.anyio
async def test_a_slow_rendering_counts_at_once() -> None:
    """The next scrape leaves the time that this one took."""
    rendering = Rendering()
    await render(rendering, 0.2)
    assert rendering.reserve(10, 10) >= 1.5 * 0.2


@pytest.mark.anyio
async def test_a_quick_rendering_counts_little_by_little() -> None:
    """One that was quick by chance must not make the next answer late."""
    rendering = Rendering()
    await render(rendering, 0.2)
    slow = rendering.reserve(10, 10)
    await render(rendering, 0)
    assert rendering.reserve(10, 10) == pytest.approx(0.8 * slow)


@pytest.mark.anyio
async def test_the_same_answer_is_rendered_once() -> None:
    """Two hundred scrapers that wait for the same snapshot: each form of the answer costs its time a single time."""
    rendering, slow = Rendering(), Slow(0.2)
    forms = [("", ""), ("", "gzip"), ("text/plain", "identity"), ("application/openmetrics-text", "")]
    answers = await asyncio.gather(*(rendering.render((slow,), 10, *form) for form in forms * 50))
    assert slow.collected == 3
    assert len({answer.body for answer in answers}) == 3


@pytest.mark.anyio
async def test_nothing_rendered_is_kept() -> None:
    """Who asks later gets an answer of his own."""
    rendering, slow = Rendering(), Slow(0)
    for _ in range(3):
        await rendering.render((slow,), 10, "", "")
    assert slow.collected == 3


@pytest.mark.anyio
async def test_only_so_many_are_rendered_at_once() -> None:
    """The others wait: more at once would need more memory and end no sooner."""
    rendering = Rendering()
    running = most = 0

    class Counting:
        def collect(self) -> Iterator[Metric]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            time.sleep(0.05)
            running -= 1
            return iter(())

    await asyncio.gather(*(rendering.render((Counting(),), 1, "", "") for _ in range(20)))
    assert most == MAX_AT_ONCE


@pytest.mark.anyio
async def test_who_goes_away_takes_no_answer_along() -> None:
    """Another one waits for it as well."""
    rendering, slow = Rendering(), Slow(0.2)
    first, second = (asyncio.create_task(rendering.render((slow,), 10, "", "")) for _ in range(2))
    await asyncio.sleep(0.05)
    first.cancel()
    assert (await second).body == b""
    assert slow.collected == 1
