"""The client: what a query sends, what it makes of slow, lost and large answers, and what the observer is told."""

import asyncio
import itertools
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from unittest.mock import Mock

import aiohttp
import httpx
import pytest

from exporter.credentials import Secret
from exporter.ninedata import Precheck, QueryError, Reason, TaskState, TaskStatus
from exporter.ninedata.client import MAX_ANSWER_BYTES, QueryProgress
from exporter.ninedata.precheck_start import start_precheck
from tests.ninedata.fake_api import (
    PASSED,
    START,
    TASK,
    TASKS,
    Body,
    FakeApi,
    Reply,
    after,
    at_deadline,
    failure_of,
    never,
    now,
    reply,
)
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

pytestmark = pytest.mark.anyio

STATUS = "/openapi/v1/comparedata/precheck/status"


def signed(timestamp: str, secret_key: str = SECRET_KEY) -> str:
    return sha256(f"{STATUS}/{secret_key}&{timestamp}".encode()).hexdigest()


async def test_a_query_is_one_signed_get(api: FakeApi) -> None:
    """With exactly these headers, and without the secret key."""
    await api.query()
    (request,) = api.requests
    assert request.method == "GET"
    assert str(request.url) == (
        f"https://console.ninedata.cloud{STATUS}?taskId=cd-tg3isu1xgs&precheckTaskId=pcte-dj02vti9tabd"
    )
    assert await request.aread() == b""
    assert dict(request.headers) == {
        "host": "console.ninedata.cloud",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "ninedata-exporter/test",
        "access-key-id": ACCESS_KEY_ID,
        "timestamp": "2026-01-02T03:04:05Z",
        "signature": signed("2026-01-02T03:04:05Z"),
    }


@pytest.mark.parametrize(
    "base_url",
    ["http://10.1.2.3:9999", "http://[::1]:9999", "https://proxy.example.com/ninedata", "https://p.example.com/a/b"],
)
async def test_a_path_prefix_is_sent_but_not_signed(api: FakeApi, base_url: str) -> None:
    """A proxy removes it."""
    await api.client(base_url=base_url).query_precheck(TASK)
    (request,) = api.requests
    assert str(request.url.copy_with(query=None)) == base_url + STATUS
    assert request.headers["signature"] == signed("2026-01-02T03:04:05Z")


def rotating(*secrets: str) -> Mock:
    """A secret that is the next one at each query."""
    return Mock(current=Mock(side_effect=map(Secret, secrets)))


async def test_every_request_is_signed_with_the_current_time_and_secrets(api: FakeApi) -> None:
    """A retry too: a key may be rotated, and a signature is valid for ten minutes only."""
    api.answers(after(2, reply(status=503)), reply())
    await api.client(access_key_id=rotating("id-1", "id-2"), secret_key=rotating("key-1", "key-2")).query_precheck(TASK)
    assert [
        (request.headers["access-key-id"], request.headers["timestamp"], request.headers["signature"])
        for request in api.requests
    ] == [
        ("id-1", "2026-01-02T03:04:05Z", signed("2026-01-02T03:04:05Z", "key-1")),
        ("id-2", "2026-01-02T03:04:07Z", signed("2026-01-02T03:04:07Z", "key-2")),
    ]


# The failure, its reason, how often the request is sent.
FAILURES: dict[str, tuple[Reply, str, int]] = {
    "gateway": (reply(b"<html></html>", 504), "http_error", 2),
    "closed": (aiohttp.ServerDisconnectedError(), "connect", 2),
    "refused": (reply({"success": False, "message": "busy, try again"}, 400), "api_error", 1),
    "connection timed out": (TimeoutError(110, "Connection timed out"), "connect", 1),
}


@pytest.mark.parametrize(("failing", "reason", "sent"), FAILURES.values(), ids=FAILURES)
async def test_a_lost_connection_or_a_gateway_s_error_is_retried_once(
    api: FakeApi, failing: Reply, reason: str, sent: int
) -> None:
    """After 0.2 s. After any other failure the same request would meet the same answer, or make it worse."""
    api.answers(then=failing)
    assert (await failure_of(api.query())).reason == reason
    assert api.arrivals == [0.0, 0.2][:sent]


async def test_the_failure_of_the_retry_counts(api: FakeApi) -> None:
    assert (await failure_of(api.query(reply(b"", 503), reply(b"", 401)))).reason == "auth"


async def test_the_first_failure_counts_if_no_second_request_leaves(api: FakeApi) -> None:
    """The API asked for a pause meanwhile."""
    client = api.client()
    api.answers(reply(b"", 502), reply(b"", 429, retry_after="60"))
    first, _ = await asyncio.gather(failure_of(client.query_precheck(TASK)), failure_of(client.query_precheck(TASK)))
    assert (first.message, first.sent) == ("HTTP 502", True)


async def test_the_pause_before_a_retry_occupies_no_slot(api: FakeApi) -> None:
    client = api.client(concurrency=1)
    api.answers(reply(b"", 503), reply(), reply())
    await asyncio.gather(client.query_precheck(TASK), client.query_precheck(TASK))
    assert api.arrivals == [0.0, 0.0, 0.2]


