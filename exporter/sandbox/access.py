"""Who may ask: the server's side of NineData's signing, written from its description and not from the client."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest

from exporter.sandbox.messages import Request

WINDOW_SECONDS = 600

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


class RefusedError(Exception):
    """A request that the API does not answer; `code` is this sandbox's invention, as the API documents none."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def signature(path: str, secret_key: str, timestamp: str) -> str:
    """Lower-case hex SHA-256 of path, "/", secret, "&" and timestamp; the path is without host and query."""
    return sha256(f"{path}/{secret_key}&{timestamp}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Access:
    """The one account that the sandbox knows."""

    access_key_id: str
    secret_key: str = field(repr=False)

    def check(self, request: Request, now: float) -> None:
        """Let a well signed request pass.

        Raises:
            RefusedError: says which header is missing or wrong, and never what it should have been.
        """
        if not _same(_header(request, "access-key-id"), self.access_key_id):
            raise RefusedError("ACCESS_KEY_UNKNOWN", "unknown access key")
        timestamp = _header(request, "timestamp")
        if abs(_epoch_seconds(timestamp) - now) > WINDOW_SECONDS:
            raise RefusedError("TIMESTAMP_EXPIRED", "timestamp is more than 10 minutes from the server's clock")
        if not _same(_header(request, "signature"), signature(request.path, self.secret_key, timestamp)):
            raise RefusedError("SIGNATURE_WRONG", "wrong signature")


def _header(request: Request, name: str) -> str:
    value = request.headers.get(name)
    if not value:
        raise RefusedError("HEADER_MISSING", f"header {name} is missing")
    return value


def _same(given: str, known: str) -> bool:
    """Compared as bytes, since text outside ASCII would raise, and in a time that tells nothing of the place."""
    return compare_digest(given.encode(), known.encode())


def _epoch_seconds(timestamp: str) -> float:
    if _TIMESTAMP.fullmatch(timestamp):
        try:
            return datetime.fromisoformat(timestamp).timestamp()
        except ValueError:
            pass  # the right form, but no day or hour of the calendar
    raise RefusedError("TIMESTAMP_INVALID", "timestamp is not of the form 2024-05-31T09:15:33Z")
