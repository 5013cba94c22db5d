"""A network between the exporter and the sandbox that can break in any way that TCP can."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum


class Mode(Enum):
    """What becomes of a connection."""

    PASS = "pass"
    SWALLOW = "swallow"
    """Taken and kept open, and nothing comes through any more: the other side is gone without a word."""
    RESET_MIDWAY = "reset midway"
    """Reset after half of an answer."""
    CLOSE_KEPT = "close kept"
    """Closed just when another request arrives on it."""
    SILENT = "silent"
    """Not answered: what asks for one is dropped, as by a firewall; what is open is closed."""
    REFUSE = "refuse"
    """Nobody listens; what is open is closed."""


class Relay:
    """Passes connections on to a port of this machine. Used from any thread."""

    def __init__(self, target: int, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop
        self._mode = Mode.PASS
        self._server: asyncio.Server | None = None
        self._silent: list[socket.socket] = []
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        self.set(Mode.PASS)

    def set(self, mode: Mode) -> None:
        """From now on, also for connections that are open."""
        asyncio.run_coroutine_threadsafe(self._set(mode), self._loop).result(10)

    async def _set(self, mode: Mode) -> None:
        self._mode = mode
        for unused in self._silent:
            unused.close()
        self._silent.clear()
        if mode in {Mode.REFUSE, Mode.SILENT}:
            if self._server is not None:
                self._server.close()
                self._server = None
            for writer in self._open:
                writer.transport.abort()
            if mode is Mode.SILENT:
                self._listen_in_vain()
        elif self._server is None:
            self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port, backlog=1024)
            self.port = self._server.sockets[0].getsockname()[1]

    def _listen_in_vain(self) -> None:
        """A queue of connections that is full: Linux drops what asks for another."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(0)
        self._silent.append(listener)
        for _ in range(4):
            queued = socket.socket()
            queued.settimeout(0)
            queued.connect_ex(("127.0.0.1", self.port))
            self._silent.append(queued)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ends = {writer, up_writer}
        self._open |= ends
        try:
            ways = [asyncio.create_task(way) for way in (self._ask(reader, up_writer), self._tell(up_reader, writer))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests on their way; the exporter sends each in one piece."""
        asked = 0
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                asked += 1
                if self._mode is Mode.CLOSE_KEPT and asked > 1:
                    return
                if self._mode is not Mode.SWALLOW:
                    writer.write(data)
                    await writer.drain()

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers on their way."""
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if self._mode is Mode.RESET_MIDWAY:
                    writer.write(data[: len(data) // 2])
                    await asyncio.sleep(0.05)
                    connected = writer.get_extra_info("socket")
                    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                if self._mode is not Mode.SWALLOW:
                    writer.write(data)
                    await writer.drain()

    async def close(self) -> None:
        """End all that is left."""
        await self._set(Mode.REFUSE)
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)


@contextmanager
def relaying(target: int) -> Iterator[Relay]:
    """A relay in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    relay = Relay(target, loop)
    try:
        yield relay
    finally:
        asyncio.run_coroutine_threadsafe(relay.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
