"""The ways in which a query can fail: a closed set of reasons, each with advice for people."""

import enum
import os
import re
from dataclasses import KW_ONLY, dataclass

from exporter.ninedata.kinds import KINDS, REQUEST_PATHS


class Reason(enum.StrEnum):
    """Why a query failed. The values are those of the label `reason`."""

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


@dataclass(eq=False)
class QueryError(Exception):
    """A failed query. The message is for people: clean, bounded, without secrets."""

    reason: Reason
    message: str
    _: KW_ONLY
    request_id: str = ""
    """The API's own, for its support."""
    advice: str = ""
    """What to do about just this failure, if more is known than the reason."""
    worth_retrying: bool = False
    """The same request, sent again at once, may well succeed."""
    hold_seconds: float = 0.0
    """For how long the API wants no more requests."""
    sent: bool = True
    """A request left."""

    def __str__(self) -> str:
        return self.message


def words_of_system(error: OSError) -> str:
    """Why the system could not connect, without what Python adds to it.

    A name can have several addresses, such as one of IPv6 and one of IPv4, that fail in different ways.
    """
    numbers = [error.errno] if error.errno and error.errno > 0 else re.findall(r"\[Errno (\d+)\]", str(error))
    words = dict.fromkeys(os.strerror(int(number)) for number in numbers)
    return ", ".join(words) or error.strerror or ""


def advice_on(reason: Reason, request: str) -> str:
    """What a person can do about a failed query; `request` is its kind, one of REQUEST_PATHS."""
    if reason is Reason.NOT_FOUND and not (request in KINDS and KINDS[request].has_precheck_id):
        return (
            "Check that task_id and kind are right (cd-... is data_compare, cc-... schema_compare, rp-... replication) "
            "and that this key's account may see the task, or may list tasks."
        )
    return _ADVICE[reason].format(path=REQUEST_PATHS.get(request, ""))


_ADVICE = {
    Reason.TIMEOUT: "The API did not answer within api.request_timeout. Check whether it is slow or a firewall "
    "drops the connection; raise api.request_timeout if slow answers are normal.",
    Reason.DEADLINE: "The scrape ran out of time before the API answered. Raise scrape_timeout in Prometheus or "
    "api.concurrency, or watch fewer tasks with one exporter.",
    Reason.CONNECT: "Check api.base_url and api.proxy_url, that the host name resolves on this machine, and that "
    "the API accepts this machine's address (some sites allow only listed addresses).",
    Reason.TLS: "Check that the server's certificate is valid and that this machine trusts its issuer; put the "
    "certificate of an issuer of your own into api.tls.ca_file.",
    Reason.AUTH: "Check that the access key id and the secret key belong together, are active, and may read this, "
    "and that this machine's clock is right.",
    Reason.RATE_LIMITED: "Scrape less often, watch fewer tasks with one key, or spread the requests with "
    "api.rate_limit.",
    Reason.NOT_FOUND: "Check that task_id, kind and precheck_task_id are right and that this key's account may see "
    "the task. A precheck that was started again has a new precheck_task_id: configure that one.",
    Reason.UNSUPPORTED: "The server does not have {path}. Check that api.base_url is the address of the NineData "
    "console itself. If it is and other kinds of task work, the server is too old: upgrade it, or ask NineData's "
    "support which release has this part of the OpenAPI.",
    Reason.HTTP_ERROR: "The server, or a proxy in front of it, answered with an error. Read the message and the "
    "server's own log.",
    Reason.API_ERROR: "NineData refused the query, and the message says why. NineData's support finds the query by "
    "its request id.",
    Reason.INVALID_RESPONSE: "The answer is not what the API documents. Check whether a proxy or a login page "
    "answers in its place; otherwise report it with the message.",
    Reason.TOO_LARGE: "NineData's own answers are smaller. Check that api.base_url is the address of the NineData "
    "console itself. If a list of replications is too long, name one status in discovery.replication.statuses.",
    Reason.INTERNAL: "This is a bug in the exporter. Please report it with the log line.",
}