@pytest.mark.parametrize(
    "slow", [never, after(60), reply(Body(itertools.repeat(b" "), seconds=1))], ids=["never", "late", "endless"]
)
async def test_an_answer_that_takes_too_long_is_a_timeout(api: FakeApi, slow: Reply) -> None:
    """Head and body together have the request's timeout."""
    began = now()
    error = await failure_of(api.query(slow))
    assert (error.reason, error.message, error.sent) == ("timeout", "no complete answer within 5 s", True)
    assert now() - began == pytest.approx(5)
    assert len(api.requests) == 1


async def test_at_most_so_many_requests_are_in_flight(api: FakeApi) -> None:
    """The timeout begins when a request leaves, and so does the observer's time."""
    client = api.client(concurrency=2, request_timeout=3)
    api.answers(then=after(2))
    await asyncio.gather(*(client.query_precheck(TASK) for _ in range(5)))
    assert api.arrivals == [0, 0, 2, 2, 4]
    assert api.observer.ended == [("data_compare", 2, None)] * 5


DEADLINES: dict[str, tuple[list[Reply], str, str]] = {
    "in flight": ([never], "deadline", "no complete answer before the scrape's deadline"),
    "before the retry": ([after(1.9, reply(b"", 503))], "http_error", "HTTP 503"),
    "in the retry": ([reply(b"", 503), never], "http_error", "HTTP 503"),
}


@pytest.mark.parametrize(("replies", "reason", "message"), DEADLINES.values(), ids=DEADLINES)
async def test_a_cancelled_query_tells_what_it_was_doing(
    api: FakeApi, replies: list[Reply], reason: str, message: str
) -> None:
    api.answers(*replies)
    error = await at_deadline(api.client(), 2)
    assert isinstance(error, QueryError)
    assert (error.reason, error.message, error.sent) == (reason, message, True)


async def test_a_query_that_is_cancelled_in_the_queue_has_sent_nothing(api: FakeApi) -> None:
    """The task may go first next time."""
    client = api.client(concurrency=1)
    api.answers(never)
    _, error = await asyncio.gather(at_deadline(client, 4), at_deadline(client, 2))
    assert isinstance(error, QueryError)
    assert (error.reason, error.sent) == ("deadline", False)
    assert error.message == "the scrape ran out of time before querying this task"
    assert len(api.requests) == 1


async def test_an_answer_is_read_up_to_1_mib(api: FakeApi) -> None:
    """In whatever pieces it comes; a larger one is closed."""
    content = b'{"success": true, "data": {}}'.rjust(MAX_ANSWER_BYTES)
    pieces = Body([content[start : start + 16_384] for start in range(0, len(content), 16_384)])
    assert isinstance(await api.query(reply(pieces)), Precheck)
    body = Body(itertools.repeat(b" " * 16_384))
    error = await failure_of(api.query(reply(body, 500)))
    assert (error.reason, error.message) == ("too_large", "the answer is larger than 1024 KiB; the rest was not read")
    assert (body.bytes_read, body.closed) == (MAX_ANSWER_BYTES + 16_384, True)


Ends = list[tuple[float, Reason | None]]
ENDS: dict[str, tuple[list[Reply], float, Ends]] = {
    "understood": ([after(1)], 60, [(1, None)]),
    "another task's": ([reply({"success": True, "data": {"taskId": "cd-1"}})], 60, [(0, Reason.INVALID_RESPONSE)]),
    "timed out": ([never], 60, [(5, Reason.TIMEOUT)]),
    "retried": ([after(1, reply(b"", 503)), after(2)], 60, [(1, Reason.HTTP_ERROR), (2, None)]),
    "cancelled": ([never], 3, [(3, Reason.DEADLINE)]),
}


@pytest.mark.parametrize(("answers", "deadline", "ends"), ENDS.values(), ids=ENDS)
async def test_the_observer_is_told_each_request_s_end_once(
    api: FakeApi, answers: list[Reply], deadline: float, ends: Ends
) -> None:
    """With its time and its failure. A retry is a request of its own."""
    api.answers(*answers)
    await at_deadline(api.client(), deadline)
    assert api.observer.sent == ["data_compare"] * len(ends)
    assert api.observer.ended == [("data_compare", *end) for end in ends]


async def test_a_bug_ends_a_request_as_internal_and_is_passed_on(api: FakeApi) -> None:
    with pytest.raises(ZeroDivisionError):
        await api.query(ZeroDivisionError())
    assert api.observer.ended == [("data_compare", 0, Reason.INTERNAL)]


def dated(ahead: float, content: object = PASSED, status: int = 200) -> httpx.Response:
    """An answer of a server whose clock is so many seconds ahead of ours."""
    return reply(content, status, date=format_datetime(START + timedelta(seconds=ahead), usegmt=True))


