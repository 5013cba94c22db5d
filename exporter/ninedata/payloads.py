"""The API's answers, understood: bytes in, a typed value or a `QueryError` out. Pure.

The shapes are the vendor's documented ones. Beyond them is survived what was seen to vary: numbers as strings and
strings as numbers, missing and null fields, the case of status words, the language of texts.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NoReturn

from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.model import CheckItem, Status
from exporter.ninedata.text import MAX_TEXT_CACHED, MAX_TEXT_READ, clean, clean_name, cut, text_of
from exporter.ninedata.throttle import DEFAULT_HOLD_SECONDS

# What a failure's code or message must say for a more telling reason than api_error. The vendor documents neither
# the codes nor the words; these were seen in clients or are the plain words for it. The order matters.
_REASON_OF_WORDS: tuple[tuple[Reason, re.Pattern[str]], ...] = (
    (
        Reason.AUTH,
        re.compile(
            r"signature|access.?key|timestamp|unauthori[sz]ed|authenticat|permission.?den|no.?permission|access.?denied|"
            r"forbidden|签名|时间戳|权限|未授权",
            re.IGNORECASE,
        ),
    ),
    (
        Reason.NOT_FOUND,
        re.compile(r"not.?(?:be.?)?found|not.?exist|n't.?exist|no.?such|不存在|未找到|找不到", re.IGNORECASE),
    ),
    (
        Reason.RATE_LIMITED,
        re.compile(r"too.?many.?requests|(?:rate|request).?limit.?(?:is.?)?exceeded|请求过于频繁|限流", re.IGNORECASE),
    ),
)

# A code that means a limit stops all requests for a while; words in a message, which may be about anything that a
# task compares, concern that task alone.
_THROTTLING_CODE = re.compile(r"throttl|rate.?limit|too.?many.?request|request.?limit|flow.?control", re.IGNORECASE)

_UNSUPPORTED_STATUS = (404, 405, 501)
_RETRYABLE_STATUS = (502, 503, 504)


def read_envelope(http_status: int, content_type: str, body: bytes) -> Mapping[str, object]:
    """The answer's envelope `{"success": true, "requestId": .., "data": ..}`.

    Raises QueryError for every other answer: a failure in the API's own words, with whatever HTTP status; an error
    of HTTP; a body that is not JSON or not an envelope. A 429 and redirects are told by their headers and belong to
    the caller.
    """
    document = _json_or_none(body)
    envelope = document if isinstance(document, dict) else {}
    request_id = clean_name(envelope.get("requestId"))
    # The envelope's mark is its "success"; a gateway's own JSON error has none.
    spoke = "success" in envelope
    said = _what_it_said(envelope)
    if http_status in (401, 403):
        raise QueryError(Reason.AUTH, f"HTTP {http_status}{said}", request_id=request_id)
    if http_status in _UNSUPPORTED_STATUS and not spoke:
        raise QueryError(Reason.UNSUPPORTED, f"HTTP {http_status}: the server does not know this path")
    if spoke and not _is_true(envelope["success"]) and http_status < 500:  # noqa: PLR2004 - server errors stay such
        _raise_failure(http_status, envelope, said, request_id)
    if not 200 <= http_status < 300:  # noqa: PLR2004 - HTTP's own boundaries
        raise QueryError(
            Reason.HTTP_ERROR,
            f"HTTP {http_status}{said}",
            request_id=request_id,
            worth_retrying=http_status in _RETRYABLE_STATUS,
        )
    if not isinstance(document, dict):
        _raise_no_envelope(document, content_type, body)
    return envelope


def read_data(envelope: Mapping[str, object]) -> Mapping[str, object]:
    """The `data` of an envelope, which is an object for every status query."""
    data = envelope.get("data")
    if not isinstance(data, dict):
        raise QueryError(
            Reason.INVALID_RESPONSE,
            f"the answer's data is {kind_of(data)}, not an object",
            request_id=clean_name(envelope.get("requestId")),
        )
    return data


def check_identity(data: Mapping[str, object], key: str, expected: str) -> None:
    """Refuse an answer about another task, which a confused cache or proxy could give; a missing id passes."""
    found = text_of(data.get(key)).strip()
    if found and found != expected:
        raise QueryError(
            Reason.INVALID_RESPONSE,
            f"the answer is about {key} {clean_name(found)!r}, not about {expected!r}",
        )


MAX_ITEMS = 1000
"""The most check items that are read of one precheck; NineData's have some dozens at the most."""
MAX_CHARACTERS = 400_000
"""The most characters of text that are looked at in one precheck: to clean the worst of them takes 0.23 s, in which
the process does nothing else."""


