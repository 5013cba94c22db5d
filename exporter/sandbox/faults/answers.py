"""Faults of what is said: a whole HTTP answer arrives, and is not the one that was hoped for."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.client import responses

from exporter.sandbox.envelopes import error_envelope
from exporter.sandbox.faults.fault import Fault, FaultError, is_number
from exporter.sandbox.messages import JSON, Answer, blanks, html_answer, json_answer


@dataclass(frozen=True, kw_only=True)
class Delay(Fault):
    """The well-behaved answer, after `delay_seconds`."""

    kind = "delay"


@dataclass(frozen=True, kw_only=True)
class HttpStatus(Fault):
    """An HTTP status with a body: `json` (the API's failure), `html`, or `empty`."""

    kind = "http_status"
    status: int
    body: str = "json"

    def altered(self, answer: Answer, now: float) -> Answer:
        """Another answer altogether."""
        del answer, now
        reason = responses.get(self.status, "")
        if self.body == "html":
            return html_answer(f"{self.status} {reason}", self.status)
        if self.body == "empty":
            return Answer(b"", self.status)
        return json_answer(error_envelope(f"HTTP_{self.status}", reason.lower()), self.status)


@dataclass(frozen=True, kw_only=True)
class RateLimited(Fault):
    """429; `retry_after` is sent as it is, or with `as_date` as the moment so many seconds from the server's now."""

    kind = "rate_limited"
    retry_after: float | str | None = None
    as_date: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.as_date and not is_number(self.retry_after):
            raise FaultError("rate_limited: as_date needs retry_after in seconds")

    def altered(self, answer: Answer, now: float) -> Answer:
        """Another answer altogether."""
        del answer
        refused = json_answer(error_envelope("RATE_LIMITED", "too many requests"), 429)
        if self.retry_after is None:
            return refused
        told = formatdate(now + float(self.retry_after), usegmt=True) if self.as_date else str(self.retry_after)
        return replace(refused, headers=(("Retry-After", told),))


@dataclass(frozen=True, kw_only=True)
class Redirect(Fault):
    """Sends the client elsewhere."""

    kind = "redirect"
    location: str
    status: int = 302

    def altered(self, answer: Answer, now: float) -> Answer:
        """Another answer altogether."""
        del answer, now
        return Answer(b"", self.status, headers=(("Location", self.location),))


@dataclass(frozen=True, kw_only=True)
class ApiError(Fault):
    """`success: false`; what is None is left out."""

    kind = "api_error"
    error_code: str | None = None
    message: str | None = None
    status: int = 200

    def altered(self, answer: Answer, now: float) -> Answer:
        """Another answer altogether."""
        del answer, now
        return json_answer(error_envelope(self.error_code, self.message), self.status)


@dataclass(frozen=True, kw_only=True)
class Body(Fault):
    """Any bytes as the body."""

    kind = "body"
    content: bytes
    status: int = 200
    content_type: str = JSON
    content_encoding: str | None = None

    def altered(self, answer: Answer, now: float) -> Answer:
        """Another answer altogether."""
        del answer, now
        encoding = (("Content-Encoding", self.content_encoding),) if self.content_encoding else ()
        return Answer(self.content, self.status, self.content_type, encoding)


@dataclass(frozen=True, kw_only=True)
class Patch(Fault):
    """Keys of the answer's `data` set to any JSON value, others left out; a failure stays as it is."""

    kind = "patch"
    data: Mapping[str, object] = field(default_factory=dict)
    omit: tuple[str, ...] = ()

    def altered(self, answer: Answer, now: float) -> Answer:
        """The same answer but for these keys."""
        del now
        envelope = json.loads(answer.body) if answer.content_type == JSON else None
        if not isinstance(envelope, dict) or not isinstance(envelope.get("data"), dict):
            return answer
        data = {**envelope["data"], **self.data}
        envelope["data"] = {key: value for key, value in data.items() if key not in self.omit}
        return replace(json_answer(envelope, answer.status), headers=answer.headers)


@dataclass(frozen=True, kw_only=True)
class PatchEnvelope(Fault):
    """Keys beside `data`, or `data` as a whole, set to any JSON value, others left out; also of a failure."""

    kind = "patch_envelope"
    fields: Mapping[str, object] = field(default_factory=dict)
    omit: tuple[str, ...] = ()

    def altered(self, answer: Answer, now: float) -> Answer:
        """The same answer but for these keys."""
        del now
        if answer.content_type != JSON:
            return answer
        envelope = {**json.loads(answer.body), **self.fields}
        kept = {key: value for key, value in envelope.items() if key not in self.omit}
        return replace(json_answer(kept, answer.status), headers=answer.headers)


@dataclass(frozen=True, kw_only=True)
class HugeHeaders(Fault):
    """A header of `size` bytes."""

    kind = "huge_headers"
    size: int

    def altered(self, answer: Answer, now: float) -> Answer:
        """The same answer with the header."""
        del now
        return replace(answer, headers=(*answer.headers, ("X-Filler", "x" * self.size)))


@dataclass(frozen=True, kw_only=True)
class GzipBomb(Fault):
    """The well-behaved answer after `size` spaces, compressed to about a thousandth: valid JSON, if one unpacks it."""

    kind = "gzip_bomb"
    size: int

    def altered(self, answer: Answer, now: float) -> Answer:
        """The same answer, compressed."""
        del now
        gzip = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        packed = [gzip.compress(spaces) for spaces in blanks(self.size)]
        body = b"".join([*packed, gzip.compress(answer.body), gzip.flush()])
        return replace(answer, body=body, headers=(*answer.headers, ("Content-Encoding", "gzip")))
