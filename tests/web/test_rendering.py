"""The time that is kept for rendering an answer."""

import time
from collections.abc import Iterator

import pytest
from prometheus_client import Metric

from exporter.web.rendering import FIRST_GUESS, Rendering


class Slow:
    """A collector that takes its time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def collect(self) -> Iterator[Metric]:
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
