"""The connections of the HTTP server: how long a client may let one wait, and how many there may be."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

REQUEST_SECONDS = 10.0
"""For the head of a request, from the start of the connection, or from the first byte after an answer."""
KEEPALIVE_SECONDS = 120.0
"""For the next request. Longer than the usual scrape intervals, so that Prometheus keeps its connection."""
READ_SECONDS = 60.0
"""For taking an answer."""
MAX_CONNECTIONS = 500
"""More than that, and the one that has let the server wait for longest makes room."""
MAX_UNSENT_BYTES = 64 * 1024 * 1024
"""Of answers that nobody takes. More than that, and those that have waited longest are given up."""
SWEEP_SECONDS = 1.0
PIECE_BYTES = 64 * 1024
"""Of an answer, which are copied for a connection at once: of those not taken, there are at most two pieces in copy."""


class Connection(H11Protocol):
    """uvicorn's, which knows how long its client has let it wait, and sends a large answer as fast as it is taken."""

    _since = 0.0
    _patience = REQUEST_SECONDS
    unsent_since: float | None = None
    """When it was first seen with bytes that the client does not take; None while it takes all."""
    body: bytes | None = None
    """The large body that is being sent, which other connections may share."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._whole_app, self.app = self.app, self._app_in_pieces

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's is
        """Comes before any byte of a request. Where there are too many, one of them ends."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=PIECE_BYTES)  # which are more with TLS
        self._await_request(REQUEST_SECONDS)
        others = [other for other in connections_in(self.connections) if not other.transport.is_closing()]
        if len(others) > MAX_CONNECTIONS:
            waiting = [other for other in others if other.lets_wait and other is not self]
            min(waiting, key=lambda other: other.waiting_since, default=self).transport.abort()

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        if self.is_idle and self._patience != REQUEST_SECONDS:
            self._await_request(REQUEST_SECONDS)
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP. In the middle of a request, whose answer will come, uvicorn's own would be a second."""
        if self.is_idle:
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def on_response_complete(self) -> None:
        """The whole answer is on its way."""
        self._await_request(KEEPALIVE_SECONDS)
        super().on_response_complete()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def lets_wait(self) -> bool:
        """Whether its client is waited for: for a request, or to take what is sent.

        Or else it asks on before it is answered, as no scraper does, so that it would never count as waiting.
        """
        return self.is_idle or self.flow.write_paused or bool(self.conn.trailing_data[0])

    @property
    def waiting_since(self) -> float:
        """When it last had an answer, or the first piece of one, or began, or had the first byte of a request since."""
        return self._since

    def is_overdue(self, now: float) -> bool:
        """Whether the client has let it wait for longer than it may, for a request or with an answer."""
        if self.body is None and not self.transport.get_write_buffer_size():
            self.unsent_since = None
        elif self.unsent_since is None:
            self.unsent_since = now
        unread = self.unsent_since is not None and now - self.unsent_since > READ_SECONDS
        return unread or (self.is_idle and now - self._since > self._patience)

    async def _app_in_pieces(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application, of whose answers uvicorn takes as many messages as the client does, but each message whole.

        What is sent on a connection that is lost, uvicorn drops at once, so that the application ends.
        """

        async def send_in_pieces(message: Message) -> None:
            body: bytes = message.get("body", b"")
            if len(body) <= PIECE_BYTES:
                await send(message)
                return
            self.body, self._since = body, self.loop.time()
            try:
                for start in range(0, len(body), PIECE_BYTES):
                    more = start + PIECE_BYTES < len(body) or message.get("more_body", False)
                    await send({**message, "body": body[start : start + PIECE_BYTES], "more_body": more})
            finally:
                self.body = None

        await self._whole_app(scope, receive, send_in_pieces)

    def _await_request(self, patience: float) -> None:
        self._since, self._patience = self.loop.time(), patience


def sweep(connections: Iterable[object], now: float) -> None:
    """End the connections that let the server wait; to be called every SWEEP_SECONDS."""
    kept = []
    for connection in connections_in(connections):
        if connection.is_overdue(now):
            connection.transport.abort()
        elif connection.unsent_since is not None:
            kept.append((connection.unsent_since, connection))
    sharers = Counter(id(connection.body) for _, connection in kept)
    sizes = {id(connection.body): len(connection.body or b"") for _, connection in kept}
    unsent = sum(sizes.values()) + sum(connection.transport.get_write_buffer_size() for _, connection in kept)
    for since, connection in sorted(kept, key=lambda one: one[0]):
        # Whoever has just been answered has had no time to read.
        if unsent <= MAX_UNSENT_BYTES or now - since < SWEEP_SECONDS:
            break
        unsent -= connection.transport.get_write_buffer_size()
        sharers[id(connection.body)] -= 1
        if not sharers[id(connection.body)]:
            unsent -= sizes[id(connection.body)]
        connection.transport.abort()


def connections_in(found: Iterable[object]) -> list[Connection]:
    """Those among uvicorn's that are of this kind, which are all."""
    return [connection for connection in found if isinstance(connection, Connection)]
