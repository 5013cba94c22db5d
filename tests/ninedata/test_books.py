"""The client's observer: every request that leaves is entered once when it leaves and once when it ends."""

import asyncio

import pytest

from exporter.ninedata import Reason
from tests.ninedata.fake_api import Answer, FakeApi, after, failure_of, never, outcome_of, reply

pytestmark = pytest.mark.anyio

ENDS: dict[str, tuple[Answer, float, Reason | None]] = {
    "understood": (after(1), 1, None),
    "refused": (after(2, reply({"success": False})), 2, Reason.API_ERROR),
    "not found": (reply({"success": False, "message": "not found"}), 0, Reason.NOT_FOUND),
    "not allowed": (reply(b"", 401), 0, Reason.AUTH),
    "not understood": (reply(b"{"), 0, Reason.INVALID_RESPONSE),
    "not supported": (reply(b"", 404), 0, Reason.UNSUPPORTED),
    "too large": (reply(b"", content_length="99999999"), 0, Reason.TOO_LARGE),
    "too many": (reply(b"", 429), 0, Reason.RATE_LIMITED),
    "redirected": (reply(b"", 302), 0, Reason.HTTP_ERROR),
    "no route": (OSError(113, "No route to host"), 0, Reason.CONNECT),
    "timed out": (never, 5, Reason.TIMEOUT),
}


@pytest.mark.parametrize(("answer", "seconds", "failure"), ENDS.values(), ids=ENDS.keys())
async def test_every_request_ends_once_with_its_time_and_its_failure(
    api: FakeApi, answer: Answer, seconds: float, failure: Reason | None
) -> None:
    """Under its task's kind."""
    await outcome_of(api.query(answer))
    assert api.books.sent == ["data_compare"]
    assert api.books.ended == [("data_compare", pytest.approx(seconds), failure)]


async def test_a_request_is_entered_when_it_leaves(api: FakeApi) -> None:
    """Not only when it ends."""
    asking = asyncio.create_task(api.query(after(2)))
    await asyncio.sleep(1)
    assert (api.books.sent, api.books.ended) == (["data_compare"], [])
    await asking
    assert api.books.failures == [None]


async def test_a_retry_is_a_request_of_its_own(api: FakeApi) -> None:
    """The pause between the two is nobody's time."""
    api.answers(after(1, reply(b"", 503)), after(2))
    await api.query()
    assert api.books.sent == ["data_compare"] * 2
    assert api.books.ended == [
        ("data_compare", pytest.approx(1), Reason.HTTP_ERROR),
        ("data_compare", pytest.approx(2), None),
    ]


async def test_a_request_that_is_cut_off_by_the_deadline_ends(api: FakeApi) -> None:
    """With the reason that its task has."""
    error = await failure_of(api.query(never, within=3))
    assert api.books.ended == [("data_compare", pytest.approx(3), error.reason)]


async def test_a_request_that_is_cancelled_ends(api: FakeApi) -> None:
    """The scraper went away: its time is over, and the cancellation goes on."""
    asking = asyncio.create_task(api.query(never))
    await asyncio.sleep(2)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert api.books.ended == [("data_compare", pytest.approx(2), Reason.DEADLINE)]


async def test_a_bug_is_an_end_too(api: FakeApi) -> None:
    """It is not the API's fault, and is passed on as it is."""
    with pytest.raises(ZeroDivisionError):
        await api.query(ZeroDivisionError())
    assert api.books.failures == [Reason.INTERNAL]


async def test_the_time_in_the_queue_is_not_in_the_books(api: FakeApi) -> None:
    """Neither for a slot nor for a turn."""
    client = api.client(concurrency=1, rate_limit=0.25)
    api.answers(then=after(1))
    await asyncio.gather(*(api.query(client=client, within=60) for _ in range(3)))
    assert api.books.ended == [("data_compare", pytest.approx(1), None)] * 3


async def test_what_never_left_is_not_in_the_books(api: FakeApi) -> None:
    """No time, no slot, no turn, a pause that the API wants, cancelled in the queue."""
    await failure_of(api.query(within=0))

    slow = api.client(rate_limit=0.001)
    await api.query(client=slow)
    await failure_of(api.query(client=slow))

    narrow = api.client(concurrency=1, request_timeout=60)
    api.answers(never)
    hanging = asyncio.create_task(outcome_of(api.query(client=narrow, within=9)))
    await asyncio.sleep(0.1)
    await failure_of(api.query(client=narrow, within=1))
    waiting = asyncio.create_task(api.query(client=narrow, within=5))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await asyncio.wait([waiting, hanging])

    held = api.client()
    await failure_of(api.query(reply(b"", 429), client=held))
    await failure_of(api.query(client=held))

    assert len(api.books.sent) == 3
    assert api.books.failures == [None, Reason.DEADLINE, Reason.RATE_LIMITED]
