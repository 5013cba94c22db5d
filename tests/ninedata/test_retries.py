"""A query is sent again once, where that may help and does no harm, and the time allows it."""

import asyncio
import errno
import os

import aiohttp
import httpx
import pytest

from exporter.ninedata import Precheck, QueryError
from tests.ninedata.fake_api import (
    PASSED,
    TASK,
    Answer,
    Body,
    FakeApi,
    after,
    failure_of,
    never,
    now,
    outcome_of,
    reply,
)

pytestmark = pytest.mark.anyio

LOST: dict[str, Answer] = {
    "502": reply(b"", 502),
    "503": reply({"success": False, "message": "busy"}, 503),
    "504": reply(b"<html></html>", 504),
    "closed before the answer": aiohttp.ServerDisconnectedError(),
    "reset": ConnectionResetError(104, "Connection reset by peer"),
    "broken pipe": aiohttp.ClientOSError(32, "Broken pipe"),
    "cut off": reply(Body([b'{"success":'], then=aiohttp.ClientPayloadError("Response payload is not completed"))),
}
FINAL: dict[str, tuple[Answer, str]] = {
    "400": (reply(b"", 400), "http_error"),
    "401": (reply(b"", 401), "auth"),
    "403": (reply(b"", 403), "auth"),
    "404": (reply(b"", 404), "unsupported"),
    "429": (reply(b"", 429), "rate_limited"),
    "500": (reply(b"", 500), "http_error"),
    "501": (reply(b"", 501), "unsupported"),
    "505": (reply(b"", 505), "http_error"),
    "redirect": (reply(b"", 302, location="/"), "http_error"),
    "refused": (reply({"success": False, "message": "busy, try again"}), "api_error"),
    "not found": (reply({"success": False, "message": "not found"}), "not_found"),
    "throttled": (reply({"success": False, "message": "too many requests"}), "rate_limited"),
    "not JSON": (reply(b"{"), "invalid_response"),
    "web page": (reply(b"<html>"), "unsupported"),
    "too large": (reply(b"", content_length="9999999"), "too_large"),
    "no answer": (never, "timeout"),
    "no host": (OSError(113, "No route to host"), "connect"),
    "connection timed out": (aiohttp.ServerTimeoutError(), "connect"),
    "unknown": (httpx.UnsupportedProtocol("gopher"), "connect"),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST.keys())
async def test_a_lost_connection_or_a_gateway_s_error_is_tried_again(api: FakeApi, lost: Answer) -> None:
    """A moment later, and the second answer counts."""
    api.answers(lost, reply())
    assert isinstance(await api.query(), Precheck)
    assert api.arrivals == [0.0, 0.2]


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST.keys())
async def test_it_is_tried_again_only_once(api: FakeApi, lost: Answer) -> None:
    """An API in trouble is not to be asked three times."""
    api.answers(then=lost)
    error = await failure_of(api.query())
    assert error.reason in {"http_error", "connect"}
    assert len(api.requests) == 2


@pytest.mark.parametrize(("final", "reason"), FINAL.values(), ids=FINAL.keys())
async def test_every_other_failure_is_final(api: FakeApi, final: Answer, reason: str) -> None:
    """The same request would meet the same answer, or make it worse."""
    api.answers(final)
    error = await failure_of(api.query())
    assert error.reason == reason
    assert len(api.requests) == 1


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
async def test_running_out_of_files_is_named_with_its_remedy(api: FakeApi, number: int) -> None:
    """It looks like a fault of the network, and is one of this machine's settings."""
    error = await failure_of(api.query(aiohttp.ClientOSError(number, os.strerror(number))))
    assert error.reason == "connect"
    assert error.message == (
        "this process may open no more files: raise its limit (LimitNOFILE) or lower api.concurrency"
    )
    assert len(api.requests) == 1


async def test_a_retry_s_own_failure_counts(api: FakeApi) -> None:
    """It is the newer one."""
    api.answers(reply(b"", 503), reply(b"", 401))
    assert (await failure_of(api.query())).reason == "auth"


@pytest.mark.parametrize(("within", "requests"), [(0.05, 1), (0.2, 1), (0.201, 2)])
async def test_there_is_no_retry_where_the_deadline_leaves_no_time(api: FakeApi, within: float, requests: int) -> None:
    """The pause before it counts; what went wrong is told at once, and in any case by the deadline."""
    api.answers(then=reply(b"", 503))
    began = now()
    error = await failure_of(api.query(within=within))
    assert (error.reason, error.message) == ("http_error", "HTTP 503")
    assert len(api.requests) == requests
    assert now() - began == pytest.approx(0.2 * (requests - 1))


async def test_a_retry_that_is_not_answered_ends_with_the_deadline(api: FakeApi) -> None:
    """Both tries share the scrape's time."""
    api.answers(after(1, reply(b"", 503)), never)
    began = now()
    error = await failure_of(api.query(within=3))
    assert error.reason == "deadline"
    assert now() - began == pytest.approx(3)


async def test_the_first_failure_counts_where_no_slot_is_free_for_the_retry(api: FakeApi) -> None:
    """A request left and a gateway answered: that nothing left the second time is not what is wrong."""
    client = api.client(concurrency=1, request_timeout=60)
    api.answers(reply(b"", 503), never)
    first, second = await asyncio.gather(
        failure_of(api.query(client=client, within=5)), failure_of(api.query(client=client, within=5))
    )
    assert (first.reason, first.message, first.sent) == ("http_error", "HTTP 503", True)
    assert second.reason == "deadline"
    assert len(api.requests) == 2


async def test_the_first_failure_counts_where_the_api_wants_a_pause_meanwhile(api: FakeApi) -> None:
    """The retry does not leave then."""
    client = api.client()
    api.answers(reply(b"", 502), reply(b"", 429, retry_after="60"))
    first, second = await asyncio.gather(failure_of(api.query(client=client)), failure_of(api.query(client=client)))
    assert (first.reason, first.sent) == ("http_error", True)
    assert (second.reason, second.sent) == ("rate_limited", True)
    assert len(api.requests) == 2


async def test_the_pause_before_a_retry_holds_up_nobody(api: FakeApi) -> None:
    """Another task takes the slot meanwhile."""
    client = api.client(concurrency=1)
    api.answers(reply(b"", 503), reply(), reply())
    await asyncio.gather(api.query(client=client), api.query(client=client))
    assert api.arrivals == [0.0, 0.0, 0.2]


async def test_many_tasks_are_each_tried_again_once(api: FakeApi) -> None:
    """However many fail at once."""
    client = api.client()
    api.answers(then=after(0.01, reply(PASSED, 503)))
    outcomes = await asyncio.gather(*(outcome_of(client.query(TASK, now() + 100)) for _ in range(200)))
    assert all(isinstance(outcome, QueryError) and outcome.reason == "http_error" for outcome in outcomes)
    assert len(api.requests) == 400
