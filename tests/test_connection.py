"""Clients that let the server wait: for a request, for its rest, or with an answer."""

import asyncio
import os
import signal
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter import connection as connections
from exporter.listener import Address, listen
from exporter.serve import serve

pytestmark = pytest.mark.anyio

REQUEST = b"GET /{} HTTP/1.1\r\nHost: exporter\r\n\r\n"
SMALL, MEDIUM, LARGE, SHARED, SLOW = (
    REQUEST.replace(b"{}", name) for name in (b"small", b"medium", b"large", b"shared", b"slow")
)
MEDIUM_BYTES, LARGE_BYTES = 60_000, 16 * 1024 * 1024

Limits = Callable[..., None]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    """Shorter limits than those in force."""

    def set_limits(**values: float) -> None:
        for name, value in values.items():
            monkeypatch.setattr(connections, name, value)

    return set_limits


class Client:
    """A connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def answer(self, request: bytes = SMALL) -> bytes:
        """The first bytes of the answer to a request, nothing where the connection ends."""
        self.writer.write(request)
        with suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(15), 10)
        return b""

    async def ended(self, within: float) -> bool:
        """Whether the server closes the connection in time; what it sends before that is read."""
        try:
            async with asyncio.timeout(within):
                while await self.reader.read(65536):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True


Connect = Callable[[], AbstractAsyncContextManager[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects to an application that is served as the exporter's is."""

    async def small(_: Request) -> Response:
        return PlainTextResponse("here")

    async def medium(_: Request) -> Response:
        return PlainTextResponse("x" * MEDIUM_BYTES)

    async def large(_: Request) -> Response:
        return PlainTextResponse("x" * LARGE_BYTES)

    body = b"x" * LARGE_BYTES

    async def shared(_: Request) -> Response:
        return Response(body)

    async def slow(_: Request) -> Response:
        await asyncio.sleep(2.5)
        return PlainTextResponse("here")

    ready = asyncio.Event()
    with listen(Address("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        app = Starlette(routes=[Route(f"/{name.__name__}", name) for name in (small, medium, large, shared, slow)])
        serving = asyncio.create_task(serve(app, listener, ready.set))
        await ready.wait()

        @asynccontextmanager
        async def connected() -> AsyncIterator[Client]:
            # Little is read ahead: who does not read keeps the server waiting.
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            yield Client(reader, writer)
            writer.transport.abort()

        yield connected
        os.kill(os.getpid(), signal.SIGTERM)
        await serving


async def test_who_asks_nothing_is_not_waited_for(connect: Connect, limits: Limits) -> None:
    """Neither silence nor a request in drops keeps a connection."""
    limits(REQUEST_SECONDS=1.0)
    async with connect() as silent, connect() as dripping:

        async def drip() -> None:
            with suppress(ConnectionError):
                for byte in SMALL * 10:
                    dripping.writer.write(bytes([byte]))
                    await asyncio.sleep(0.2)

        drops = asyncio.create_task(drip())
        assert all(await asyncio.gather(silent.ended(10), dripping.ended(10)))
        drops.cancel()


async def test_between_requests_there_is_more_time(connect: Connect, limits: Limits) -> None:
    """A scraper keeps its connection; the first byte of a request is to be followed by the others."""
    limits(REQUEST_SECONDS=0.5)
    async with connect() as scraper:
        for _ in range(2):
            assert await scraper.answer() == b"HTTP/1.1 200 OK"
            assert not await scraper.ended(2.5)
        scraper.writer.write(b"GET ")
        assert await scraper.ended(5)


async def test_a_kept_connection_ends_in_the_end(connect: Connect, limits: Limits) -> None:
    """Where no further request comes."""
    limits(KEEPALIVE_SECONDS=1.0)
    async with connect() as scraper:
        assert await scraper.answer() == b"HTTP/1.1 200 OK"
        assert await scraper.ended(10)


async def test_a_slow_answer_is_nobodys_fault(connect: Connect, limits: Limits) -> None:
    """While a request is answered, its client need say nothing."""
    limits(REQUEST_SECONDS=0.2, KEEPALIVE_SECONDS=0.2)
    async with connect() as scraper:
        assert await scraper.answer(SLOW) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("more", [b"", SMALL, LARGE], ids=["one request", "another behind it", "twice"])
async def test_who_does_not_read_is_not_waited_for(connect: Connect, limits: Limits, more: bytes) -> None:
    """However many requests are sent on top; the answer is not kept for longer."""
    limits(READ_SECONDS=1.0)
    tasks = len(asyncio.all_tasks())
    async with connect() as reader:
        assert await reader.answer(LARGE + more) == b"HTTP/1.1 200 OK"
        await asyncio.sleep(4)
        assert len(asyncio.all_tasks()) == tasks, "nothing waits for the client any more"
        began = time.monotonic()
        assert await reader.ended(5)
        assert time.monotonic() - began < 4


async def test_who_reads_slowly_has_time(connect: Connect) -> None:
    """What is taken bit by bit arrives whole."""
    async with connect() as reader:
        reader.writer.write(LARGE)
        await asyncio.sleep(2.5)
        await asyncio.wait_for(reader.reader.readuntil(b"\r\n\r\n"), 10)
        assert len(await asyncio.wait_for(reader.reader.readexactly(LARGE_BYTES), 20)) == LARGE_BYTES


async def test_a_request_that_turns_out_to_be_none(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    """After its head: its connection ends, the application is told, and nothing is an error of the exporter."""
    async with connect() as client:
        broken = SMALL.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert await client.answer(broken) in (b"", b"HTTP/1.1 200 OK")
        assert await client.ended(5)
    async with connect() as client:
        assert await client.answer(b"\x16\x03\x01\r\n\r\n") == b"HTTP/1.1 400 Ba"
        assert await client.ended(5)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_the_longest_silence_makes_room(connect: Connect, limits: Limits) -> None:
    """Of more connections than there may be; who is being answered stays."""
    limits(MAX_CONNECTIONS=3)
    async with connect() as busy:
        asking = asyncio.create_task(busy.answer(SLOW))
        await asyncio.sleep(0.1)
        async with connect() as first, connect() as second:
            await asyncio.sleep(0.1)
            async with connect() as third:
                assert await third.answer() == b"HTTP/1.1 200 OK"
                assert await first.ended(5)
                assert await second.answer() == b"HTTP/1.1 200 OK"
                assert await asking == b"HTTP/1.1 200 OK"


async def test_where_all_are_busy_a_newcomer_is_turned_away(connect: Connect, limits: Limits) -> None:
    """Those that are being answered are not disturbed."""
    limits(MAX_CONNECTIONS=1)
    async with connect() as busy:
        asking = asyncio.create_task(busy.answer(SLOW))
        await asyncio.sleep(0.2)
        async with connect() as newcomer:
            assert await newcomer.answer() == b""
        assert await asking == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("asked", [LARGE, LARGE * 3, MEDIUM * 200], ids=["one", "more", "medium"])
async def test_who_does_not_read_makes_room(connect: Connect, limits: Limits, asked: bytes) -> None:
    """Answers that are not taken keep nobody else out, however large they are and however many are asked for."""
    limits(MAX_CONNECTIONS=2)
    async with connect() as first, connect() as second:
        for reader in (first, second):
            assert await reader.answer(asked) == b"HTTP/1.1 200 OK"
        await asyncio.sleep(1)
        for _ in range(4):
            async with connect() as newcomer:
                assert await newcomer.answer() == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("asked", [SLOW * 2, SMALL * 20_000], ids=["slow", "small"])
async def test_who_asks_on_before_it_is_answered_makes_room(connect: Connect, limits: Limits, asked: bytes) -> None:
    """Its requests have no end, so that it would always count as one that is being answered."""
    limits(MAX_CONNECTIONS=2)
    async with connect() as first, connect() as second:
        for client in (first, second):
            client.writer.write(asked)
        await asyncio.sleep(0.5)
        for _ in range(4):
            async with connect() as newcomer:
                assert await newcomer.answer() == b"HTTP/1.1 200 OK"


async def test_an_answer_that_many_do_not_take_is_kept_once(connect: Connect, limits: Limits) -> None:
    """However many share it, and at every moment; it is given up for none of them."""
    limits(MAX_UNSENT_BYTES=LARGE_BYTES * 3 // 2)
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(connect()) for _ in range(30)]
        tracemalloc.start()
        stack.callback(tracemalloc.stop)
        assert set(await asyncio.gather(*(reader.answer(SHARED) for reader in readers))) == {b"HTTP/1.1 200 OK"}
        await asyncio.sleep(3)
        assert tracemalloc.get_traced_memory()[1] < LARGE_BYTES
        tracemalloc.stop()
        for reader in (readers[0], readers[-1]):
            await asyncio.wait_for(reader.reader.readuntil(b"\r\n\r\n"), 10)
            assert len(await asyncio.wait_for(reader.reader.readexactly(LARGE_BYTES), 20)) == LARGE_BYTES


async def test_answers_that_nobody_takes_are_bounded(connect: Connect, limits: Limits) -> None:
    """Those that have waited longest are given up for the others, and small ones are none of them."""
    limits(MAX_UNSENT_BYTES=LARGE_BYTES * 3 // 2)
    async with connect() as small, connect() as first, connect() as second:
        assert await small.answer() == b"HTTP/1.1 200 OK"
        assert await first.answer(LARGE) == b"HTTP/1.1 200 OK"
        await asyncio.sleep(1.5)
        assert await second.answer(LARGE) == b"HTTP/1.1 200 OK"
        await asyncio.sleep(4)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(first.reader.readexactly(LARGE_BYTES), 10)
        assert len(await asyncio.wait_for(second.reader.readexactly(LARGE_BYTES), 20)) == LARGE_BYTES
        assert not await small.ended(0.1)
