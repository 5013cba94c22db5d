"""How far our clock is from the server's: measured on every answer, and named where it is why the API refuses."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from tests.ninedata.fake_api import PASSED, START, FakeApi, Handler, failure_of, reply

pytestmark = pytest.mark.anyio


def dated(ahead: float, content: object = PASSED, status: int = 200) -> httpx.Response:
    """An answer of a server whose clock is so many seconds ahead of ours when a test begins."""
    return reply(content, status, date=format_datetime(START + timedelta(seconds=ahead), usegmt=True))


@pytest.mark.parametrize("ahead", [0, 1, -1, 30, -30, 599, 86400, -86400, 315_360_000])
@pytest.mark.parametrize("fraction", [0.0, 0.5, 0.999])
async def test_the_skew_is_the_server_s_clock_minus_ours(api: FakeApi, ahead: float, fraction: float) -> None:
    """To within the half second that the header leaves open, wherever in a second both clocks are."""
    await asyncio.sleep(fraction)
    await api.query(dated(ahead))
    assert api.books.skews == [pytest.approx(ahead, abs=0.5)]


@pytest.mark.parametrize("status", [200, 302, 401, 404, 429, 500])
async def test_every_answer_tells_the_skew(api: FakeApi, status: int) -> None:
    """A refusal most of all."""
    api.answers(dated(90, b"", status))
    await failure_of(api.query(within=0.1))
    assert api.books.skews == [pytest.approx(90, abs=0.5)]


async def test_the_way_there_and_back_is_not_taken_for_skew(api: FakeApi) -> None:
    """An answer that took four seconds was written after two, as far as one can tell."""

    def slow(seconds: float) -> Handler:
        async def handle(_: httpx.Request) -> httpx.Response:
            await asyncio.sleep(seconds / 2)
            date = format_datetime(api.wall_clock(), usegmt=True)
            await asyncio.sleep(seconds / 2)
            return reply(date=date)

        return handle

    await api.query(slow(4))
    assert api.books.skews == [pytest.approx(0, abs=0.5)]


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Fri, 99 Jan 2026 03:04:05 GMT", "0", "Fri, 02 Jan 2026 03:04:05 +9999", "\x1b[31m"]
)
async def test_a_date_that_is_none_tells_nothing(api: FakeApi, date: str) -> None:
    """And does no harm."""
    await api.query(reply(date=date))
    await api.query(reply())
    assert api.books.skews == []


@pytest.mark.parametrize(
    "date", ["Fri, 02 Jan 2026 03:04:05 GMT", "Fri, 02 Jan 2026 11:04:05 +0800", "Fri, 02 Jan 2026 03:04:05 -0000"]
)
async def test_a_date_is_understood_in_any_zone(api: FakeApi, date: str) -> None:
    """HTTP wants GMT; not everyone keeps to it."""
    await api.query(reply(date=date))
    assert api.books.skews == [pytest.approx(0, abs=0.5)]


REFUSED = {"success": False, "errorCode": "TIMESTAMP_EXPIRED", "message": "timestamp expired", "requestId": "r-9"}
ADVICE = (
    "which rejects timestamps more than 10 minutes off: set the clock, for example with NTP "
    "(the API refused the query: TIMESTAMP_EXPIRED - timestamp expired)"
)


@pytest.mark.parametrize(
    ("ahead", "what"),
    [
        (700, "12 minutes behind"),
        (-700, "12 minutes ahead of"),
        (3600, "60 minutes behind"),
        (7300, "2.0 hours behind"),
        (-28_800, "8.0 hours ahead of"),
        (604_800, "168.0 hours behind"),
    ],
)
async def test_a_refusal_names_a_wrong_clock_and_what_to_do(api: FakeApi, ahead: float, what: str) -> None:
    """Where the server's clock is ahead, ours is behind."""
    error = await failure_of(api.query(dated(ahead, REFUSED)))
    assert error.message == f"this machine's clock is {what} the API's, {ADVICE}"
    assert (error.reason, error.request_id, error.sent) == ("auth", "r-9", True)


@pytest.mark.parametrize("ahead", [0, 590, -590])
async def test_a_refusal_for_another_reason_does_not_blame_the_clock(api: FakeApi, ahead: float) -> None:
    """Ten minutes are allowed."""
    error = await failure_of(api.query(dated(ahead, REFUSED)))
    assert error.message == "the API refused the query: TIMESTAMP_EXPIRED - timestamp expired"


async def test_a_refusal_by_status_alone_names_a_wrong_clock_too(api: FakeApi) -> None:
    """What the API answers then is undocumented."""
    error = await failure_of(api.query(dated(-1200, b"", 401)))
    assert error.message == (
        "this machine's clock is 20 minutes ahead of the API's, which rejects timestamps more than 10 minutes off: "
        "set the clock, for example with NTP (HTTP 401)"
    )


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [({"success": False, "message": "precheck task not found"}, 200, "not_found"), (b"", 500, "http_error")],
)
async def test_other_failures_do_not_blame_the_clock(api: FakeApi, content: object, status: int, reason: str) -> None:
    """The API let the request in."""
    error = await failure_of(api.query(dated(7200, content, status)))
    assert error.reason == reason
    assert "clock" not in error.message


async def test_a_wrong_clock_does_no_harm_where_the_api_does_not_mind(api: FakeApi) -> None:
    """An answer is an answer."""
    assert (await api.query(dated(7200))).status == "Success"
