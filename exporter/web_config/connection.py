"""A connection of the HTTP server, as the web configuration wants it."""

import asyncio
import logging
from collections.abc import Callable

import uvicorn
from uvicorn.server import ServerState

from exporter.connection import Connection
from exporter.logs import event
from exporter.web_config.tls import Tls

_log = logging.getLogger(__name__)


class GuardedConnection(Connection):
    """For clients with an allowed certificate.

    A connection that was made with other TLS settings than those now in force gets no further request through.
    """

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, tls: Tls | None, current: Callable[[], Tls | None]
    ) -> None:
        super().__init__(config, server_state, app_state={})
        self._tls = tls
        self._current = current

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's is
        """Comes right after the handshake, before any byte of a request."""
        super().connection_made(transport)
        if self._tls is not None and not self._tls.admits(transport.get_extra_info("peercert")):
            event(_log, logging.DEBUG, "client certificate has no allowed name", client=self.client and self.client[0])
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        if self.is_idle and self._current() is not self._tls:
            self.transport.close()
        if not self.transport.is_closing():
            super().data_received(data)
