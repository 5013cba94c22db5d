"""Connections, and clients that dawdle over them."""

import asyncio
import errno
import logging
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from exporter.web_config import acceptor as acceptor_module
from exporter.web_config.acceptor import Acceptor
from exporter.web_config.tls import Tls
from tests.web_config.certificates import Issuer
from tests.web_config.handshake import client_context

pytestmark = pytest.mark.anyio


class Greeting(asyncio.Protocol):
    """Says on what kind of connection it is, and closes it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"TLS" if transport.get_extra_info("sslcontext") else b"plain")
        transport.close()


class Server:
    """Accepts connections with settings that can be changed."""

    def __init__(self, tls: Tls | None, port: int) -> None:
        self.tls = tls
        self.port = port
        self.opened: list[asyncio.StreamWriter] = []

    async def latest(self) -> Tls | None:
        return self.tls

    async def connect(self, client: ssl.SSLContext | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = None if client is None else "localhost"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=client, server_hostname=name)
        self.opened.append(writer)
        return reader, writer

    async def greeting(self, client: ssl.SSLContext | None = None) -> bytes:
        """What it says to a client."""
        reader, _ = await self.connect(client)
        return await reader.read()


@asynccontextmanager
async def accepting(tls: Tls | None) -> AsyncIterator[Server]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        server = Server(tls, listener.getsockname()[1])
        acceptor = Acceptor(listener, server.latest, lambda _: Greeting())
        try:
            yield server
        finally:
            await acceptor.close()
            for writer in server.opened:
                writer.transport.abort()
            await asyncio.sleep(0)


@pytest.fixture
def tls(certificates: Path) -> Tls:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    return Tls(context)


@pytest.fixture
def client(issuer: Issuer) -> ssl.SSLContext:
    return client_context(issuer.own.certificate)


@pytest.fixture
def set_limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, float], None]:
    return lambda name, value: monkeypatch.setattr(acceptor_module, name, value)


async def seconds_until_closed(reader: asyncio.StreamReader) -> float:
    began = time.monotonic()
    try:
        while await asyncio.wait_for(reader.read(65536), 20):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - began


async def test_each_connection_is_made_with_the_settings_of_its_moment(tls: Tls, client: ssl.SSLContext) -> None:
    """TLS comes and goes without the listener being opened anew."""
    async with accepting(None) as server:
        assert await server.greeting() == b"plain"
        server.tls = tls
        assert await server.greeting(client) == b"TLS"
        server.tls = None
        assert await server.greeting() == b"plain"


async def test_a_silent_client_is_given_up(
    tls: Tls, client: ssl.SSLContext, set_limit: Callable[[str, float], None], caplog: pytest.LogCaptureFixture
) -> None:
    """After a time, and without a word above level debug; meanwhile others are served."""
    caplog.set_level(logging.DEBUG)
    set_limit("HANDSHAKE_SECONDS", 0.5)
    async with accepting(tls) as server:
        silent, _ = await server.connect()
        halting, writer = await server.connect()
        writer.write(b"\x16\x03\x01\x02\x00\x01")  # the first bytes of a handshake
        assert await asyncio.wait_for(server.greeting(client), 0.4) == b"TLS"
        for reader in (silent, halting):
            assert await seconds_until_closed(reader) < 2
    assert {entry.levelno for entry in caplog.records} == {logging.DEBUG}


@pytest.mark.parametrize(
    ("said", "why"),
    [(b"GET / HTTP/1.1\r\nHost: exporter\r\n\r\n", "HTTP_REQUEST"), (b"SSH-2.0-x\r\n" * 10, "WRONG_VERSION_NUMBER")],
)
async def test_a_client_without_tls_is_closed_at_once(
    tls: Tls, client: ssl.SSLContext, caplog: pytest.LogCaptureFixture, said: bytes, why: str
) -> None:
    """One line at level debug, no traceback, and the next client is served."""
    caplog.set_level(logging.DEBUG, "exporter")
    async with accepting(tls) as server:
        reader, writer = await server.connect()
        writer.write(said)
        assert await seconds_until_closed(reader) < 2
        assert await server.greeting(client) == b"TLS"
    (entry,) = caplog.records
    assert (entry.levelno, entry.exc_info) == (logging.DEBUG, None)
    assert vars(entry)["fields"] == {"client": "127.0.0.1", "error": why}


async def test_a_client_that_goes_away_is_no_error(
    tls: Tls, client: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    """At any point of the handshake."""
    async with accepting(tls) as server:
        for said in (b"", b"\x16\x03\x01\x02\x00\x01"):
            for end in ("close", "abort"):
                _, writer = await server.connect()
                writer.write(said)
                await asyncio.sleep(0.02)
                getattr(writer.transport, end)()
        assert await server.greeting(client) == b"TLS"
    assert not caplog.records


async def test_no_more_handshakes_than_a_limit(
    tls: Tls, client: ssl.SSLContext, set_limit: Callable[[str, float], None]
) -> None:
    """Those that had their time make room, the oldest first: however many dawdle, others are served soon."""
    set_limit("MAX_HANDSHAKES", 3)
    set_limit("PATIENCE_SECONDS", 0.3)
    async with accepting(tls) as server:
        dawdlers = [(await server.connect())[0] for _ in range(7)]
        assert await asyncio.wait_for(server.greeting(client), 5) == b"TLS"
        given_up = [await seconds_until_closed(reader) < 1 for reader in dawdlers[:5]]
        assert given_up == [True] * 5
        assert not dawdlers[6].at_eof()


async def test_a_crowd_is_served_in_turn(
    tls: Tls, client: ssl.SSLContext, set_limit: Callable[[str, float], None]
) -> None:
    """Nobody who does his part is given up for others."""
    set_limit("MAX_HANDSHAKES", 3)
    async with accepting(tls) as server:
        assert await asyncio.gather(*(server.greeting(client) for _ in range(60))) == [b"TLS"] * 60


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ECONNABORTED])
async def test_a_system_that_has_no_connection_to_give(
    set_limit: Callable[[str, float], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
) -> None:
    """It is tried again after a pause, until there is one; the log says so once."""
    set_limit("PAUSE_SECONDS", 0.05)
    tries: list[float] = []
    loop = asyncio.get_running_loop()
    real = loop.sock_accept

    async def sock_accept(listener: socket.socket) -> tuple[socket.socket, object]:
        tries.append(time.monotonic())
        if len(tries) < 5:
            raise OSError(number, os.strerror(number))
        return await real(listener)

    monkeypatch.setattr(loop, "sock_accept", sock_accept)
    async with accepting(None) as server:
        assert await server.greeting() == b"plain"
    assert tries[4] - tries[0] > 0.15
    assert [vars(entry)["fields"] for entry in caplog.records] == [{"error": os.strerror(number)}]


async def test_the_end_is_not_held_up(tls: Tls) -> None:
    """Handshakes under way are ended, and nothing is left."""
    before = asyncio.all_tasks()
    began = time.monotonic()
    async with accepting(tls) as server:
        dawdlers = [(await server.connect())[0] for _ in range(20)]
        await asyncio.sleep(0.1)
    for reader in dawdlers:
        await seconds_until_closed(reader)
    assert time.monotonic() - began < 2
    assert asyncio.all_tasks() == before
