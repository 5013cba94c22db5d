"""A query is over by its deadline, within its own timeout, and among no more than so many others."""

import asyncio
import itertools
import random

import httpx
import pytest

from exporter.ninedata import Precheck
from tests.ninedata.fake_api import PASSED, Answer, Body, FakeApi, after, failure_of, never, now, outcome_of, reply

pytestmark = pytest.mark.anyio


def drip() -> Answer:
    """A body that goes on for ever, a byte a second."""
    return reply(Body(itertools.repeat(b" "), seconds=1))


@pytest.mark.parametrize("answer", [never, drip(), after(60)], ids=["no answer", "endless answer", "slow answer"])
@pytest.mark.parametrize(
    ("request_timeout", "within", "failure"),
    [
        (5, 10, ("timeout", "no complete answer within 5 s")),
        (0.25, 10, ("timeout", "no complete answer within 0.25 s")),
        (5, 2, ("deadline", "no complete answer within the scrape's time")),
        (5, 0.001, ("deadline", "no complete answer within the scrape's time")),
    ],
)
async def test_an_answer_that_takes_too_long_is_not_waited_for(
    api: FakeApi, answer: Answer, request_timeout: float, within: float, failure: tuple[str, str]
) -> None:
    """Whichever comes first: the request's own timeout, or the scrape's deadline."""
    began = now()
    api.answers(answer)
    error = await failure_of(api.query(client=api.client(request_timeout=request_timeout), within=within))
    assert (error.reason, error.message, error.sent) == (*failure, True)
    assert now() - began == pytest.approx(min(request_timeout, within))


async def test_an_answer_in_time_is_taken_however_slow(api: FakeApi) -> None:
    """Head and body together have the timeout."""
    body = Body([b'{"success": true,', b' "data": {"status":', b' "Success"}}'], seconds=1)
    assert isinstance(await api.query(after(1.9, reply(body))), Precheck)


@pytest.mark.parametrize("within", [0.0, -1.0, -1e9])
async def test_nothing_is_sent_after_the_deadline(api: FakeApi, within: float) -> None:
    """The task was not asked about: it may go first next time."""
    error = await failure_of(api.query(within=within))
    assert (error.reason, error.sent) == ("deadline", False)
    assert error.message == "the scrape's time was up before this task's turn; nothing was sent"
    assert api.requests == []


@pytest.mark.parametrize("concurrency", [1, 3, 32])
async def test_no_more_requests_than_allowed_are_in_flight(api: FakeApi, concurrency: int) -> None:
    """And all of them are used."""
    client = api.client(concurrency=concurrency)
    api.answers(then=after(1))
    outcomes = await asyncio.gather(*(api.query(client=client, within=200) for _ in range(100)))
    assert len(outcomes) == 100
    assert api.most_in_flight == concurrency
    assert api.arrivals[-1] == -(-100 // concurrency) - 1


async def test_a_query_that_finds_no_slot_ends_with_its_deadline(api: FakeApi) -> None:
    """Nothing is sent for it, and its own deadline counts, not the one of those that have the slots."""
    client = api.client(concurrency=1, request_timeout=60)
    api.answers(never)
    hanging = asyncio.create_task(outcome_of(api.query(client=client, within=30)))
    await asyncio.sleep(1)
    began = now()
    error = await failure_of(api.query(client=client, within=2))
    assert (error.reason, error.sent) == ("deadline", False)
    assert now() - began == pytest.approx(2)
    assert len(api.requests) == 1
    assert not hanging.done()
    await hanging


async def test_the_time_in_the_queue_is_not_the_request_s_own(api: FakeApi) -> None:
    """The timeout of a request begins when it leaves."""
    client = api.client(concurrency=1, request_timeout=3)
    api.answers(then=after(2))
    outcomes = await asyncio.gather(*(api.query(client=client, within=100) for _ in range(5)))
    assert len(outcomes) == 5


@pytest.mark.parametrize("seed", range(10))
async def test_slots_are_given_back_whatever_becomes_of_a_query(api: FakeApi, seed: int) -> None:
    """After hundreds that were answered, failed, timed out, came too late or were cancelled, all are free."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable muddle
    client = api.client(concurrency=3, request_timeout=2)

    async def muddle(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(chance.choice([0, 0.5, 1, 2, 3]))
        return chance.choice([reply(), reply(), reply(b"", 503), reply(b"{"), reply(b"", 401)])

    async def query() -> None:
        await asyncio.sleep(chance.uniform(0, 30))
        asking = asyncio.create_task(outcome_of(api.query(client=client, within=chance.choice([0, 1, 3, 9]))))
        if chance.random() < 0.3:
            await asyncio.sleep(chance.choice([0, 0.5, 1, 2]))
            asking.cancel()
        await asyncio.wait([asking])

    api.answers(then=muddle)
    await asyncio.gather(*(query() for _ in range(200)))
    assert api.in_flight == 0
    assert len(api.books.sent) == len(api.books.ended) == len(api.requests)
    assert api.most_in_flight == 3

    api.answers(then=after(1))
    began = now()
    await asyncio.gather(*(api.query(client=client) for _ in range(3)))
    assert now() - began == pytest.approx(1)


@pytest.mark.parametrize(
    "status_and_content", [(200, b""), (200, b"{"), (302, b""), (401, b"no"), (429, b"wait"), (503, b"busy")]
)
async def test_every_answer_is_closed(api: FakeApi, status_and_content: tuple[int, bytes]) -> None:
    """Or its connection would be lost to the pool."""
    status, content = status_and_content
    body = Body([content])
    await failure_of(api.query(reply(body, status), within=0.1))
    assert body.closed


async def test_an_answer_that_was_understood_is_closed(api: FakeApi) -> None:
    """Its connection goes back to the pool."""
    body = Body([b'{"success": true, ', b'"data": {}}'])
    await api.query(reply(body))
    assert body.closed


async def test_an_answer_that_is_given_up_is_closed(api: FakeApi) -> None:
    """By a timeout in the middle of it, or by a scraper that went away."""
    body = Body(itertools.repeat(b" "), seconds=1)
    await failure_of(api.query(reply(body)))
    assert body.closed

    body = Body(itertools.repeat(b" "), seconds=1)
    asking = asyncio.create_task(api.query(reply(body)))
    await asyncio.sleep(2.5)
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
    assert body.closed


async def test_tasks_do_not_affect_each_other(api: FakeApi) -> None:
    """One that hangs, one that is refused, one that is lost: the others are answered."""
    client = api.client()
    api.answers(never, reply(b"", 401), ConnectionResetError(), reply(b"{"), then=reply(PASSED))
    outcomes = await asyncio.gather(*(outcome_of(api.query(client=client, within=3)) for _ in range(8)))
    assert [getattr(outcome, "reason", "") for outcome in outcomes] == ["deadline", "auth", "", "invalid_response"] + [
        ""
    ] * 4
