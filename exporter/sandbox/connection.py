"""One client's connection: HTTP/1.1 with keep-alive by h11, and the means to break it."""

import asyncio
import socket
import struct
from contextlib import suppress
from http.client import responses
from urllib.parse import parse_qsl

import h11

from exporter.sandbox.clock import Clock
from exporter.sandbox.messages import Answer, Request, html_answer

READ_BYTES = 65536

_NO_BODY = frozenset({204, 304})


class GoneError(Exception):
    """The client has closed the connection, or it was closed on it: nothing more can be said."""


class Connection:
    """Reads requests, writes answers. Every method raises GoneError, or an OSError, where the client is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._http = h11.Connection(h11.SERVER)
        self._unsent: list[bytes] = []
        self._head_only = False
        self._bare = False

    async def request(self) -> Request:
        """The next request in full; something that is no HTTP is answered with 400 and ends the connection."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        head: h11.Request | None = None
        body = b""
        try:
            while True:
                match await self._event():
                    case h11.Request() as head:
                        pass
                    case h11.Data(data=data):
                        body += data
                    case h11.EndOfMessage() if head:
                        self._head_only = head.method == b"HEAD"
                        return _request(head, body)
                    case _:
                        raise GoneError
        except h11.RemoteProtocolError as error:
            if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                await self.send(html_answer("400 Bad Request", error.error_status_hint))
            raise GoneError from error

    async def send(self, answer: Answer) -> None:
        """A whole answer; the connection stays open if the client wants it so."""
        self.start(answer, len(answer.body))
        self.continue_(answer.body)
        await self.finish()

    def start(self, answer: Answer, length: int | None) -> None:
        """The head of an answer whose body has `length` bytes; None: of a length that is not told.

        What is started or continued is sent by the next `drain` or `finish`.
        """
        headers = [
            ("Date", self._clock.http_date()),
            ("Content-Type", answer.content_type),
            *answer.headers,
        ]
        never = answer.status in _NO_BODY
        self._bare = never or self._head_only
        if length is not None and not never:
            headers.append(("Content-Length", str(length)))
        reason = responses.get(answer.status, "")
        head = h11.Response(status_code=answer.status, headers=headers, reason=reason)
        self._unsent.append(self._http.send(head) or b"")

    def continue_(self, data: bytes) -> None:
        """A part of the body, unless HTTP allows this answer none."""
        if data and not self._bare:
            self._unsent.append(self._http.send(h11.Data(data)) or b"")

    async def finish(self) -> None:
        """The end of the body; closes the connection where the client asked for it."""
        self._unsent.append(self._http.send(h11.EndOfMessage()) or b"")
        await self.drain()
        if self._http.our_state is h11.MUST_CLOSE:
            raise GoneError

    async def drain(self) -> None:
        """Send, and wait until the client has taken most of it."""
        # Not writelines, which in some versions of Python neither pauses nor gets over an empty part.
        self._writer.write(b"".join(self._unsent))
        self._unsent.clear()
        await self._writer.drain()

    async def pause(self, seconds: float | None) -> None:
        """Let time pass, for ever with None, unless the client goes away."""
        try:
            async with asyncio.timeout(seconds):
                while data := await self._reader.read(READ_BYTES):
                    self._http.receive_data(data)
        except TimeoutError:
            return
        raise GoneError

    def raw(self, data: bytes) -> None:
        """Bytes that need not be HTTP, sent by the next `drain`."""
        self._unsent.append(data)

    async def close(self) -> None:
        """End the connection after all that was sent."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    def now(self) -> float:
        """The server's time, as the connection's Date headers tell it."""
        return self._clock.server()

    def reset(self) -> None:
        """End the connection with a TCP reset, by way of a linger time of none."""
        connected = self._writer.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def abort(self) -> None:
        """End the connection now; what was not sent yet is lost."""
        self._writer.transport.abort()

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(READ_BYTES))
        return event


def _request(head: h11.Request, body: bytes) -> Request:
    path, _, query = head.target.decode("ascii").partition("?")
    headers = {name.decode("ascii"): value.decode("latin-1") for name, value in head.headers}
    return Request(head.method.decode("ascii"), path, dict(parse_qsl(query)), headers, body)
