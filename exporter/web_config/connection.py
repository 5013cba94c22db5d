"""A connection of the HTTP server, as the web configuration wants it."""

import asyncio
import logging
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from exporter.connection import Connection
from exporter.logs import event
from exporter.web_config.tls import Tls

_log = logging.getLogger(__name__)


class GuardedConnection(Connection):
    """For clients with an allowed certificate. Its requests have it in their scope, as `state["connection"]`."""

    def __init__(self, config: uvicorn.Config, server_state: ServerState, tls: Tls | None) -> None:
        state: dict[str, Any] = {}
        super().__init__(config, server_state, app_state=state)
        state["connection"] = self
        self.tls = tls
        """The settings with which it was made."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's is
        """Comes right after the handshake, before any byte of a request."""
        super().connection_made(transport)
        if self.tls is not None and not self.tls.admits(transport.get_extra_info("peercert")):
            event(_log, logging.DEBUG, "client certificate has no allowed name", client=self.client and self.client[0])
            transport.abort()
