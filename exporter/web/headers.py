"""What every answer tells a browser: pages, metrics and refusals alike."""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""No script, no frame, no foreign content, no guessing of types, nothing stored."""


class WithHeaders:
    """An ASGI application that adds HEADERS to another's answers, where these have none of their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def broken(_: Request, __: Exception) -> Response:
    """The answer where the exporter itself has a fault, which its log has; no application adds headers to that one."""
    return PlainTextResponse("The exporter met an internal error; its log has more.\n", 500, HEADERS)
