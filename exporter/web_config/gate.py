"""What stands before the application: the configured headers, and who may ask."""

from collections.abc import Awaitable, Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.headers import HEADERS
from exporter.web_config.connection import GuardedConnection
from exporter.web_config.hashing import Hashing, TooManyWaitingError
from exporter.web_config.load import WebConfig
from exporter.web_config.users import Users, credentials_of


class Gate:
    """An ASGI application that lets requests through to another by the configuration of their moment.

    A connection that was made with other TLS settings is closed instead of answered; clients then make a new one.
    """

    def __init__(self, app: ASGIApp, latest: Callable[[], Awaitable[WebConfig]]) -> None:
        self._app = app
        self._latest = latest
        self._hashing = Hashing()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: every path alike."""
        config = await self._latest()
        connection = scope.get("state", {}).get("connection")
        if isinstance(connection, GuardedConnection) and connection.tls is not config.tls:
            connection.transport.close()
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        refusal = await self._refusal(config.users, scope) if config.users else None
        await (refusal or self._app)(scope, receive, _adding(config, send))

    async def _refusal(self, users: Users, scope: Scope) -> ASGIApp | None:
        claimed = credentials_of([value for name, value in scope["headers"] if name == b"authorization"])
        try:
            if claimed is not None and await users.admit(claimed, self._hashing):
                return None
        except TooManyWaitingError:
            return PlainTextResponse("Too many logins at once.\n", 503, {**HEADERS, "Retry-After": "5"})
        return PlainTextResponse("Unauthorized\n", 401, {**HEADERS, "WWW-Authenticate": "Basic"})

    def close(self) -> None:
        """Let no request wait for a password any longer."""
        self._hashing.close()


def _adding(config: WebConfig, send: Send) -> Send:
    """Sends answers with the configured headers, in place of the application's own of the same names."""
    headers = [(name.lower().encode(), value.encode()) for name, value in config.headers.items()]
    names = {name for name, _ in headers}

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if name.lower() not in names]
            message = {**message, "headers": [*kept, *headers]}
        await send(message)

    return send_with_headers
