"""Text from outside, made safe to store, log, show and export: bounded, printable, without credentials."""

import functools
import json
import re

from exporter.ninedata.masking import masked

MAX_TEXT = 4000
"""Characters kept of a failure's text."""
MAX_NAME = 200
"""Characters kept of an identifier or a name."""
MAX_WORD = 512
"""The most characters that count as the last word of a text which was not read to its end."""
_MARGIN = 2048
"""Characters that are read and masked beyond twice those that are kept: masking makes a text shorter."""
MAX_TEXT_READ = MAX_TEXT * 2 + _MARGIN
"""Characters of a failure's text that are looked at."""
MAX_TEXT_CACHED = 400
"""Characters of a text whose cleaned form is kept for when it comes again."""

# Lone surrogates cannot be encoded; control characters end lines, move cursors and break parsers; the
# direction marks make text read other than it is.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def text_of(value: object) -> str:
    """Any JSON value as text: a string as it is, nothing as empty, a list joined, the rest as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return "; ".join(value)
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:  # nested as deep as could just be read
        return "…"


def is_printable(text: str) -> bool:
    """Whether a text is one line that can be encoded and shown as it is."""
    return not _UNPRINTABLE.search(text) and "\n" not in text and "\t" not in text


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last one an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def cut_middle(text: str, limit: int) -> str:
    """At most `limit` characters: a reason is said at the start, what to do about it mostly at the end."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 3].rstrip()} … {text[-tail:].lstrip()}"


def clean(value: object, limit: int = MAX_TEXT) -> str:
    """A text for people: printable, credentials masked, at most `limit` characters, lines kept."""
    text = text_of(value)
    if not text:
        return text  # half of all texts are: passed items have no message
    if len(text) <= MAX_TEXT_CACHED:
        return _cleaned_before(text, limit)
    return _cleaned(text, limit)


def _cleaned(text: str, limit: int) -> str:
    text = text.lstrip()
    read = text[: limit * 2 + _MARGIN]
    shown = masked(_UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", read.replace("\r\n", "\n"))).strip()
    return cut(shown if len(read) == len(text) else _without_last_word(shown), limit)


def _without_last_word(text: str) -> str:
    """What is left of a text whose last word may have been cut: a credential cut in two is not recognised."""
    end = max(text.rfind(" "), text.rfind("\n"), len(text) - MAX_WORD)
    return text[: max(end, 0)].rstrip() + "…"


# Names and descriptions are the same in every task and every scrape; cleaning them anew each time is most of the work.
_cleaned_before = functools.lru_cache(maxsize=2048)(_cleaned)


def clean_name(value: object) -> str:
    """An identifier or a name: printable, on one line, at most `MAX_NAME` characters."""
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text_of(value)[: MAX_NAME * 4])
    return cut(" ".join(text.split()), MAX_NAME)
