"""Text from outside, made safe to log, show and export: printable, bounded, credentials masked."""

import json
import re
from collections.abc import Sequence

from exporter.ninedata.masking import masked

MAX_TEXT = 4000
"""Characters kept of a text."""
MAX_NAME = 200
"""Bytes of UTF-8 kept of an identifier or a name: Prometheus counts a label's bytes."""
_MAX_READ = 10_000
"""Characters of a text that are masked; more than are kept, because masking makes a text shorter."""

# Lone surrogates cannot be encoded; control characters end lines, move cursors and break parsers; direction marks make
# text read differently from what it is.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def text_of(value: object) -> str:
    """Any JSON value as text: a string as it is, null as empty, a list of strings joined, the rest as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "; ".join(value)
    return json.dumps(value, ensure_ascii=False)


def is_printable(text: str) -> bool:
    """Whether a text is one line that can be encoded and shown as it is."""
    return not _UNPRINTABLE.search(text) and "\n" not in text and "\t" not in text


def cut_middle(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8: a failure's reason stands at the start, the remedy mostly at the end."""
    data = text.encode()
    if len(data) <= limit:
        return text
    tail = limit // 3
    start, end = data[: limit - tail - len(" … ".encode())], data[-tail:]
    return f"{start.decode(errors='ignore').rstrip()} … {end.decode(errors='ignore').lstrip()}"


def clean(value: object, limit: int = MAX_TEXT) -> str:
    """A text for people: printable, credentials masked, lines kept; at most `limit` characters, with an ellipsis."""
    text = text_of(value).strip()
    if not text:
        return text
    if len(text) > _MAX_READ:
        # Without its last word, which may be half of a credential that is not recognised any more.
        text = text[:_MAX_READ].rsplit(maxsplit=1)[0] + "…"
    text = masked(_printable(text.replace("\r\n", "\n")))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_name(value: object) -> str:
    """An identifier or a name: printable, on one line, at most MAX_NAME bytes of UTF-8."""
    name = " ".join(_printable(text_of(value)[: MAX_NAME * 4]).split())
    data = name.encode()
    return name if len(data) <= MAX_NAME else data[: MAX_NAME - len("…".encode())].decode(errors="ignore") + "…"


def unique_names(names: Sequence[str], what: str) -> Sequence[str]:
    """The names, none empty and none twice: `item_3` for a missing one, `name#2` for a repeated one.

    The same object if none is missing and none repeated, as almost always.
    """
    if len({"", *names}) > len(names):
        return names
    unique: dict[str, None] = {}
    for place, given in enumerate(names, start=1):
        name = given or f"{what}_{place}"
        while name in unique:
            name += f"#{place}"
        unique[name] = None
    return list(unique)


def _printable(text: str) -> str:
    return text if text.isprintable() else _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
