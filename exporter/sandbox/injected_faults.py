"""The failures of the API: its own, and those that are injected on request."""

import asyncio
from dataclasses import dataclass

from aiohttp import web


class ApiError(Exception):
    """A failure as the API tells it; some have the HTTP status of a success."""

    def __init__(self, message: str, status: int = 200, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFault:
    """What happens to requests instead of their usual answer."""

    kind: str
    status: int = 503
    message: str = "internal error"
    retry_after: float | None = None
    seconds: float = 10.0

    async def happen(self, request: web.Request) -> None:
        """Raise the ApiError of this fault, or disturb the request; then its usual answer follows."""
        match self.kind:
            case "http_error":
                raise ApiError("the server reports an error", self.status)
            case "api_error":
                raise ApiError(self.message)
            case "auth":
                raise ApiError("unknown access key", 401)
            case "not_found":
                raise ApiError("precheck task not found")
            case "rate_limited":
                raise ApiError("too many requests", 429, self.retry_after)
            case "slow":
                await asyncio.sleep(self.seconds)
            case "hang":
                await asyncio.Event().wait()  # until the client closes the connection, or the sandbox ends
            case "away" if request.transport:
                request.transport.abort()
