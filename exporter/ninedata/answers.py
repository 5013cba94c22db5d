"""The API's answers: bytes in, a typed value or a QueryError out.

The shapes are the documented ones. Also tolerated, because it was seen: numbers as strings and strings as numbers,
missing and null fields, status words in any case, texts in any language.
"""

import codecs
import email.utils
import functools
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.kinds import Kind, Parameters
from exporter.ninedata.precheck import CheckItem, Precheck, Status, TaskRef
from exporter.ninedata.refusals import reason_of_refusal
from exporter.ninedata.text import clean, clean_name, text_of, unique_names

MAX_ENTRIES = 1000
"""The most check items of a precheck, or subtasks of a task, that are read; NineData's have some dozens."""


def read_envelope(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime, secrets: Collection[str] = ()
) -> Mapping[str, object]:
    """The envelope `{"success": true, "requestId": .., "data": ..}` of a successful answer.

    Raises QueryError for every other answer. `secrets` that the answer repeats are masked, however its JSON spells
    them. `now` is our time, for a Retry-After that is a date.
    """
    if status == 429:  # noqa: PLR2004 - HTTP's Too Many Requests
        seconds = min(_retry_after(headers, now), 300.0)  # a wrong header must not stop the exporter for days
        message = f"HTTP 429: the API wants fewer requests; none are sent for {seconds:.0f} s"
        raise QueryError(Reason.RATE_LIMITED, message, hold_seconds=seconds)
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's redirections
        raise _redirect_error(status, _without(secrets, headers.get("location", "")))
    envelope = _envelope_of(body, secrets)
    succeeded = 200 <= status < 300  # noqa: PLR2004 - HTTP's successes
    if succeeded and envelope is not None and is_true(envelope.get("success", True)):
        return envelope
    fields = envelope or {}
    is_own = "success" in fields  # a gateway's JSON error has none
    said, request_id = _words_of(fields), clean_name(fields.get("requestId"))
    if status in (401, 403):
        raise QueryError(Reason.AUTH, f"HTTP {status}{said}", request_id=request_id)
    if status in (404, 405, 501) and not is_own:
        raise QueryError(Reason.UNSUPPORTED, f"HTTP {status}: the server does not know this path")
    if is_own and not is_true(fields["success"]) and status < 500:  # noqa: PLR2004 - HTTP's server errors
        raise _refusal_error(status, fields, said, request_id)
    if not succeeded:
        retry = status in (502, 503, 504)
        raise QueryError(Reason.HTTP_ERROR, f"HTTP {status}{said}", request_id=request_id, worth_retrying=retry)
    raise _no_envelope_error(headers, body, secrets)


