"""Taking connections, each with the TLS settings of its moment."""

import asyncio
import logging
import math
import socket
import ssl
from collections.abc import Awaitable, Callable

from exporter.logs import event
from exporter.web_config.tls import Tls

_log = logging.getLogger(__name__)

HANDSHAKE_SECONDS = 10.0
SHUTDOWN_SECONDS = 5.0
"""For the other side to answer TLS' farewell."""
MAX_HANDSHAKES = 100
PATIENCE_SECONDS = 1.0
"""What every handshake has, before it must make room for another."""
PAUSE_SECONDS = 1.0
"""Until the next try, after the system had no connection to give."""
SILENCE_SECONDS = 60.0
"""Until that is said again."""


class Acceptor:
    """Takes the connections of a listening socket. A client that dawdles costs nobody else more than a moment."""

    def __init__(
        self,
        listener: socket.socket,
        latest: Callable[[], Awaitable[Tls | None]],
        protocol: Callable[[Tls | None], asyncio.Protocol],
    ) -> None:
        listener.settimeout(0)
        self._listener = listener
        self._latest = latest
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._begun: dict[asyncio.Task[None], float] = {}
        self._told_at = -math.inf
        self._accepting = self._loop.create_task(self._accept())

    async def close(self) -> None:
        """Take no more connections, and end the handshakes under way."""
        tasks = (self._accepting, *self._begun)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self) -> None:
        while True:
            await self._make_room()
            try:
                connection, address = await self._loop.sock_accept(self._listener)
            except OSError as error:
                self._tell(error)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            task = self._loop.create_task(self._begin(connection, str(address[0])))
            self._begun[task] = self._loop.time()
            task.add_done_callback(self._begun.pop)

    def _tell(self, error: OSError) -> None:
        """Most likely the process or the system is out of open files, which comes and goes."""
        if self._loop.time() > self._told_at + SILENCE_SECONDS:
            self._told_at = self._loop.time()
            event(_log, logging.WARNING, "no connection can be accepted", error=error.strerror)

    async def _make_room(self) -> None:
        """Wait until another handshake may begin; one that had its time is given up for it."""
        while len(self._begun) >= MAX_HANDSHAKES:
            oldest, began = next(iter(self._begun.items()))
            patience = began + PATIENCE_SECONDS - self._loop.time()
            if patience <= 0:
                oldest.cancel()
            await asyncio.wait(self._begun, timeout=max(patience, 0.01), return_when=asyncio.FIRST_COMPLETED)

    async def _begin(self, connection: socket.socket, client: str) -> None:
        taken = False
        try:
            tls = await self._latest()
            taken = True
            await self._loop.connect_accepted_socket(
                lambda: self._protocol(tls),
                connection,
                ssl=tls.context if tls else None,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
                ssl_shutdown_timeout=SHUTDOWN_SECONDS if tls else None,
            )
        except OSError as error:
            why = (isinstance(error, ssl.SSLError) and error.reason) or error.strerror or str(error)
            event(_log, logging.DEBUG, "no TLS connection", client=client, error=why)
        finally:
            if not taken:
                connection.close()
