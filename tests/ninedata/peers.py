"""Servers on loopback that say, byte by byte, what a test wants; and a client on real connections."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from exporter.api_client import open_client
from exporter.config.settings import Api, Tls
from exporter.credentials import Secret
from exporter.ninedata import Precheck
from exporter.ninedata.tls import TlsFiles
from tests.ninedata.fake_api import TASK, Observer
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

PASSED = b'{"success": true, "data": {"status": "Success", "precheckItems": []}}'


def http(body: bytes = PASSED, head: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/json") -> bytes:
    """A whole answer."""
    return head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@dataclass
class Talk:
    """One connection, as a script sees it."""

    peer: "Peer"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def hear(self) -> bytes:
        """The head of the next request."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.peer.heads.append(head)
        return head

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()

    def reset(self) -> None:
        """End the connection with a TCP reset."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Talk], Awaitable[None]]


def answering(*parts: bytes, reset: bool = False) -> Script:
    """Hears a request, says this, and closes or resets the connection."""

    async def script(talk: Talk) -> None:
        await talk.hear()
        await talk.say(*parts)
        if reset:
            talk.reset()

    return script


async def silent(talk: Talk) -> None:
    """Never says anything."""
    while await talk.reader.read(65536):
        pass


async def keeping_alive(talk: Talk) -> None:
    """Answers every request on the same connection."""
    while True:
        await talk.hear()
        await talk.say(http(head=b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1; Path=/"))


@dataclass
class Peer:
    """A server, and what it saw."""

    url: str = ""
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)
    open: set[asyncio.Task[None]] = field(default_factory=set)


@asynccontextmanager
async def serving(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """A server that plays this script on every connection."""
    peer = Peer()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        peer.connections += 1
        peer.open.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await script(Talk(peer, reader, writer))
                writer.close()
                await writer.wait_closed()
        finally:
            writer.transport.abort()
            peer.open.discard(task)

    server = await asyncio.start_server(converse, "127.0.0.1", 0, ssl=tls, backlog=1024)
    peer.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        server.close()
        for task in peer.open:
            task.cancel()
        await asyncio.gather(*peer.open, return_exceptions=True)


class Asker:
    """A client on real connections, and its observer."""

    def __init__(
        self,
        base_url: str,
        *,
        tls: ssl.SSLContext | TlsFiles | None = None,
        server_name: str | None = None,
        proxy: str | None = None,
        concurrency: int = 32,
    ) -> None:
        trusting_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        api = Api(
            base_url,
            Secret(ACCESS_KEY_ID),
            Secret(SECRET_KEY),
            Tls(tls or trusting_nobody, server_name),
            Secret(proxy) if proxy else None,
            request_timeout=20.0,
            concurrency=concurrency,
        )
        self.observer = Observer()
        self._client, self._transport = open_client(api, self.observer, "ninedata-exporter")

    async def query(self) -> Precheck:
        return await self._client.query_precheck(TASK)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()
