"""Credentials in texts for people, masked in the forms that are certain. All other text stays as it is.

No text makes a pattern slow: repetitions are possessive or bounded, and what was searched in vain is consumed, so that
it is not searched again from within.
"""

import re

_QUOTED = r"""(?: \\"[^"\n]*+"?+ | [NE]?"(?:[^"\\\n]++|\\.|"")*+"?+ | [NE]?'(?:[^'\\\n]++|\\.|'')*+'?+ )"""
# Without the closing bracket or full stop that may follow it.
_WORD = r"""(?: [^\s,;&"')\]}.]++ | [)\]}.](?=[^\s,;&"')\]}.]) )++"""
_NAME = r"""(?=[psta密口令])(?:
    passw(?:or)?d | pwd | passphrase | (?<!unexpected\ )token | secret | (?:secret|access|api|account)[ _-]?key
    | 密码 | 口令 | 密钥 | 令牌
)(?:[_-]?(?:id|hash|value))?"""
# At least 6 characters, among them a letter and a digit or symbol; no word, number, type of a column, or character set.
_CREDENTIAL = r"""(?: (?=[^\s,;&"'()]{6}) (?=[^\s,;&"'()a-z]{0,64}[a-z])
    (?=[^\s,;&"'()\d!@#$%^*+=~]{0,64}[\d!@#$%^*+=~])
    (?! (?:n?varchar2|u?int\d+|float\d+|date(?:time)?\d+|utf\d+\w*|latin\d\w*)\b ) [^\s,;&"'()]++ )"""

# Words of which one must be in the text, in lower case, for a pattern to be tried; the pattern. Its group `secret` is
# masked; without that group the match was only consumed.
_PATTERNS_OF_WORDS: dict[str, str | tuple[str, ...]] = {
    # scheme://user:password@host, unlike scheme://host:port,host:port/?mail=a@b
    "://": r"""://[^\s:/@]*+: (?!\d{1,5}(?:[,/?]|$))
        (?: (?P<secret> [^\s/]*(?=@) | [^\s@]++(?=@) ) | [^\s@]*+ )""",
    # user:password@host, unlike "account:name@host"
    "@": r"""(?<![\w.$+/:@-]) (?=[^\W\d][\w.$+-]{0,63}+:)
        (?!(?:jdbc|oracle|user|username|account|owner|definer|login|role|e?mail|mailto|from|to
            |error|message|host|server|database|datasource|账号|账户|用户):)
        [\w.$+-]++: (?: (?P<secret> [^\s/,;'"]+(?=@[\w\[/]) ) | [^\s/,;'"]*+ )""",
    # jdbc:oracle:thin:user/password@host
    "oracle:": r"\b(?:thin|oci):[^\s/@]{1,64}+/ (?: (?P<secret> [^\s@]++(?=@) ) | [^\s@]*+ )",
    "passw pwd passphrase token secret key 密码 口令 密钥 令牌": (
        # password=..., unlike "password = ?", "validate_password = ON", "a.token = b.token"
        rf"""{_NAME} (?:\\?["'])?+ [ ]{{0,8}}+ (?:=>|:=|=(?!=)) [ ]{{0,8}}+
        (?! [?:$@%]\w{{0,16}}+(?:[\s,;)'"]|$) | (?:yes|no|on|off|true|false|null|none|empty|default)(?![\w-])
            | \w{{1,64}}+\.\w{{0,64}}{_NAME}\b )
        (?P<secret> \{{[^}}\n]*+\}}?+ | {_QUOTED} | {_WORD} )""",
        # "password": "...", password: ..., unlike "(using password: YES)", "token: 12 rows", "'password': varchar(32)"
        rf"""{_NAME} (?P<quote>\\?["'])?+ [ ]{{0,8}}+[:\uff1a][ ]{{0,8}}+
        (?P<secret> (?(quote) (?=\\?["']){_QUOTED} | (?!) ) | {_CREDENTIAL} )""",
    ),
    # Authorization: Basic ...
    "authorization": rf"""authorization\\?["']?+ [ ]{{0,8}}+[:=][ ]{{0,8}}+ \\?["']?+
        (?P<secret> (?:basic|bearer|token|negotiate|ntlm)[ ]++[^\s"'\\]++ | (?:digest|aws4-hmac-sha256)[ ][^\n]++
            | {_CREDENTIAL} )""",
    "bearer": r"\bbearer[ ]++ (?P<secret> (?=[^\s\d]{0,64}\d)[\w.~+/=-]{16,}+ )",
    "identified": (
        # IDENTIFIED BY '...', unlike "rows are identified by 'id'"
        rf"""(?<!is\ )(?<!are\ )(?<!be\ )\bidentified[ ]++(?:with[ ]++\S{{1,64}}+[ ]++)?+(?:by|as)[ ]++
        (?:password[ ]++|values[ ]++)?+ (?P<secret> {_QUOTED} )""",
        r"""\b(?:user|to)[ ]++(?!is\b|are\b)\S{1,128}+[ ]++identified[ ]++by[ ]++ (?P<secret> [^\s;'"]++ )""",
    ),
    # PASSWORD '...', PASSWORD('...'), SET PASSWORD FOR user = '...'
    "password": rf"""\bpassword(?: [ ]{{0,8}}+\([ ]{{0,8}}+ | [ ]++(?:for[ ]++\S{{1,128}}+[ ]{{0,8}}+=[ ]{{0,8}}+)?+ )
        (?=[NE]?') (?P<secret> {_QUOTED} )""",
    "key-----": r"-----BEGIN[ ][A-Z ]{0,32}PRIVATE[ ]KEY-----(?P<secret> .*?(?=-----END) | .*+ )",
}
_PATTERNS = [
    (words.split(), re.compile(pattern, re.IGNORECASE | re.VERBOSE | re.DOTALL))
    for words, patterns in _PATTERNS_OF_WORDS.items()
    for pattern in ([patterns] if isinstance(patterns, str) else patterns)
]


def masked(text: str) -> str:
    """The text with `***` in place of each credential that is certain to be one."""
    folded = text.casefold()
    for words, pattern in _PATTERNS:
        if any(word in folded for word in words):
            text = pattern.sub(_mask, text)
    return text


def _mask(found: re.Match[str]) -> str:
    if not found["secret"]:
        return found[0]
    start, end = (place - found.start() for place in found.span("secret"))
    return f"{found[0][:start]}***{found[0][end:]}"
