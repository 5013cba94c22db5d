"""How fast requests leave: the configured rate, and the pause that the API wants."""

import asyncio

import httpx
import pytest

from exporter.ninedata import Precheck, QueryError
from exporter.ninedata.client import NineDataClient
from tests.ninedata.fake_api import FakeApi, after, failure_of, never, now, outcome_of, reply

pytestmark = pytest.mark.anyio


async def hold_after(api: FakeApi, answer: httpx.Response) -> float:
    """The seconds after this answer in which no request leaves, found by asking every half second."""
    client = api.client()
    api.answers(answer, reply())
    await failure_of(api.query(client=client))
    while not isinstance(await outcome_of(api.query(client=client)), Precheck):
        assert len(api.requests) == 1
        await asyncio.sleep(0.5)
    return api.arrivals[1]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        # seconds
        ({"retry_after": "7"}, 7),
        ({"retry_after": " 7 "}, 7),
        ({"retry_after": "0"}, 0),
        ({"retry_after": "007"}, 7),
        # a date, by the server's clock or else by ours, which says 2026-01-02T03:04:05Z
        ({"retry_after": "Fri, 02 Jan 2026 03:04:35 GMT"}, 30),
        ({"retry_after": "Fri, 02 Jan 2026 05:04:35 GMT", "date": "Fri, 02 Jan 2026 05:04:15 GMT"}, 20),
        ({"retry_after": "Friday, 02-Jan-26 03:04:35 GMT"}, 30),
        ({"retry_after": "Fri Jan  2 03:04:35 2026"}, 30),
        ({"retry_after": "Fri, 02 Jan 2026 11:04:35 +0800"}, 30),
        ({"retry_after": "Fri, 02 Jan 2026 03:04:35 GMT", "date": "yesterday"}, 30),
        ({"retry_after": "Thu, 01 Jan 2026 00:00:00 GMT"}, 1),
        # nothing that says how long
        ({}, 5),
        ({"retry_after": ""}, 5),
        ({"retry_after": "soon"}, 5),
        ({"retry_after": "-3"}, 5),
        ({"retry_after": "1.5"}, 5),
        ({"retry_after": "²"}, 5),
        ({"retry_after": "Fri, 99 Jan 2026 03:04:35 GMT"}, 5),
        ({"retry_after": "Fri, 02 Jan 2026 03:04:35 +9999"}, 5),
        # so long that it can only be wrong
        ({"retry_after": "86400"}, 300),
        ({"retry_after": "9" * 400}, 300),
        ({"retry_after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 300),
    ],
    ids=str,
)
async def test_after_a_429_no_request_leaves_until_retry_after(
    api: FakeApi, headers: dict[str, str], seconds: float
) -> None:
    """Seconds or a date; five seconds where it does not say, never more than five minutes."""
    assert await hold_after(api, reply(b"", 429, **headers)) == seconds


async def test_after_a_refusal_in_the_api_s_own_words_no_request_leaves_for_a_while(api: FakeApi) -> None:
    """Which HTTP status the API gives then is undocumented; its code says what is meant."""
    assert await hold_after(api, reply({"success": False, "errorCode": "TOO_MANY_REQUESTS", "message": "wait"})) == 5


@pytest.mark.parametrize("message", ["too many requests", "table crm.rate_limits does not exist"])
async def test_words_in_a_message_stop_no_other_task(api: FakeApi, message: str) -> None:
    """They may be about anything that this task compares."""
    assert await hold_after(api, reply({"success": False, "errorCode": "E1", "message": message})) == 0


@pytest.mark.parametrize(
    ("retry_after", "announced"), [("7", "7 s"), ("0", "0 s"), ("999999999999", "300 s"), ("soon", "5 s")]
)
async def test_the_query_that_met_the_429_says_so(api: FakeApi, retry_after: str, announced: str) -> None:
    """And how long the pause will be."""
    error = await failure_of(api.query(reply(b"", 429, retry_after=retry_after)))
    assert (error.reason, error.sent) == ("rate_limited", True)
    assert error.message == f"HTTP 429: the API wants fewer requests; none for {announced}"


async def test_the_tasks_left_over_are_rate_limited_at_once(api: FakeApi) -> None:
    """They neither wait nor leave, and say how long the pause still is."""
    client = api.client()
    api.answers(reply(b"", 429, retry_after="60"))
    await failure_of(api.query(client=client))
    await asyncio.sleep(20)
    began = now()
    error = await failure_of(api.query(client=client, within=1000))
    assert (error.reason, error.sent) == ("rate_limited", False)
    assert error.message == "the API answered 429 and wants no request for another 40 s"
    assert now() == began


async def test_requests_that_wait_for_a_slot_do_not_leave_after_a_429(api: FakeApi) -> None:
    """All that is left of a scrape ends at once, and nothing was sent for it."""
    client = api.client(concurrency=2)
    api.answers(after(1, reply(b"", 429, retry_after="60")), after(2))
    outcomes = await asyncio.gather(*(outcome_of(api.query(client=client)) for _ in range(10)))
    assert len(api.requests) == 2
    assert isinstance(outcomes[1], Precheck)
    assert [outcome.sent for outcome in outcomes if not isinstance(outcome, Precheck)] == [True] + 8 * [False]


