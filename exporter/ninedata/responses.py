"""What a response's headers decide, and its body read within bounds."""

import email.utils
import functools
import urllib.parse
import zlib
from datetime import UTC, datetime

import httpx

from exporter.credentials import Secret
from exporter.ninedata.echo import text_without
from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.text import clean_name
from exporter.ninedata.throttle import DEFAULT_HOLD_SECONDS, MAX_HOLD_SECONDS

MAX_ANSWER_BYTES = 1024 * 1024
"""The largest answer that is read, before and after decompression: more than any precheck needs."""
MAX_BRACKETS, MAX_COMMAS = 30_000, 100_000
"""The most of each in an answer, for what they bound: how many values its JSON has, which all cost time."""


@functools.lru_cache(maxsize=64)  # all answers within a second have the same
def date_of(header: str) -> datetime | None:
    """The moment that a header gives, or None for one that is none."""
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def refuse_by_headers(response: httpx.Response, now: datetime, *secrets: Secret) -> None:
    """Raise for what the headers alone decide: too many requests, a redirect, an answer larger than allowed.

    No message shows one of the secrets.
    """
    status = response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        hold = min(_retry_after(response, now), MAX_HOLD_SECONDS)
        raise QueryError(
            Reason.RATE_LIMITED,
            f"HTTP 429: the API wants fewer requests; none for {hold:.0f} s",
            hold_seconds=hold,
        )
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's own boundaries
        target = _place_of(text_without(response.headers.get("location", ""), *secrets))
        meaning = (
            f"redirected to {target}, which is not followed because the signature must not go to another host; "
            "put the final address in api.base_url"
            if target
            else "not an answer to this request"
        )
        raise QueryError(Reason.HTTP_ERROR, f"HTTP {status}: {meaning}")
    length = response.headers.get("content-length", "").strip()
    if length.isdecimal():
        _check_size(int(length[:18]))


def _place_of(location: str) -> str:
    """Where a redirect leads, without what may be secret in it: user, password, query and fragment."""
    try:
        scheme, host, path, _, _ = urllib.parse.urlsplit(location)
    except ValueError:
        return ""
    return clean_name(urllib.parse.urlunsplit((scheme, host.rpartition("@")[2], path, "", "")))


def _retry_after(response: httpx.Response, now: datetime) -> float:
    """The pause that a 429 wants, in seconds: given as a number or as a date, or the default."""
    header = response.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdigit():
        return float(header[:9])
    until, server = date_of(header), date_of(response.headers.get("date", ""))
    return max((until - (server or now)).total_seconds(), 1.0) if until else DEFAULT_HOLD_SECONDS


async def read_body(response: httpx.Response, *secrets: Secret) -> bytes:
    """The body, decompressed, of at most MAX_ANSWER_BYTES; no more than that is ever held.

    Raises QueryError `too_large`, or `invalid_response` for a compression that was not asked for and is not gzip or
    deflate, or that is broken. No message shows one of the secrets.
    """
    named = response.headers.get("content-encoding", "identity").strip()
    encoding = named.casefold()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        shown = clean_name(text_without(named, *secrets))
        raise QueryError(Reason.INVALID_RESPONSE, f"the answer is encoded as {shown}")
    # 47: gzip or zlib, told by the first bytes.
    decompressor = zlib.decompressobj(47) if encoding not in ("", "identity") else None
    body, received = bytearray(), 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        if decompressor is None:
            body += chunk
        else:
            body += _decompressed(decompressor, chunk, MAX_ANSWER_BYTES + 1 - len(body))
        _check_size(max(received, len(body)))
    if decompressor is not None and received and not decompressor.eof:
        raise QueryError(Reason.INVALID_RESPONSE, "the answer's compressed data ends too early")
    _check_values(body)
    return bytes(body)


def _decompressed(decompressor: "zlib._Decompress", chunk: bytes, limit: int) -> bytes:
    try:
        return decompressor.decompress(chunk, limit)
    except zlib.error:
        raise QueryError(Reason.INVALID_RESPONSE, "the answer's compressed data is broken") from None


def _check_values(body: bytearray) -> None:
    if len(body) > MAX_BRACKETS and (
        body.count(b"[") + body.count(b"{") > MAX_BRACKETS or body.count(b",") > MAX_COMMAS
    ):
        raise QueryError(Reason.TOO_LARGE, "the answer has more values than are read")


def _check_size(size: int) -> None:
    if size > MAX_ANSWER_BYTES:
        raise QueryError(
            Reason.TOO_LARGE, f"the answer is larger than {MAX_ANSWER_BYTES // 1024} KiB; not read further"
        )
