"""The signature of every request to the NineData OpenAPI."""

import hashlib
from datetime import UTC, datetime


def timestamp_of(moment: datetime) -> str:
    """The moment as the API writes it: UTC, whole seconds, `2024-05-31T09:15:33Z`."""
    return moment.astimezone(UTC).isoformat()[:19] + "Z"


def signature(path: str, secret_key: str, timestamp: str) -> str:
    """Lower-case hex SHA-256 of `PATH/SECRET&TIMESTAMP`, as the vendor documents it.

    `path` is the `/openapi/...` path alone: no host, no query string, no path prefix of a proxy.
    """
    return hashlib.sha256(f"{path}/{secret_key}&{timestamp}".encode()).hexdigest()