async def test_requests_that_wait_for_their_turn_do_not_leave_after_a_429(api: FakeApi) -> None:
    """With a configured rate as well."""
    client = api.client(rate_limit=1)
    api.answers(after(0.5, reply(b"", 429, retry_after="60")))
    outcomes = await asyncio.gather(*(failure_of(api.query(client=client)) for _ in range(5)))
    assert len(api.requests) == 1
    assert {outcome.reason for outcome in outcomes} == {"rate_limited"}


async def test_a_shorter_pause_does_not_end_a_longer_one(api: FakeApi) -> None:
    """Two requests may meet a 429 each."""
    client = api.client()
    api.answers(after(1, reply(b"", 429, retry_after="60")), after(2, reply(b"", 429, retry_after="3")))
    await asyncio.gather(*(failure_of(api.query(client=client)) for _ in range(2)))
    await asyncio.sleep(50)
    assert (await failure_of(api.query(client=client))).sent is False


async def test_one_client_s_pause_is_not_another_s(api: FakeApi) -> None:
    """A reload, which makes a new client, starts afresh."""
    api.answers(reply(b"", 429), reply())
    await failure_of(api.query())
    await api.query()


Outcome = Precheck | QueryError


async def ask_at_once(client: NineDataClient, api: FakeApi, count: int, within: float = 100.0) -> list[Outcome]:
    return await asyncio.gather(*(outcome_of(api.query(client=client, within=within)) for _ in range(count)))


@pytest.mark.parametrize(
    ("rate", "arrivals"),
    [
        (4, [0, 0.25, 0.5, 0.75, 1.0]),
        (1, [0, 1, 2, 3, 4]),
        (0.5, [0, 2, 4, 6, 8]),
        (0.1, [0, 10, 20, 30, 40]),
        (0, [0, 0, 0, 0, 0]),
        (1000, [0, 0.001, 0.002, 0.003, 0.004]),
    ],
)
async def test_requests_leave_evenly_at_the_configured_rate(api: FakeApi, rate: float, arrivals: list[float]) -> None:
    """Per second, fractions allowed, 0 for none."""
    await ask_at_once(api.client(rate_limit=rate), api, 5)
    assert api.arrivals == pytest.approx(arrivals)


async def test_time_unused_is_not_saved_up(api: FakeApi) -> None:
    """There is no burst after a quiet minute."""
    client = api.client(rate_limit=2)
    await ask_at_once(client, api, 2)
    await asyncio.sleep(59.5)
    await ask_at_once(client, api, 3)
    assert api.arrivals == pytest.approx([0, 0.5, 60, 60.5, 61])


async def test_retries_count_too(api: FakeApi) -> None:
    """They are requests like any other."""
    api.answers(reply(b"", 503), reply())
    await api.query(client=api.client(rate_limit=1))
    assert api.arrivals == pytest.approx([0, 1])


async def test_tasks_whose_turn_comes_too_late_are_rate_limited_at_once(api: FakeApi) -> None:
    """Nobody waits in vain, and the others keep their turns."""
    outcomes = await ask_at_once(api.client(rate_limit=1), api, 5, within=2.5)
    assert api.arrivals == pytest.approx([0, 1, 2])
    assert [type(outcome) for outcome in outcomes] == [Precheck] * 3 + [QueryError] * 2
    for late in outcomes:
        if isinstance(late, QueryError):
            assert (late.reason, late.sent) == ("rate_limited", False)
            assert late.message == "api.rate_limit leaves no time for this task within the scrape's deadline"


async def test_a_task_that_comes_too_late_takes_no_turn(api: FakeApi) -> None:
    """The next one with more time gets it."""
    client = api.client(rate_limit=1)
    await ask_at_once(client, api, 50, within=0.5)
    await api.query(client=client)
    assert api.arrivals == pytest.approx([0, 1])


async def test_the_rate_holds_whatever_becomes_of_the_requests(api: FakeApi) -> None:
    """Those that hang do not hold up the turns of the others."""
    client = api.client(rate_limit=2, request_timeout=30)
    api.answers(never, then=reply())
    await ask_at_once(client, api, 4, within=10)
    assert api.arrivals == pytest.approx([0, 0.5, 1, 1.5])


async def test_whoever_goes_away_takes_no_turn_along(api: FakeApi) -> None:
    """An abandoned scrape costs the next one nothing."""
    client = api.client(rate_limit=1)
    abandoned = asyncio.gather(*(api.query(client=client) for _ in range(20)), return_exceptions=True)
    await asyncio.sleep(1.5)
    abandoned.cancel()
    await asyncio.sleep(0)
    await api.query(client=client, within=5)
    assert api.arrivals == pytest.approx([0, 1, 2])
