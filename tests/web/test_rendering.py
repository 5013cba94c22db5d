"""The time that is kept for rendering an answer."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from prometheus_client import Metric

from exporter.web.rendering import FIRST_GUESS, GUESS_PER_TASK, MAX_AT_ONCE, Rendering, RenderingTime


class Slow:
    """A collector that takes its time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.collected = 0

    def collect(self) -> Iterator[Metric]:
        self.collected += 1
        time.sleep(self._seconds)
        return iter(())


TIMEOUT = 9.5
MANY = 5000


def settled(seconds: float, tasks: int) -> RenderingTime:
    """After twenty answers with so many tasks that took so long each."""
    learnt = RenderingTime()
    for _ in range(20):
        learnt.learn(seconds, tasks)
    return learnt


@pytest.mark.parametrize("tasks", [0, 1, 1000, MANY])
def test_before_the_first_answer_a_guess_is_kept(tasks: int) -> None:
    """Half as much again as it takes, and a small part of the scrape's time; discovery may still find the tasks."""
    reserved = RenderingTime().reserve(tasks, TIMEOUT)
    assert reserved == pytest.approx(1.5 * (FIRST_GUESS + tasks * GUESS_PER_TASK))
    assert 0.02 < reserved < 0.1 * TIMEOUT


def test_queries_keep_at_least_half_of_the_time() -> None:
    """A scrape of very many tasks would otherwise query none."""
    assert RenderingTime().reserve(10**6, 10) == 5
    assert settled(8, 10).reserve(10, 10) == 5


@pytest.mark.parametrize("seconds", [0.0002, 0.0025, 0.05])
def test_thousands_of_tasks_after_a_single_one_take_little_from_queries(seconds: float) -> None:
    """After a reload or a discovery: the time that the one took in any case is not multiplied."""
    reserved = settled(seconds, 1).reserve(MANY, TIMEOUT)
    assert MANY * GUESS_PER_TASK < reserved < 0.1 * TIMEOUT


@pytest.mark.parametrize(("seconds", "tasks"), [(0.001, 1), (0.1, MANY), (3.0, MANY)])
def test_a_steady_answer_has_its_time(seconds: float, tasks: int) -> None:
    """Half as much again as it takes, however slow the machine is, and no more than that."""
    assert settled(seconds, tasks).reserve(tasks, TIMEOUT) == pytest.approx(1.5 * seconds)


def test_a_slow_answer_counts_at_once() -> None:
    """The next scrape leaves the time that this one took, also where there were quick ones before."""
    learnt = settled(0.1, MANY)
    learnt.learn(3, MANY)
    assert learnt.reserve(MANY, TIMEOUT) == pytest.approx(1.5 * 3)


def test_a_quick_answer_counts_little_by_little() -> None:
    """One that was quick by chance must not make the next one late; a machine that has become quick is believed."""
    learnt = settled(3, MANY)
    learnt.learn(0.1, MANY)
    assert learnt.reserve(MANY, TIMEOUT) == pytest.approx(1.5 * 0.8 * 3)
    for _ in range(10):
        learnt.learn(0.1, MANY)
    assert learnt.reserve(MANY, TIMEOUT) < 0.05 * TIMEOUT


def test_a_machine_that_stood_still_is_forgotten() -> None:
    """However long it was, which says nothing of the next answer."""
    learnt = settled(0.1, MANY)
    learnt.learn(3600, MANY)
    for _ in range(15):
        learnt.learn(0.1, MANY)
    assert learnt.reserve(MANY, TIMEOUT) < 0.1 * TIMEOUT


def test_fewer_tasks_have_their_time_at_least() -> None:
    """What many took is kept for a while, and forgotten."""
    learnt = settled(0.1, MANY)
    assert learnt.reserve(1, TIMEOUT) == pytest.approx(1.5 * 0.1)
    for _ in range(20):
        learnt.learn(0.001, 1)
    assert learnt.reserve(1, TIMEOUT) < 0.01


def test_an_answer_without_tasks_says_nothing() -> None:
    """Prometheus may ask for the exporter's own metrics apart, as often as for the tasks."""
    learnt = settled(0.1, MANY)
    for seconds in (0.0, 5.0):
        learnt.learn(seconds, 0)
    assert learnt.reserve(MANY, TIMEOUT) == pytest.approx(1.5 * 0.1)


@pytest.mark.anyio
async def test_what_rendering_took_is_learnt() -> None:
    """The next scrape leaves half as much again."""
    rendering = Rendering()
    await rendering.render((Slow(0.2),), 10, "", "")
    assert rendering.reserve(10, 10) >= 1.5 * 0.2


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