def read_items(found: object, keys: "ItemKeys") -> tuple[CheckItem, ...]:
    """The check items, each with an identifier of its own.

    No item is dropped: one without an identifier is called by its position (`item_3`), and a repeated identifier
    gets its number (`srcDataSourceCheck#2`).
    """
    if found is None:
        return ()
    if not isinstance(found, list):
        raise QueryError(Reason.INVALID_RESPONSE, f"the check items are {kind_of(found)}, not a list")
    if len(found) > MAX_ITEMS:
        raise QueryError(Reason.TOO_LARGE, f"the precheck has {len(found)} check items; at most {MAX_ITEMS} are read")
    return tuple(_unique(_read_each(found, keys)))


class ItemKeys:
    """Under which keys a kind of precheck gives the parts of an item; several messages are tried in order."""

    def __init__(self, item: str, *messages: str) -> None:
        self.item = item
        self.messages = messages


def _read_each(entries: list[object], keys: ItemKeys) -> Iterator[CheckItem]:
    characters = 0
    for position, entry in enumerate(entries, start=1):
        fields = entry if isinstance(entry, dict) else {}
        texts = [
            text_of(fields.get(key)) for key in (keys.item, "itemName", "itemDescription", "status", *keys.messages)
        ]
        length = sum(map(len, texts))
        if length <= MAX_TEXT_CACHED:
            found = _item_seen_before(*texts)
        else:
            length = sum(min(len(text), MAX_TEXT_READ) for text in texts)
            found = _item_of(*texts)
        characters += length
        if characters > MAX_CHARACTERS:
            raise QueryError(
                Reason.TOO_LARGE, f"the precheck's texts have more than the {MAX_CHARACTERS} characters that are read"
            )
        yield found if found.item else replace(found, item=f"item_{position}")


def _item_of(item: str, name: str, description: str, status: str, *messages: str) -> CheckItem:
    return CheckItem(
        item=clean_name(item),
        name=clean_name(clean(name)),
        description=clean(description),
        status=Status.of_word(status),
        message=next((text for message in messages if (text := clean(message))), ""),
    )


# Most check items are the same in every task and every scrape, and are kept once for all of them.
_item_seen_before = functools.lru_cache(maxsize=2048)(_item_of)


def _unique(items: Iterator[CheckItem]) -> Iterator[CheckItem]:
    taken: set[str] = set()
    numbers: dict[str, int] = {}
    for found in items:
        unique = found
        while unique.item in taken:
            numbers[found.item] = numbers.get(found.item, 1) + 1
            unique = CheckItem(
                f"{found.item}#{numbers[found.item]}",
                found.name,
                found.description,
                found.status,
                found.message,
            )
        taken.add(unique.item)
        yield unique


def _json_or_none(body: bytes) -> object:
    """The JSON document, or None where there is none: not JSON, not UTF, or nested beyond reason."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")


def _what_it_said(envelope: Mapping[str, object]) -> str:
    code, message = clean_name(envelope.get("errorCode")), clean(envelope.get("message"), limit=500)
    said = " - ".join(part for part in (code, message) if part)
    return f": {said}" if said else ""


def _raise_failure(http_status: int, envelope: Mapping[str, object], said: str, request_id: str) -> NoReturn:
    code = text_of(envelope.get("errorCode"))[:200]
    if _THROTTLING_CODE.search(code):
        raise QueryError(
            Reason.RATE_LIMITED,
            f"the API refused the query{said}",
            request_id=request_id,
            hold_seconds=DEFAULT_HOLD_SECONDS,
        )
    words = f"{code} {text_of(envelope.get('message'))[:2000]}"
    by_words = (reason for reason, pattern in _REASON_OF_WORDS if pattern.search(words))
    otherwise = Reason.NOT_FOUND if http_status == 404 else Reason.API_ERROR  # noqa: PLR2004 - HTTP's Not Found
    raise QueryError(
        next(by_words, otherwise),
        f"the API refused the query{said or ' without a word'}",
        request_id=request_id,
    )


def _raise_no_envelope(document: object, content_type: str, body: bytes) -> NoReturn:
    if not body.strip():
        raise QueryError(Reason.INVALID_RESPONSE, "the answer is empty")
    if "html" in content_type.casefold() or body.lstrip()[:1] == b"<":
        # What a single-page console, or an older one, answers for a path that it does not know.
        raise QueryError(Reason.UNSUPPORTED, "a web page came instead of JSON")
    if document is not None or body.strip() == b"null":
        raise QueryError(Reason.INVALID_RESPONSE, f"the answer is {kind_of(document)}, not an object")
    start = cut(clean(body[:200].decode("utf-8", "replace")), 60)
    raise QueryError(Reason.INVALID_RESPONSE, f"the answer is not JSON; it starts with {start!r}")


def kind_of(value: object) -> str:
    """What a JSON value is, in words, without its content."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")
