"""The failures of the API: its own, and those that are injected on request."""

import asyncio
from dataclasses import dataclass

from aiohttp import web


class ApiError(Exception):
    """A failure as the API tells it, some under the HTTP status of a success. The error codes are made up."""

    def __init__(self, code: str, message: str, status: int = 200, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.headers = {} if retry_after is None else {"Retry-After": f"{retry_after:.0f}"}


UNKNOWN_KEY = ("ACCESS_KEY_UNKNOWN", "unknown access key", 401)
NO_PRECHECK = ("PRECHECK_TASK_NOT_FOUND", "precheck task not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFault:
    """What happens to requests instead of their usual answer."""

    kind: str
    status: int = 503
    error_code: str = "INTERNAL_ERROR"
    message: str = "internal error"
    retry_after: float | None = None
    seconds: float = 10.0

    async def happen(self, request: web.Request) -> None:
        """Raise the ApiError of this fault, or disturb the request; then its usual answer follows."""
        match self.kind:
            case "http_error":
                raise ApiError(f"HTTP_{self.status}", "the server reports an error", self.status)
            case "api_error":
                raise ApiError(self.error_code, self.message)
            case "auth":
                raise ApiError(*UNKNOWN_KEY)
            case "not_found":
                raise ApiError(*NO_PRECHECK)
            case "rate_limited":
                raise ApiError("RATE_LIMITED", "too many requests", 429, self.retry_after)
            case "slow":
                await asyncio.sleep(self.seconds)
            case "hang":
                await asyncio.Event().wait()  # until the client closes the connection, or the sandbox ends
            case "away" if request.transport:
                request.transport.abort()
