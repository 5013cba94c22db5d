"""When requests leave: the configured rate, and the pause after a 429."""

import asyncio

import pytest

from exporter.ninedata import Precheck, QueryError
from exporter.ninedata.rate_limit import RateLimit
from tests.ninedata.fake_api import TASK, FakeApi, after, at_deadline, failure_of, never, now, reply

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("rate", "turns"), [(4, [0, 0.25, 0.5]), (0.1, [0, 10, 20]), (0, [0, 0, 0])])
async def test_turns_come_evenly_and_in_order(rate: float, turns: list[float]) -> None:
    """Per second, fractions allowed, 0 for no limit."""
    limit, began = RateLimit(rate), now()
    came: list[tuple[int, float]] = []

    async def wait(number: int) -> None:
        await limit.turn()
        came.append((number, round(now() - began, 6)))

    await asyncio.gather(*(wait(number) for number in range(3)))
    assert came == list(enumerate(turns))


async def test_unused_turns_are_not_saved_up() -> None:
    """There is no burst after a quiet minute."""
    limit = RateLimit(2)
    await limit.turn()
    await asyncio.sleep(60)
    began = now()
    await asyncio.gather(*(limit.turn() for _ in range(3)))
    assert now() - began == pytest.approx(1)


async def test_a_cancelled_request_takes_no_turn() -> None:
    """The next one has it."""
    limit, began = RateLimit(1), now()
    await limit.turn()
    waiting = [asyncio.create_task(limit.turn()) for _ in range(20)]
    await asyncio.sleep(0.5)
    for task in waiting[:-1]:
        task.cancel()
    await waiting[-1]
    assert now() - began == pytest.approx(1)


async def test_during_a_pause_requests_are_refused_at_once() -> None:
    """With the time that is left; a shorter pause does not end a longer one."""
    limit = RateLimit(1)
    limit.hold(60)
    limit.hold(3)
    await asyncio.sleep(20)
    error = await failure_of(limit.turn())
    assert (error.reason, error.sent) == ("rate_limited", False)
    assert error.message == "the API answered 429 and wants no request for another 40 s"
    await asyncio.sleep(limit.held_seconds)
    await limit.turn()


async def test_after_a_429_nothing_leaves_until_retry_after(api: FakeApi) -> None:
    """Neither the tasks that are left, nor those that waited for a slot or a turn."""
    client = api.client(concurrency=3, rate_limit=2)
    api.answers(after(0.75, reply(b"", 429, retry_after="60")), after(2), then=reply())
    outcomes = await asyncio.gather(*(at_deadline(client, 30) for _ in range(10)))
    assert len(api.requests) == 2
    assert isinstance(outcomes[1], Precheck)
    assert [outcome.sent for outcome in outcomes if isinstance(outcome, QueryError)] == [True, *[False] * 8]
    await asyncio.sleep(client.rate_limit.held_seconds)
    await client.query_precheck(TASK)
    assert api.arrivals == [0, 0.5, 60.75]


async def test_a_query_whose_turn_does_not_come_before_the_deadline_is_rate_limited(api: FakeApi) -> None:
    """Nothing was sent for it, and those that hang hold up no turns."""
    client = api.client(rate_limit=1, request_timeout=30)
    api.answers(never, then=reply())
    outcomes = await asyncio.gather(*(at_deadline(client, 2.5) for _ in range(5)))
    assert [(getattr(outcome, "reason", None), getattr(outcome, "sent", None)) for outcome in outcomes] == [
        ("deadline", True),
        (None, None),
        (None, None),
        ("rate_limited", False),
        ("rate_limited", False),
    ]
    assert api.arrivals == [0, 1, 2]