@pytest.mark.parametrize(("ahead", "fraction"), [(0, 0.0), (0, 0.999), (-599, 0.5), (86400, 0.999)])
async def test_the_clock_skew_is_the_server_s_clock_minus_ours(api: FakeApi, ahead: float, fraction: float) -> None:
    """To within the half second that the header leaves open."""
    await asyncio.sleep(fraction)
    await api.query(dated(ahead))
    assert api.observer.skews == [pytest.approx(ahead, abs=0.5)]


EXPIRED = {"success": False, "errorCode": "TIMESTAMP_EXPIRED", "message": "timestamp expired", "requestId": "r-9"}


@pytest.mark.parametrize(("ahead", "what"), [(7300, "122 minutes behind"), (-700, "12 minutes ahead of")])
async def test_a_refusal_blames_a_clock_that_is_wrong(api: FakeApi, ahead: float, what: str) -> None:
    error = await failure_of(api.query(dated(ahead, EXPIRED)))
    assert (error.reason, error.request_id) == ("auth", "r-9")
    assert error.message == (
        f"this machine's clock is {what} the API's, which rejects timestamps more than 10 minutes off: set the clock, "
        "for example with NTP (the API refused the query: TIMESTAMP_EXPIRED - timestamp expired)"
    )


@pytest.mark.parametrize("answer", [dated(590, EXPIRED), dated(7200, {"success": False}), dated(7200, b"", 500)])
async def test_no_other_failure_blames_the_clock(api: FakeApi, answer: httpx.Response) -> None:
    """Ten minutes are allowed."""
    assert "clock" not in (await failure_of(api.query(answer))).message


async def test_no_secret_of_a_request_comes_back_in_an_answer(api: FakeApi) -> None:
    """Access key id, secret key and signature are masked; other texts stay."""
    signature = signed("2026-01-02T03:04:05Z")
    said = f"{ACCESS_KEY_ID} {SECRET_KEY} {signature} is not active"
    error = await failure_of(api.query(reply({"success": False, "message": said})))
    assert error.message == "the API refused the query: *** *** *** is not active"


# The request for the precheck, then those for the task itself.
REQUESTS = {
    "data_compare": [
        "comparedata/precheck/status?taskId=cd-tg3isu1xgs&precheckTaskId=pcte-dj02vti9tabd",
        "comparedata/queryTaskById?taskId=cd-tg3isu1xgs",
        "comparedata/queryTaskExecInfo?execId=7",
    ],
    "schema_compare": [
        "compareschema/precheck/status?taskId=cc-th6j3fs58y&precheckTaskId=pcte-dji009w2k499",
        "compareschema/queryTaskById?taskId=cc-th6j3fs58y",
        "compareschema/queryTaskExecInfo?taskId=cc-th6j3fs58y&execId=7",
    ],
    "replication": [
        "replication/precheck/status?replicationId=rp-div0qqpbffio",
        "replication/status?replicationId=rp-div0qqpbffio",
    ],
}
COMPARED = {"success": True, "data": {"lastExecId": 7, "status": "success"}}
RESULTS = {"success": True, "data": {"status": "success", "differenceRows": 3, "errorMessage": "Table a is gone."}}


@pytest.mark.parametrize("kind", REQUESTS)
async def test_each_kind_has_its_paths_and_parameters(api: FakeApi, kind: str) -> None:
    """A comparison's results need a second request, for its latest execution; both count under the same kind."""
    await api.client().query_precheck(TASKS[kind])
    api.answers(reply(COMPARED), reply(RESULTS))
    state = await api.client().query_state(TASKS[kind], QueryProgress())
    assert [str(request.url).partition("/openapi/v1/")[2] for request in api.requests] == REQUESTS[kind]
    assert api.observer.sent == [kind, f"{kind}_task", f"{kind}_task"][: len(REQUESTS[kind])]
    assert (state.status, state.error) == ("Success", "" if kind == "replication" else "Table a is gone.")
    assert state.execution is None if kind == "replication" else state.execution.different == 3


async def test_a_start_must_be_answered_with_an_id(api: FakeApi) -> None:
    for data in ({}, {"precheckTaskId": "a/b"}):
        api.answers(reply({"success": True, "data": data}))
        error = await failure_of(start_precheck(api.client(), TASK))
        assert error.message == "the answer has no id of the precheck that it started"


async def test_a_comparison_that_was_never_executed_has_no_results(api: FakeApi) -> None:
    api.answers(reply({"success": True, "data": {"lastExecId": None, "status": "notStarted"}}))
    assert await api.client().query_state(TASK, QueryProgress()) == TaskState(TaskStatus.NOT_STARTED, "notStarted")


@pytest.mark.parametrize("answer", [reply({"success": False}), never], ids=["refused", "cancelled"])
async def test_without_its_results_the_status_of_a_comparison_is_known(api: FakeApi, answer: Reply) -> None:
    """The query failed all the same, and not because of a failure that a retry mended."""
    api.answers(reply(b"", 503), reply(COMPARED), answer)
    progress = QueryProgress()
    with pytest.raises((QueryError, TimeoutError)):
        async with asyncio.timeout(3):
            await api.client().query_state(TASK, progress)
    known = TaskState(TaskStatus.SUCCESS, "success", execution_id="7")
    assert (progress.state, progress.first_error) == (known, None)