def _envelope_of(body: bytes, secrets: Collection[str]) -> dict[str, object] | None:
    """The JSON object in an answer, with `***` in place of the secrets; None if the answer is no JSON object."""
    try:
        text = body.removeprefix(codecs.BOM_UTF8).decode()
        if "\\" in text and re.search(r'\\["\\/u]', text):  # characters of a secret may be escaped
            text = json.dumps(json.loads(text), ensure_ascii=False)
            secrets = [json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets]
        if any(secret in text for secret in secrets):
            text = re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: _without(secrets, found[0]), text)  # numbers stay
        document: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _without(secrets: Collection[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def _refusal_error(status: int, envelope: Mapping[str, object], said: str, request_id: str) -> QueryError:
    message = f"the API refused the query{said or ' without a reason'}"
    reason = reason_of_refusal(text_of(envelope.get("errorCode"))[:200], text_of(envelope.get("message"))[:2000])
    if reason is Reason.API_ERROR and status == 404:  # noqa: PLR2004 - HTTP's Not Found
        reason = Reason.NOT_FOUND
    return QueryError(reason, message, request_id=request_id)


def _no_envelope_error(headers: Mapping[str, str], body: bytes, secrets: Collection[str]) -> QueryError:
    if not body.strip():
        return QueryError(Reason.INVALID_RESPONSE, "the answer is empty")
    if "html" in headers.get("content-type", "").casefold() or body.lstrip()[:1] == b"<":
        # What the console's web interface answers for a path that it does not know.
        return QueryError(Reason.UNSUPPORTED, "a web page came instead of JSON")
    start = clean(_without(secrets, body.decode(errors="replace"))[:200], limit=60)
    return QueryError(Reason.INVALID_RESPONSE, f"the answer is not a JSON object; it starts with {start!r}")


def _redirect_error(status: int, location: str) -> QueryError:
    """A redirect is not followed: the signature must not go to another host."""
    # Without user, password, query and fragment, which may be secret.
    target = clean_name(re.sub(r"(?s)(?<=//)[^/?#]*@|[?#].*", "", location))
    message = (
        f"HTTP {status}: redirected to {target or 'no address'}, which is not followed because the signature must not "
        "go to another host; put the final address in api.base_url"
    )
    return QueryError(Reason.HTTP_ERROR, message)


def _words_of(envelope: Mapping[str, object]) -> str:
    """What the API says about a failure, as the end of a sentence."""
    code, message = clean_name(envelope.get("errorCode")), clean(envelope.get("message"), limit=500)
    words = " - ".join(part for part in (code, message) if part)
    return f": {words}" if words else ""


def _retry_after(headers: Mapping[str, str], now: datetime) -> float:
    """The pause that a 429 asks for, in seconds."""
    header = headers.get("retry-after", "").strip()
    if header.isascii() and header.isdigit():
        return max(float(header[:9]), 1.0)
    until = _date_of(header)
    return max((until - now).total_seconds(), 1.0) if until else 5.0


def clock_skew(headers: Mapping[str, str], sent_at: datetime, received_at: datetime) -> float | None:
    """Seconds by which the server's clock is ahead of ours, to within half a second and the request's duration."""
    server = _date_of(headers.get("date", ""))
    if server is None:
        return None
    # The header has whole seconds, cut off: half a second is missing on average.
    return (server - sent_at - (received_at - sent_at) / 2).total_seconds() + 0.5


def blame_clock(error: QueryError, skew: float | None) -> QueryError:
    """The error itself, or one that says that the query was refused because this machine's clock is wrong."""
    # The API rejects a timestamp that is further than this from its own clock (documented).
    if error.reason is not Reason.AUTH or skew is None or abs(skew) <= 600:  # noqa: PLR2004 - ten minutes
        return error
    direction = "behind" if skew > 0 else "ahead of"
    message = (
        f"this machine's clock is {abs(skew) / 60:.0f} minutes {direction} the API's, which rejects timestamps more "
        f"than 10 minutes off: set the clock, for example with NTP ({error.message})"
    )
    return QueryError(Reason.AUTH, message, request_id=error.request_id)


@functools.lru_cache(maxsize=64)  # all answers within a second have the same date
def _date_of(header: str) -> datetime | None:
    """The moment that a header gives, or None."""
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_precheck(envelope: Mapping[str, object], kind: Kind, task: TaskRef) -> Precheck:
    """The precheck in an envelope. Raises QueryError if there is none, or if it is another task's."""
    data = data_of(envelope, kind.parameters(task))
    word = text_of(data.get(kind.status_key))
    items = [_read_item(entry, kind.item_key) for entry in entries_of(data.get(kind.items_key), "check items")]
    names = [item.item for item in items]
    unique = unique_names(names, "item")
    if unique is not names:
        items = [replace(item, item=name) for item, name in zip(items, unique, strict=True)]
    request_id = clean_name(envelope.get("requestId"))
    return Precheck(Status.of_word(word), tuple(items), clean_name(word), request_id)


def _read_item(fields: Mapping[str, Any], item_key: str) -> CheckItem:
    texts: tuple[Any, ...] = tuple(map(fields.get, (item_key, "itemName", "itemDescription", "status")))
    try:
        # Most check items are the same in every task and every scrape; a bounded length bounds the memory for them.
        item = _known_item(*texts) if len("".join(texts)) < 1000 else _new_item(*texts)  # noqa: PLR2004
    except TypeError:  # not all of them are strings
        item = _new_item(*map(text_of, texts))
    if not (fields.get("errorMessage") or fields.get("message")):
        return item  # most items: they passed
    return replace(item, message=clean(fields.get("errorMessage")) or clean(fields.get("message")))


def _new_item(item: str, name: str, description: str, status: str) -> CheckItem:
    return CheckItem(clean_name(item), clean_name(clean(name)), clean(description), Status.of_word(status), "")


_known_item = functools.lru_cache(maxsize=1024)(_new_item)


def data_of(envelope: Mapping[str, object], expected: Parameters) -> dict[str, Any]:
    """The envelope's data. Raises QueryError if it is no object, or is not about the `expected` ids."""
    data = envelope.get("data")
    request_id = clean_name(envelope.get("requestId"))
    if not isinstance(data, dict):
        raise QueryError(Reason.INVALID_RESPONSE, "the answer's data is not an object", request_id=request_id)
    for key, wanted in expected:
        # A cache or a proxy may mix up answers. A missing id is tolerated.
        found = text_of(data.get(key)).strip()
        if found and found != wanted:
            message = f"the answer is about {key} {clean_name(found)!r}, not about {wanted!r}"
            raise QueryError(Reason.INVALID_RESPONSE, message, request_id=request_id)
    return data


def entries_of(found: object, what: str) -> list[dict[str, Any]]:
    """The entries of a list within the data; none if it is missing."""
    if found is None:
        return []
    if not isinstance(found, list):
        raise QueryError(Reason.INVALID_RESPONSE, f"the {what} are not a list")
    if len(found) > MAX_ENTRIES:
        raise QueryError(Reason.TOO_LARGE, f"the answer has {len(found)} {what}; at most {MAX_ENTRIES} are read")
    return [entry if isinstance(entry, dict) else {} for entry in found]


def is_true(value: object) -> bool:
    """Whether a value is `true`, as a boolean or as text."""
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")
