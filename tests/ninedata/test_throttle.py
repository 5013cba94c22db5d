"""The throttle: whose turn it is, and who is sent away."""

import asyncio

import pytest

from exporter.ninedata import QueryError
from exporter.ninedata.throttle import Throttle
from tests.ninedata.fake_api import now

pytestmark = pytest.mark.anyio


async def may_pass(throttle: Throttle, within: float = 1000.0) -> bool:
    try:
        await throttle.pass_through(now() + within)
    except QueryError:
        return False
    return True


async def test_without_a_rate_everybody_passes_at_once() -> None:
    """Even where no time is left: that is for others to judge."""
    throttle = Throttle(0)
    began = now()
    assert all([await may_pass(throttle, within=-1) for _ in range(100)])
    assert now() == began


async def test_turns_are_given_in_the_order_of_asking() -> None:
    """Nobody is overtaken."""
    throttle = Throttle(0.5)
    passed: list[tuple[int, float]] = []
    began = now()

    async def ask(number: int) -> None:
        await may_pass(throttle)
        passed.append((number, now() - began))

    await asyncio.gather(*(ask(number) for number in range(4)))
    assert passed == [(0, 0), (1, pytest.approx(2)), (2, pytest.approx(4)), (3, pytest.approx(6))]


async def test_a_turn_at_the_deadline_is_too_late() -> None:
    """No time would be left for the request."""
    throttle = Throttle(1)
    assert await may_pass(throttle)
    assert not await may_pass(throttle, within=1)
    assert await may_pass(throttle, within=1.001)


async def test_who_is_sent_away_has_sent_nothing() -> None:
    """For want of time, or because the API wants a pause."""
    throttle = Throttle(1)
    await throttle.pass_through(now() + 1)
    with pytest.raises(QueryError) as too_late:
        await throttle.pass_through(now() + 0.5)
    throttle.hold(60)
    with pytest.raises(QueryError) as paused:
        await throttle.pass_through(now() + 100)
    for error in (too_late.value, paused.value):
        assert (error.reason, error.sent) == ("rate_limited", False)


async def test_who_goes_away_while_waiting_takes_no_turn_along() -> None:
    """The next one has it."""
    throttle = Throttle(1)
    began = now()
    await may_pass(throttle)
    waiting = [asyncio.create_task(may_pass(throttle)) for _ in range(2)]
    await asyncio.sleep(0.5)
    waiting[0].cancel()
    assert await waiting[1]
    assert now() - began == pytest.approx(1)


@pytest.mark.parametrize(("seconds", "held"), [(-5, 0), (0, 0), (3, 3), (300, 300), (301, 300), (1e12, 300)])
async def test_a_pause_is_never_longer_than_five_minutes(seconds: float, held: float) -> None:
    """A wrong wish must not blind the exporter for days."""
    throttle = Throttle(0)
    throttle.hold(seconds)
    passing = []
    for _ in range(320):
        passing.append(await may_pass(throttle))
        await asyncio.sleep(1)
    assert passing.index(True) == held
    assert passing.count(True) == 320 - held


async def test_a_pause_does_not_move_the_turns() -> None:
    """After it requests leave evenly again."""
    throttle = Throttle(1)
    throttle.hold(10)
    assert not await may_pass(throttle)
    await asyncio.sleep(10)
    began = now()
    assert await may_pass(throttle)
    assert await may_pass(throttle)
    assert now() - began == pytest.approx(1)
