"""Text from outside, made safe to store, log, show and export: bounded, printable, without credentials."""

import functools
import json
import re

MAX_TEXT = 4000
"""Characters kept of a failure's text."""
MAX_NAME = 200
"""Characters kept of an identifier or a name."""
MAX_TEXT_READ = MAX_TEXT * 2 + 2048
"""Characters of a failure's text that are looked at."""
MAX_TEXT_CACHED = 400
"""Characters of a text whose cleaned form is kept for when it comes again."""

# Lone surrogates cannot be encoded; control characters end lines, move cursors and break parsers; the
# direction marks make text read other than it is.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

_MASK = "***"
# No text may make a pattern slow, whatever it is filled with. So what repeats is bounded or possessive; a pattern
# begins with a literal or a set, which is searched for fastest; and where a long part is looked through in vain, it is
# consumed (the alternatives without a group), so that it is not looked through again from within.
_QUOTED = (
    r"\\\"[^\"\n]{0,256}+\"?|"  # \"...\", as in JSON within a text
    r"\"(?:[^\"\\\n]|\\.){0,256}+\"?|'(?:[^'\\\n]|\\.){0,256}+'?"
)


def _up_to_at(start: str) -> str:
    """A password between `start` and an @: the last one that is near, or else the next one of the word."""
    return rf"({start})(?:\S{{1,256}}|[^\s@]++)(?=@)|{start}[^\s@]*+"


_BEFORE_AT = (
    re.compile(_up_to_at(r"://[^\s/:@]{0,128}+:")),  # scheme://user:password@host
    re.compile(_up_to_at(r"oracle:(?<!\woracle:)\w{1,16}+:[^\s/@]{1,64}+/")),  # jdbc:oracle:thin:user/password@host
)
# Without a scheme, user:password@host; sought backwards, from the @ on, for a user can begin at any word.
_BEFORE_AT_BACKWARDS = re.compile(
    r"@(?<=[\w\[]@)(?:[^\s@/,;]{1,256}+@){0,3}[^\s@/]{1,256}(?=:[\w.$+-])(?!:(?:cbdj|elcaro)(?![\w.$+-]))"
)
# What a text must have one of, in lower case, for a pattern to be tried; the pattern.
_CREDENTIALS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    # password=..., "secretKey": "...", Authorization: Bearer ...
    (
        ("passw", "pwd", "pass=", "secret", "token", "key", "credential", "authorization", "signature", "密码", "口令"),
        re.compile(
            # The first letter, searched for as a set; the second, by which a branch is chosen; the rest.
            r"([ACPSTacpst\u017f密口](?:[Aa][Ss\u017f](?i:(?<=pas)(?:sw(?:or)?d|s(?<=\bpass)(?==)))|[Ww](?i:(?<=\bpw)d)|"
            r"[Ee](?i:(?<=se)cret)|[Ii](?i:(?<=si)gnature)|[Oo](?i:(?<=to)ken)|[Pp](?i:(?<=ap)i[_-]?key)|"
            r"[Cc](?i:(?<=ac)cess[_-]?key)|[Uu](?i:(?<=au)thorization)|[Rr](?i:(?<=cr)edential)|码(?<=密码)|令(?<=口令))"
            r"[\w-]{0,32}+\\?+[\"']?+\s{0,4}+[=:\uff1a]\s{0,4}+)"
            r"(?!(?i:yes|no)(?:[\s,;.)]|$))"  # MySQL's "(using password: YES)" is no credential
            r"(?i:(?:bearer|basic)\s{1,4}+)?"
            rf"(?:{_QUOTED}|[^\s,;&)\"']{{1,256}}+)"
        ),
    ),
    # IDENTIFIED BY '...', PASSWORD '...', PASSWORD('...'), --password ...
    (
        ("identified", "password"),
        re.compile(
            r"([IPip](?i:(?<=\bi)dentified\s{1,4}+(?:with\s{1,4}+\S{1,64}+\s{1,4}+)?by(?:\s{1,4}+password)?\s{1,4}+|"
            r"(?<=\bp)assword(?:\s{0,4}+\(\s{0,4}+|\s{1,4}+)(?=['\"])))"
            rf"(?:{_QUOTED}|\S{{1,256}}+)"
        ),
    ),
    (("--password",), re.compile(r"(--(?i:password)\s{1,4}+)\S{1,256}+")),
    # mysql -pPASSWORD
    (
        ("mysql",),
        re.compile(
            r"(mysql(?<!\wmysql)\w{0,16}+(?:[^\n]*?-p(?<=\s-p)|[^\n]*+\n-p))\S{1,256}+|"
            r"mysql(?<!\wmysql)[^\n]*+"
        ),
    ),
    # Access keys of the large clouds, JSON web tokens
    (("akia", "asia", "ltai"), re.compile(r"[AL](?:(?<=\bA)(?:KIA|SIA)|(?<=\bL)TAI)()[0-9A-Za-z]{12,32}+")),
    (("eyj",), re.compile(r"eyJ(?<!\weyJ)[\w-]{8,}+(?:()\.[\w-]{2,}+(?:\.[\w-]*+)?)?")),
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
    return cut(_masked(text).strip(), limit)


def _masked(text: str) -> str:
    if "@" in text:
        for pattern in _BEFORE_AT:
            text = pattern.sub(_without_credential, text)
        text = _BEFORE_AT_BACKWARDS.sub(f"@{_MASK}", text[::-1])[::-1]
    folded = text.casefold()
    for words, pattern in _CREDENTIALS:
        if any(word in folded for word in words):
            text = pattern.sub(_without_credential, text)
    return text


def _without_credential(found: re.Match[str]) -> str:
    """What a pattern found: its first group, which stands before a credential, or all where there is none."""
    before: str | None = found[1]
    return found[0] if before is None else before + _MASK


# Names and descriptions are the same in every task and every scrape; cleaning them anew each time is most of the work.
_cleaned_before = functools.lru_cache(maxsize=2048)(_cleaned)


def clean_name(value: object) -> str:
    """An identifier or a name: printable, on one line, at most `MAX_NAME` characters."""
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text_of(value)[: MAX_NAME * 4])
    return cut(" ".join(text.split()), MAX_NAME)
