"""Text from outside, made safe to store, log, show and export: bounded, printable, without credentials."""

import functools
import json
import re

MAX_TEXT = 4000
"""Characters kept of a failure's text."""
MAX_NAME = 200
"""Characters kept of an identifier or a name."""
MAX_TEXT_CACHED = 400
"""Characters of a text whose cleaned form is kept for when it comes again."""

# Lone surrogates cannot be encoded; control characters end lines, move cursors and break parsers; the
# direction marks make text read other than it is.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

_MASK = "***"
# Every repetition is bounded, and possessive where it is long and can be, so that no text makes a pattern slow.
_QUOTED = (
    r"\\\"[^\"\n]{0,256}\"?|"  # \"...\", as in JSON within a text
    r"\"(?:[^\"\\\n]|\\.){0,256}\"?|'(?:[^'\\\n]|\\.){0,256}'?"
)
_CREDENTIALS: tuple[tuple[re.Pattern[str], str], ...] = (
    # scheme://user:password@host
    (re.compile(r"(://[^\s/:@]{0,128}+):\S{1,256}@"), rf"\1:{_MASK}@"),
    # jdbc:oracle:thin:user/password@host
    (re.compile(r"(\boracle:\w{1,16}:[^\s/@]{1,64}+)/\S{1,256}@"), rf"\1/{_MASK}@"),
    # and without a scheme, user:password@host
    (
        re.compile(r"(\b(?!(?:jdbc|oracle):)[\w.$+-]{1,64}+):[^\s@/]{1,256}+(?:@[^\s@/,;]{1,256}+){0,3}@(?=[\w\[])"),
        rf"\1:{_MASK}@",
    ),
    # password=..., "secretKey": "...", Authorization: Bearer ...
    (
        re.compile(
            r"((?:passw(?:or)?d|\bpwd|\bpass(?==)|secret|token|api[_-]?key|access[_-]?key|credential|"
            r"authorization|signature|密码|口令)"
            r"[\w-]{0,32}\\?[\"']?\s{0,4}[=:\uff1a]\s{0,4})"
            r"(?!(?:yes|no)(?:[\s,;.)]|$))"  # MySQL's "(using password: YES)" is no credential
            r"(?:(?:bearer|basic)\s{1,4})?"
            rf"(?:{_QUOTED}|[^\s,;&)\"']{{1,256}})",
            re.IGNORECASE,
        ),
        rf"\1{_MASK}",
    ),
    # IDENTIFIED BY '...', PASSWORD '...', PASSWORD('...'), --password ...
    (
        re.compile(
            r"(\bidentified\s{1,4}(?:with\s{1,4}\S{1,64}\s{1,4})?by(?:\s{1,4}password)?\s{1,4}|"
            r"\bpassword(?:\s{1,4}|\s{0,4}\(\s{0,4})(?=['\"]))"
            rf"(?:{_QUOTED}|\S{{1,256}})",
            re.IGNORECASE,
        ),
        rf"\1{_MASK}",
    ),
    (re.compile(r"(--password\s{1,4})\S{1,256}", re.IGNORECASE), rf"\1{_MASK}"),
    # mysql -pPASSWORD
    (re.compile(r"(\bmysql\w{0,16}\b[^\n]{0,200}?\s-p)(?=\S)\S{1,256}"), rf"\1{_MASK}"),
    # Access keys of the large clouds, JSON web tokens
    (re.compile(r"\b(?:AKIA|ASIA|LTAI)[0-9A-Za-z]{12,32}"), _MASK),
    (re.compile(r"\beyJ[\w-]{8,1024}\.[\w-]{2,1024}(?:\.[\w-]{0,1024})?"), _MASK),
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
    # A margin is kept while masking: a credential cut in two would no longer be recognised.
    text = text[: limit * 2 + 2048].replace("\r\n", "\n")
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    for pattern, replacement in _CREDENTIALS:
        text = pattern.sub(replacement, text)
    return cut(text.strip(), limit)


# Names and descriptions are the same in every task and every scrape; cleaning them anew each time is most of the work.
_cleaned_before = functools.lru_cache(maxsize=2048)(_cleaned)


def clean_name(value: object) -> str:
    """An identifier or a name: printable, on one line, at most `MAX_NAME` characters."""
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text_of(value)[: MAX_NAME * 4])
    return cut(" ".join(text.split()), MAX_NAME)
