"""Every way in which a query can fail, as a bounded set of reasons with advice for people."""

import enum
from collections.abc import Mapping
from types import MappingProxyType


class Reason(enum.StrEnum):
    """Why a query of a task gave no precheck. Used as a label value: the set is closed."""

    TIMEOUT = "timeout"
    DEADLINE = "deadline"
    CONNECT = "connect"
    TLS = "tls"
    AUTH = "auth"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND = "not_found"
    UNSUPPORTED = "unsupported"
    HTTP_ERROR = "http_error"
    API_ERROR = "api_error"
    INVALID_RESPONSE = "invalid_response"
    TOO_LARGE = "too_large"
    INTERNAL = "internal"


ADVICE: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.TIMEOUT: "The API did not answer within api.request_timeout. See whether it is slow or a firewall "
        "swallows the connection; raise api.request_timeout if slow answers are normal.",
        Reason.DEADLINE: "The scrape's time was up before the API had answered. Raise scrape_timeout in Prometheus or "
        "api.concurrency, or watch fewer tasks with one exporter.",
        Reason.CONNECT: "See whether api.base_url and api.proxy_url are right, the host name resolves here, and this "
        "machine's address may reach the API (some sites allow only listed addresses).",
        Reason.TLS: "See whether the server's certificate is valid and its issuer known here; name the issuer's "
        "certificate in api.tls.ca_file if it is your own.",
        Reason.AUTH: "See whether the access key id and the secret key belong together, are active, and may read this "
        "task, and whether this machine's clock is right.",
        Reason.RATE_LIMITED: "Scrape less often, watch fewer tasks with one key, or spread the requests with "
        "api.rate_limit.",
        Reason.NOT_FOUND: "See whether task_id and precheck_task_id are right and visible to this key. A precheck that "
        "is started again has a new precheck_task_id: put that one in.",
        Reason.UNSUPPORTED: "The server does not know this part of the API. See whether api.base_url points at the "
        "NineData console itself and whether a self-hosted server is recent enough.",
        Reason.HTTP_ERROR: "The server, or a proxy before it, answered with an error. See its own log and the message.",
        Reason.API_ERROR: "NineData refused the query. Its message says why; its support finds the query by the "
        "request id.",
        Reason.INVALID_RESPONSE: "The answer is not what the API is documented to give. See whether a proxy or a login "
        "page answers in its place; otherwise report it with the message.",
        Reason.TOO_LARGE: "The answer is larger than any precheck's. See whether api.base_url points at the NineData "
        "console itself.",
        Reason.INTERNAL: "A fault of the exporter. Please report it with the log line.",
    }
)
"""What a person can do about each reason."""


class QueryError(Exception):
    """A query that gave no precheck. The message is for people, clean and free of secrets.

    `request_id` is the API's own, or empty. `worth_retrying` says that the same request, sent again at once, may
    well succeed and cannot do harm. `hold_seconds` is how long the API wants no more requests. `sent` is false where
    the failure is one of time or rate before any request left.
    """

    def __init__(  # noqa: PLR0913 - a value's fields, each named
        self,
        reason: Reason,
        message: str,
        *,
        request_id: str = "",
        worth_retrying: bool = False,
        hold_seconds: float = 0.0,
        sent: bool = True,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.request_id = request_id
        self.worth_retrying = worth_retrying
        self.hold_seconds = hold_seconds
        self.sent = sent

    def __str__(self) -> str:
        return self.message
