"""Faults that the sandbox injects into its answers, on request."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

FIELDS: dict[str, tuple[str, ...]] = {
    "http_error": ("status",),
    "api_error": ("error_code", "message"),
    "auth": (),
    "rate_limited": ("retry_after",),
    "not_found": (),
    "slow": ("seconds",),
    "hang": (),
    "away": (),
}
"""The kinds of faults, with the fields that each takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFault:
    """What requests get instead of their normal answer."""

    kind: str
    status: int = 503
    error_code: str = "INTERNAL_ERROR"
    message: str = "internal error"
    retry_after: int | None = None
    seconds: float = 10.0

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The answer to a request; `handler` gives the normal one."""
        match self.kind:
            case "http_error":
                return failure(f"HTTP_{self.status}", "the server reports an error", self.status)
            case "api_error":
                return failure(self.error_code, self.message)
            case "auth":
                return failure("ACCESS_KEY_UNKNOWN", "unknown access key", 401)
            case "not_found":
                return failure("PRECHECK_TASK_NOT_FOUND", "precheck task not found")
            case "rate_limited":
                response = failure("RATE_LIMITED", "too many requests", 429)
                if self.retry_after is not None:
                    response.headers["Retry-After"] = str(self.retry_after)
                return response
            case "slow":
                await asyncio.sleep(self.seconds)
                return await handler(request)
            case "hang":
                await asyncio.Event().wait()  # until the client closes the connection, or the sandbox ends
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def read_fault(value: object) -> InjectedFault:
    """A fault from its JSON form, `{"kind": "http_error", "status": 502}`.

    Raises ValueError that says what is wrong.
    """
    if not isinstance(value, dict) or value.get("kind") not in FIELDS:
        raise ValueError(f"kind must be one of {', '.join(FIELDS)}")
    for name, given in value.items():
        if name in ("error_code", "message"):
            good = isinstance(given, str)
        elif name == "seconds":
            good = isinstance(given, int | float) and 0 <= given <= 86400  # noqa: PLR2004 - a day
        else:
            good = name == "kind" or (isinstance(given, int) and 0 <= given <= (599 if name == "status" else 86400))
        if name not in ("kind", *FIELDS[value["kind"]]) or not good:
            raise ValueError(f"{value['kind']} takes no {name} {given!r}")
    return InjectedFault(**value)


def success(request_id: str | None = None, **fields: object) -> web.Response:
    """The documented envelope of a success, with these fields."""
    return _answer({"success": True, "requestId": request_id or _new_request_id(), **fields})


def failure(error_code: str, message: str, status: int = 200) -> web.Response:
    """The envelope of a failure; the API sends some under the HTTP status of a success. Error codes are made up."""
    envelope = {"success": False, "errorCode": error_code, "message": message, "requestId": _new_request_id()}
    return _answer(envelope, status)


def _answer(envelope: dict[str, object], status: int = 200) -> web.Response:
    return web.json_response(text=json.dumps(envelope, ensure_ascii=False), status=status)


def _new_request_id() -> str:
    """32 random characters, as in the documented examples."""
    return secrets.token_urlsafe(24)
