"""An API that answers as a test says, a client that queries it, and an observer that keeps what it is told."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import respx

from exporter.credentials import Secret, SecretSource
from exporter.ninedata import Precheck, QueryError, Reason, TaskRef
from exporter.ninedata.client import NineDataClient, QueryProgress
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

TASK = TaskRef("data_compare", "cd-tg3isu1xgs", "pcte-dj02vti9tabd")
TASKS = {
    "data_compare": TASK,
    "schema_compare": TaskRef("schema_compare", "cc-th6j3fs58y", "pcte-dji009w2k499"),
    "replication": TaskRef("replication", "rp-div0qqpbffio", ""),
}
PASSED = {"success": True, "requestId": "r-1", "data": {"status": "Success", "precheckItems": []}}
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
"""The wall clock's time when a test begins."""

Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]
Reply = httpx.Response | Exception | Handler


class Body(httpx.AsyncByteStream):
    """A body in chunks, `seconds` before each. Knows how far it was read."""

    def __init__(self, chunks: Iterable[bytes], *, seconds: float = 0.0) -> None:
        self._chunks = chunks
        self._seconds = seconds
        self.bytes_read = 0
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            await asyncio.sleep(self._seconds)
            self.bytes_read += len(chunk)
            yield chunk

    async def aclose(self) -> None:
        self.closed = True


def reply(content: object = PASSED, status: int = 200, **headers: str) -> httpx.Response:
    """An answer: bytes and bodies as they are, anything else as JSON."""
    if not isinstance(content, Body | bytes):
        content = json.dumps(content).encode()
    stream = Body([content]) if isinstance(content, bytes) else content
    named = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return httpx.Response(status, headers=named, stream=stream)


def after(seconds: float, response: httpx.Response | None = None) -> Handler:
    """An answer that takes its time."""

    async def handle(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(seconds)
        return response or reply()

    return handle


never = after(1e6)


async def failure_of(query: Awaitable[object]) -> QueryError:
    """The error with which a query must fail."""
    with pytest.raises(QueryError) as caught:
        await query
    return caught.value


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Observer:
    """The client's observer."""

    sent: list[str] = field(default_factory=list)
    ended: list[tuple[str, float, Reason | None]] = field(default_factory=list)
    skews: list[float] = field(default_factory=list)

    def request_sent(self, kind: str) -> None:
        self.sent.append(kind)

    def request_ended(self, kind: str, seconds: float, failure: Reason | None) -> None:
        self.ended.append((kind, round(seconds, 6), failure))

    def clock_skew(self, seconds: float) -> None:
        self.skews.append(seconds)


class FakeApi:
    """The server. `requests` are those that arrived, `arrivals` the seconds since the test began of each."""

    def __init__(self) -> None:
        self.observer = Observer()
        self.requests: list[httpx.Request] = []
        self.arrivals: list[float] = []
        self.answers(then=reply())
        self._began = now()
        self._router = respx.MockRouter(assert_all_called=False)
        self._router.route().mock(side_effect=self._handle)

    def answers(self, *replies: Reply, then: Reply | None = None) -> None:
        """Answer with these in turn, then always with `then`; a request beyond them fails the test."""
        self._replies = itertools.chain(replies, itertools.repeat(then))

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.arrivals.append(round(now() - self._began, 6))
        response = next(self._replies)
        assert response is not None, "a request more than expected"
        if isinstance(response, Exception):
            raise response
        if not isinstance(response, httpx.Response):
            response = await response(request)
        # A response can be read once; this one may be given again.
        return httpx.Response(response.status_code, headers=response.headers, stream=response.stream)

    def client(self, **settings: str | float | SecretSource) -> NineDataClient:
        """A client with these settings in place of the usual ones."""
        usual = {
            "base_url": "https://console.ninedata.cloud",
            "access_key_id": Secret(ACCESS_KEY_ID),
            "secret_key": Secret(SECRET_KEY),
            "request_timeout": 5.0,
            "concurrency": 32,
            "rate_limit": 0.0,
        }
        return NineDataClient(
            **usual | settings,
            user_agent="ninedata-exporter/test",
            transport=httpx.MockTransport(self._router.async_handler),
            observer=self.observer,
            wall_clock=lambda: START + timedelta(seconds=now() - self._began),
        )

    async def query(self, *replies: Reply) -> Precheck:
        """What a client makes of these answers."""
        if replies:
            self.answers(*replies)
        return await self.client().query_precheck(TASK)


async def at_deadline(client: NineDataClient, seconds: float) -> Precheck | QueryError:
    """What a caller makes of a query that it cancels at a deadline."""
    progress = QueryProgress()
    try:
        async with asyncio.timeout(seconds):
            return await client.query_precheck(TASK, progress)
    except TimeoutError:
        return progress.error_at_deadline()
    except QueryError as error:
        return error
