"""Connections that are established: what is let through on them, and how long they may be idle."""

import asyncio
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter import connection as connections
from exporter.listener import Address, listen
from exporter.serve import serve
from exporter.web_config import WebConfigFile
from tests.web_config.certificates import Issuer
from tests.web_config.handshake import ask_with_the_handshake, client_context

pytestmark = pytest.mark.anyio

REQUEST = b"GET / HTTP/1.1\r\nHost: exporter\r\n\r\n"
TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
PLAIN = "http_server_config: {}\n"
CLIENTS = f"{TLS}  client_ca_file: issuer.crt\n  client_auth_type: RequireAndVerifyClientCert\n"


class Talk:
    """A connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self) -> bytes:
        """The answer to a request, without its head."""
        self.writer.write(REQUEST)
        await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)
        return await self.reader.readexactly(4)

    async def is_closed_within(self, seconds: float) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), seconds) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


class Server:
    """A served application that counts its requests, behind a web configuration."""

    def __init__(self, path: Path, port: int = 0) -> None:
        self.path = path
        self.port = port
        self.requests = 0
        self.answer_seconds = 0.0
        self.opened: list[Talk] = []

    async def home(self, _: Request) -> Response:
        self.requests += 1
        await asyncio.sleep(self.answer_seconds)
        return PlainTextResponse("here")

    async def connect(self, client: ssl.SSLContext | None = None) -> Talk:
        name = None if client is None else "localhost"
        talk = Talk(*await asyncio.open_connection("127.0.0.1", self.port, ssl=client, server_hostname=name))
        self.opened.append(talk)
        return talk


Serving = Callable[[str], AbstractAsyncContextManager[Server]]


@pytest.fixture
def serving(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """Serves with a web configuration; a request may take half a second to arrive."""
    monkeypatch.setattr(connections, "REQUEST_SECONDS", 0.5)

    @asynccontextmanager
    async def server_of(content: str) -> AsyncIterator[Server]:
        server = Server(folder / "web.yaml")
        server.path.write_text(content)
        ready = asyncio.Event()
        app = Starlette(routes=[Route("/", server.home)])
        with listen(Address("127.0.0.1", 0)) as listener:
            server.port = listener.getsockname()[1]
            running = asyncio.create_task(serve(app, listener, ready.set, web=WebConfigFile(server.path)))
            await ready.wait()
            try:
                yield server
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                await running
                for talk in server.opened:
                    talk.writer.transport.abort()
                await asyncio.sleep(0)

    return server_of


@pytest.fixture
def client(issuer: Issuer) -> ssl.SSLContext:
    return client_context(issuer.own.certificate)


@pytest.mark.parametrize("content", [TLS, PLAIN])
@pytest.mark.parametrize("said", [b"", b"GET / HT", REQUEST[:-2]])
async def test_whoever_does_not_ask_is_given_up(
    serving: Serving, client: ssl.SSLContext, content: str, said: bytes
) -> None:
    """Whether nothing comes or the beginning of a request."""
    async with serving(content) as server:
        talk = await server.connect(client if content == TLS else None)
        talk.writer.write(said)
        assert not await talk.is_closed_within(0.2)
        assert await talk.is_closed_within(2)
        assert server.requests == 0


async def test_a_slow_answer_is_waited_for(serving: Serving, client: ssl.SSLContext) -> None:
    """A scrape takes its time, and the connection then stays for the next one."""
    async with serving(TLS) as server:
        server.answer_seconds = 1.0
        talk = await server.connect(client)
        assert await talk.ask() == b"here"
        assert not await talk.is_closed_within(1)


@pytest.mark.parametrize("change", [CLIENTS, PLAIN])
async def test_a_connection_of_before_a_change_of_tls_gets_nothing_more(
    serving: Serving, client: ssl.SSLContext, change: str
) -> None:
    """It is closed instead of an answer, upon which clients make a new one, under the present settings."""
    async with serving(TLS) as server:
        talk = await server.connect(client)
        assert await talk.ask() == b"here"
        server.path.write_text(change)
        talk.writer.write(REQUEST)
        assert await talk.is_closed_within(2)
        assert server.requests == 1


async def test_a_plain_connection_ends_when_tls_comes(serving: Serving, client: ssl.SSLContext) -> None:
    async with serving(PLAIN) as server:
        talk = await server.connect()
        assert await talk.ask() == b"here"
        server.path.write_text(TLS)
        talk.writer.write(REQUEST)
        assert await talk.is_closed_within(2)
        assert await (await server.connect(client)).ask() == b"here"


async def test_a_connection_outlives_a_change_that_does_not_concern_it(serving: Serving) -> None:
    """Here: one of the headers, where there is no TLS."""
    async with serving(PLAIN) as server:
        talk = await server.connect()
        assert await talk.ask() == b"here"
        server.path.write_text("http_server_config: {headers: {X-Frame-Options: deny}}")
        assert await talk.ask() == b"here"


@pytest.mark.parametrize(("name", "answered"), [("prometheus.example", 1), ("elsewhere.example", 0)])
async def test_a_certificate_without_an_allowed_name_gets_no_request_through(
    serving: Serving, issuer: Issuer, name: str, answered: int
) -> None:
    """Even where the request comes along with the end of the handshake."""
    client = client_context(issuer.own.certificate, issuer.issue(name, f"DNS:{name}"))
    async with serving(f"{CLIENTS}  client_allowed_sans: [prometheus.example]\n") as server:
        answer = await asyncio.to_thread(ask_with_the_handshake, server.port, client, REQUEST)
        assert (answer.startswith(b"HTTP/1.1 200 OK"), server.requests) == (bool(answered), answered)
