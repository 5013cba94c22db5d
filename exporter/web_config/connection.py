"""A connection of the HTTP server, as the web configuration wants it."""

import asyncio
import logging
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from exporter.logs import event
from exporter.web_config.tls import Tls

_log = logging.getLogger(__name__)

REQUEST_SECONDS = 10.0
"""For the head of a request, from its first byte, or from the start of the connection."""


class Connection(H11Protocol):
    """uvicorn's, for clients with an allowed certificate, that waits for a request only so long.

    A connection that was made with other TLS settings than those now in force gets no further request through.
    """

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, tls: Tls | None, current: Callable[[], Tls | None]
    ) -> None:
        super().__init__(config, server_state, app_state={})
        self._tls = tls
        self._current = current
        self._impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's is
        """Comes right after the handshake, before any byte of a request."""
        super().connection_made(transport)
        if self._tls is not None and not self._tls.admits(transport.get_extra_info("peercert")):
            event(_log, logging.DEBUG, "client certificate has no allowed name", client=self.client and self.client[0])
            transport.abort()
            return
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        if self._is_idle():
            if self._current() is not self._tls:
                self.transport.close()
            if self.transport.is_closing():
                return
        super().data_received(data)
        if self._is_idle():
            self._await_request()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever closed it."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_request(self) -> None:
        if self._impatience is None:
            self._impatience = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
