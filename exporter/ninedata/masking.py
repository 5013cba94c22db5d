"""Credentials in texts for people, masked: in the forms in which databases, drivers and their tools write them."""

import re
from functools import partial

MASK = "***"
_MASKED = rf"\g<before>{MASK}"


def _pattern(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    return re.compile(pattern, flags | re.VERBOSE)


# No text may make a pattern slow, whatever it is filled with. So what repeats is possessive or bounded, and where a
# long part is looked through in vain it is consumed and kept, so that it is not looked through again from within.
_QUOTED = r"""(?:
    \\"[^"\n]*+"?                       # \"...\", as in JSON within a text
    |[NE]?"(?:[^"\\\n]++|\\.|"")*+"?
    |[NE]?'(?:[^'\\\n]++|\\.|'')*+'?
)"""
_BLANK = r"[^\S\n]"

# Up to the last @ that is near, or else up to the next one of the word; a word without one is kept.
_UP_TO_AT = r"(?:(?P<secret>\S{1,256}|[^\s@]++)(?=@)|[^\s@]*+)"
_BEFORE_AT = (
    _pattern(rf"(?P<before>://[^\s/:@]*+:(?!\d{{1,5}}[,/?])){_UP_TO_AT}"),  # scheme://user:password@host
    _pattern(rf"(?P<before>\boracle:\w{{1,16}}+:[^\s/@]{{1,64}}+/){_UP_TO_AT}"),  # oracle:thin:user/password@host
)
# Without a scheme, user:password@host; sought in the text turned round, from the @ on: a user can begin at any word.
_NO_USERS = ("jdbc", "oracle", "account", "username", "definer", "email", "mail", "mailto", "账号", "账户")
_BEFORE_AT_TURNED = _pattern(
    rf"""
    @(?<=[\w\[/]@)
    (?:[^\s@/,;]{{1,256}}+@){{0,3}}[^\s@/]{{1,256}}
    (?<!=)(?=:[\w.$+-])(?!:(?:{"|".join(name[::-1] for name in _NO_USERS)})(?![\w.$+-]))
    """,
    re.IGNORECASE,
)

_NAME = r"""(?=[pstac密口令])(?:            # to look at the first letter is much quicker than to try each name
    passw(?:or)?d|passphrase|pwd|(?<![a-z])pass(?=[\\"']*\s*[=:])|(?-i:(?<=[a-z])Pass(?=\s*[=:]))
    |secret|(?<!unexpected\ )token|(?:api|access|account|private|secret)[ _-]?key|credential
    |密码|口令|密钥|令牌
)"""
# How names end that are settings of passwords and the like: validate_password_policy, ngram_token_size, tokenizer.
_SETTINGS = (
    *("size", "length", "lifetime", "policy", "encryption", "count", "history", "interval", "current", "algorithm"),
    *("izer", "iser", "时间", "长度", "策略", "错误"),
)
_NO_SETTING = "".join(f"(?<!{end})" for end in _SETTINGS)
_NO_VALUE = r"""(?!
    ["']?(?:yes|no|on|off|true|false|null|none|empty)\.?(?:[\s,;)"']|$)  # "(using password: YES)"
    |(?:n?(?:var)?char|(?:var)?binary|(?:tiny|medium|long)?(?:text|blob)|(?:big)?int|json)\.?(?:[\s,;()]|$)  # a column
    |[\u4e00-\u9fff]                                                   # "密码: 已过期"
)"""
# Not quoted, it has what may also follow it only where more of it comes, and not the next name and value.
_WORD = r"""(?:
    [^\s,;&)"']
    |[,;&](?![\s"'{}\[\]]|$|[\w.-]{1,64}["']?[=:])
    |[)"'](?=\w)
)++"""
_SCHEMES = r"(?:bearer|basic|digest|token|api-?key|negotiate|ntlm|oss|aws4-hmac-sha256|acs3-hmac-sha256)"

# What a text must have one of, in lower case, for a pattern to be tried; the pattern.
_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (
        ("pass", "pwd", "secret", "token", "key", "credential", "密码", "口令", "密钥", "令牌"),
        # password=..., "secretKey": "...", access key: ..., password => '...'
        _pattern(
            rf"""
            (?P<before>{_NAME}[\w-]{{0,32}}+{_NO_SETTING}\\?+["']?+{_BLANK}{{0,16}}+(?:=>|:=|->|[=:\uff1a]){_BLANK}{{0,16}}+)
            {_NO_VALUE}(?:\[[^\]\n]*+\]?|\{{[^}}\n]*+\}}?|{_QUOTED}|{_WORD})
            """,
            re.IGNORECASE,
        ),
    ),
    (
        ("signature",),
        _pattern(
            rf"""
            (?P<before>signature[\w-]{{0,32}}+\\?+["']?+{_BLANK}{{0,16}}+[=:]{_BLANK}{{0,16}}+\\?+["']?+)
            (?=[^\s\d]{{0,64}}\d)[\w+/=%.-]{{12,}}+
            """,
            re.IGNORECASE,
        ),
    ),
    # Authorization: Bearer ..., with all that belongs to a known scheme, or else one word that is not of prose
    (
        ("authorization",),
        _pattern(
            rf"""
            (?P<before>authorization\\?+["']?+{_BLANK}{{0,16}}+[=:]{_BLANK}{{0,16}}+)
            (?:\[[^\]\n]*+\]?|{_QUOTED}|{_SCHEMES}{_BLANK}{{1,16}}+[^\n]++|(?=[^\s\d]{{0,64}}\d)[^\s,;]++)
            """,
            re.IGNORECASE,
        ),
    ),
    (("bearer",), _pattern(r"(?P<before>\bbearer\ )(?=[^\s\d]{0,64}\d)[\w.~+/=-]{16,}+", re.IGNORECASE)),
    # PASSWORD '...', PASSWORD('...'), PASSWORD $$...$$
    (
        ("password",),
        _pattern(
            rf"""
            (?P<before>\bpassword(?:{_BLANK}{{0,16}}+\({_BLANK}{{0,16}}+|{_BLANK}{{1,16}}+))
            (?:(?=[NE]?['"]){_QUOTED}|\$\$[^\n]*?(?:\$\$|$))
            """,
            re.IGNORECASE | re.MULTILINE,
        ),
    ),
    (
        ("--pass",),
        _pattern(
            rf"""
            (?P<before>--pass(?:word|wd)?{_BLANK}{{1,16}}+)(?!-|(?:and|or|is|are|option|flag|for|was|must|should)\b)
            (?:{_QUOTED}|\S++)
            """,
            re.IGNORECASE,
        ),
    ),
    # Access keys of the large clouds, JSON web tokens, private keys
    (("akia", "asia", "ltai"), _pattern(r"(?P<before>\b)(?:AKIA|ASIA|LTAI)[0-9A-Za-z]{12,}+")),
    (("eyj",), _pattern(r"(?P<before>\b)eyJ[\w-]{8,}+(?:\.[\w-]++)*+")),
    (
        ("private key-",),
        _pattern(r"(?P<before>-----BEGIN\ [A-Z ]{0,32}PRIVATE\ KEY-----)(?:.*?(?=-----END)|.*+)", re.DOTALL),
    ),
)
# What a text must have one of, a part of it that is looked through by itself, and what may be there, several times.
_WITHIN: tuple[tuple[tuple[str, ...], re.Pattern[str], re.Pattern[str]], ...] = (
    # IDENTIFIED BY '...', IDENTIFIED WITH plugin AS '...', IDENTIFIED BY name REPLACE name; prose is identified by its
    # next word.
    (
        ("identified",),
        _pattern(r"\bidentified\b[^\n]*+", re.IGNORECASE),
        _pattern(
            rf"""
            (?P<before>\b(?:by|with\ \S{{1,64}}+\ as|replace){_BLANK}{{1,16}}+(?:(?:password|values){_BLANK}{{1,16}}+)?)
            (?:
                {_QUOTED}
                |[^\s'";]++(?={_BLANK}*+(?:[;)\n"']|$|(?:require|replace|account|password|default|with|profile|quota)\b))
            )
            """,
            re.IGNORECASE,
        ),
    ),
    (
        ("set password",),
        _pattern(r"\bset\ password\b[^\n]*+", re.IGNORECASE),
        _pattern(rf"(?P<before>=\ ?|\bto\ ){_QUOTED}", re.IGNORECASE),
    ),
    # mysql -pPASSWORD: among options
    (
        ("mysql", "mariadb"),
        _pattern(r"\b(?:mysql|mariadb)[\w-]{0,16}+(?=\ +-)[^\n]*+", re.IGNORECASE),
        _pattern(rf"(?P<before>\s-p)(?:{_QUOTED}|\S++)"),
    ),
    # sqlplus user/password@host
    (
        ("sqlplus", "sqlldr", "expdp", "impdp", "rman"),
        _pattern(r"\b(?:sqlplus|sqlldr|expdp|impdp|rman)\ [^\n]*+", re.IGNORECASE),
        _pattern(r"(?P<before>\ [\w$#]{1,64}+/)[^\s@/]++"),
    ),
)


def masked(text: str) -> str:
    """A text without the credentials that can be recognised in it; the words around them stay."""
    if "@" in text:
        for pattern in _BEFORE_AT:
            text = pattern.sub(_up_to_at_masked, text)
        text = _BEFORE_AT_TURNED.sub(f"@{MASK}", text[::-1])[::-1]
    folded = text.casefold()
    for words, pattern in _PATTERNS:
        if any(word in folded for word in words):
            text = pattern.sub(_MASKED, text)
    for words, part, pattern in _WITHIN:
        if any(word in folded for word in words):
            text = part.sub(partial(_masked_within, pattern), text)
    return text


def _masked_within(pattern: re.Pattern[str], part: re.Match[str]) -> str:
    return pattern.sub(_MASKED, part[0])


def _up_to_at_masked(found: re.Match[str]) -> str:
    return found[0] if found["secret"] is None else f"{found['before']}{MASK}"
