"""Text from outside, made safe to store, log, show and export: bounded, printable, without credentials."""

import functools
import json
import re

MAX_TEXT = 4000
"""Characters kept of a failure's text."""
MAX_NAME = 200
"""Characters kept of an identifier or a name."""
_MARGIN = 2048
# A margin is kept while masking: a credential cut in two would no longer be recognised.
MAX_TEXT_READ = MAX_TEXT * 2 + _MARGIN
"""Characters of a failure's text that are looked at."""
MAX_TEXT_CACHED = 400
"""Characters of a text whose cleaned form is kept for when it comes again."""

# Lone surrogates cannot be encoded; control characters end lines, move cursors and break parsers; the
# direction marks make text read other than it is.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

_MASK = "***"
# No text may make a pattern slow, whatever it is filled with. So what repeats is possessive or bounded, and where a
# long part is looked through in vain it is consumed and kept, so that it is not looked through again from within.
_QUOTED = r"""
    \\"[^"\n]*+"?                 # \"...\", as in JSON within a text
    |"(?:[^"\\\n]++|\\.)*+"?
    |'(?:[^'\\\n]++|\\.)*+'?
"""


def _pattern(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    return re.compile(pattern, flags | re.VERBOSE)


# Up to the last @ that is near, or else up to the next one of the word; a word without one is kept.
_UP_TO_AT = r"(?:(?P<secret>\S{1,256}|[^\s@]++)(?=@)|[^\s@]*+)"
_BEFORE_AT = (
    _pattern(rf"(?P<before>://[^\s/:@]*+:){_UP_TO_AT}"),  # scheme://user:password@host
    _pattern(rf"(?P<before>\boracle:\w{{1,16}}+:[^\s/@]{{1,64}}+/){_UP_TO_AT}"),  # oracle:thin:user/password@
)
# Without a scheme, user:password@host; sought in the text turned round, from the @ on: a user can begin at any word.
_BEFORE_AT_TURNED = _pattern(
    r"""
    @(?<=[\w\[]@)
    (?:[^\s@/,;]{1,256}+@){0,3}[^\s@/]{1,256}
    (?=:[\w.$+-])(?!:(?:cbdj|elcaro)(?![\w.$+-]))
    """
)
# What a text must have one of, in lower case, for a pattern to be tried; the pattern.
_CREDENTIALS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    # password=..., "secretKey": "...", Authorization: Bearer ...
    (
        ("passw", "pwd", "pass=", "secret", "token", "key", "credential", "authorization", "signature", "密码", "口令"),
        _pattern(
            rf"""
            (?P<before>
                (?:passw(?:or)?d|\bpwd|\bpass(?==)|secret|token|api[_-]?key|access[_-]?key|credential
                    |authorization|signature|密码|口令)
                [\w-]{{0,32}}+\\?+["']?+\s{{0,4}}+[=:\uff1a]\s{{0,4}}+
            )
            (?!(?:yes|no)(?:[\s,;.)]|$))  # MySQL's "(using password: YES)" is no credential
            (?P<secret>(?:(?:bearer|basic)\s{{1,4}}+)?(?:{_QUOTED}|[^\s,;&)"']++))
            """,
            re.IGNORECASE,
        ),
    ),
    # IDENTIFIED BY '...', PASSWORD '...', PASSWORD('...')
    (
        ("identified", "password"),
        _pattern(
            rf"""
            (?P<before>
                \bidentified\s{{1,4}}+(?:with\s{{1,4}}+\S{{1,64}}+\s{{1,4}}+)?by(?:\s{{1,4}}+password)?\s{{1,4}}+
                |\bpassword(?:\s{{0,4}}+\(\s{{0,4}}+|\s{{1,4}}+)(?=['"])
            )
            (?P<secret>{_QUOTED}|\S++)
            """,
            re.IGNORECASE,
        ),
    ),
    (("--password",), _pattern(r"(?P<before>--password\s{1,4}+)(?P<secret>\S++)", re.IGNORECASE)),
    # Access keys of the large clouds, JSON web tokens
    (("akia", "asia", "ltai"), _pattern(r"(?P<before>\b)(?P<secret>(?:AKIA|ASIA|LTAI)[0-9A-Za-z]{12,}+)")),
    (("eyj",), _pattern(r"(?P<before>\b)(?P<secret>eyJ[\w-]{8,}+(?:\.[\w-]++)*+)")),
)
# mysql -pPASSWORD
_COMMAND = _pattern(r"\bmysql[^\n]*+")
_COMMAND_OPTION = _pattern(r"(?P<before>\s-p)(?P<secret>\S++)")


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
    text = text[: limit * 2 + _MARGIN].replace("\r\n", "\n")
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return cut(_masked(text).strip(), limit)


def _masked(text: str) -> str:
    if "@" in text:
        for pattern in _BEFORE_AT:
            text = pattern.sub(_without_secret, text)
        text = _BEFORE_AT_TURNED.sub(f"@{_MASK}", text[::-1])[::-1]
    folded = text.casefold()
    for words, pattern in _CREDENTIALS:
        if any(word in folded for word in words):
            text = pattern.sub(_without_secret, text)
    if "mysql" in text and "-p" in text:
        text = _COMMAND.sub(lambda command: _COMMAND_OPTION.sub(_without_secret, command[0]), text)
    return text


def _without_secret(found: re.Match[str]) -> str:
    """What a pattern found, its secret masked; as it is where there is none in it."""
    return found[0] if found["secret"] is None else f"{found['before']}{_MASK}"


# Names and descriptions are the same in every task and every scrape; cleaning them anew each time is most of the work.
_cleaned_before = functools.lru_cache(maxsize=2048)(_cleaned)


def clean_name(value: object) -> str:
    """An identifier or a name: printable, on one line, at most `MAX_NAME` characters."""
    text = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text_of(value)[: MAX_NAME * 4])
    return cut(" ".join(text.split()), MAX_NAME)
