"""What the fuzz tests put in: hostile texts, any JSON, bent answers, secrets with some of their characters escaped."""

import json
import zlib
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

SECRETS = (ACCESS_KEY_ID, SECRET_KEY)
HOSTILE = (
    *'"\\\n\x00\u2028\u202e\ufffe\ud83d\U0001f40d',
    *("first\nsecond\r\nthird", "\x1b[31m", "</p><script>alert(1)</script>", "%s{0}%", "# EOF\n", "level=error msg=no"),
    *('"} 1\nninedata_precheck_up{task_id="x"} 1', "password=hunter2", "mysql://root:hunter2@db.example:3306/x"),
)

texts: SearchStrategy[str] = st.one_of(
    st.text(st.characters(), max_size=60),
    st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=8)), max_size=6).map("".join),
    st.builds(lambda text, n: text * n, st.sampled_from((*HOSTILE, "x", "é", ":", "=", "@")), st.integers(1, 9000)),
)
"""With lone surrogates, which a server can escape."""
told = st.one_of(texts, st.builds("{}{}{}".format, texts, st.sampled_from(SECRETS), texts))
"""Texts, some of which repeat a secret."""
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.integers(-(10**300), 10**300), told)
values: SearchStrategy[object] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
"""Any JSON."""


def _objects(fields: dict[str, Any]) -> SearchStrategy[dict[str, object]]:
    """Objects in a documented shape, whose fields may be missing or hold anything."""
    return st.fixed_dictionaries({}, optional={key: st.one_of(value, values) for key, value in fields.items()})


_WORDS = st.sampled_from(("Success", "Failed", "failure", "warning", "Running", "UNKNOWN", "", "Paused"))
_TEXTS = ("precheckItem", "itemId", "itemName", "itemDescription", "errorMessage", "message")
_items = st.lists(_objects({**dict.fromkeys(_TEXTS, told), "status": _WORDS}), max_size=6)
_precheck = _objects({"status": _WORDS, "precheckStatus": _WORDS, "precheckItems": _items, "items": _items})
_IDS = st.one_of(st.none(), st.just("cd-1"), st.integers(), texts)
_TIMES = st.sampled_from(
    ("2025-03-19 09:12:40Z", "2025-03-19", "0001-01-01 00:00:00+14:00", "9999-12-31 23:59:59-14:00")
)
_numbers = st.one_of(st.integers(), st.floats(), st.integers().map(str), st.floats().map(str))
_COUNTS = ("onlySourceRows", "onlyTargetRows", "differenceRows", "skipTableCount")
_subtask = _objects({"subTaskType": told, "status": _WORDS, "percent": _numbers, "delay": _numbers})
_task = _objects(
    {
        **dict.fromkeys(("id", "taskId", "replicationId", "lastExecId"), _IDS),
        **dict.fromkeys(_COUNTS, _numbers),
        **dict.fromkeys(("createTime", "updateTime"), _TIMES),
        **dict.fromkeys(("errMsg", "errorMessage"), told),
        "status": _WORDS,
        "isDeleted": st.booleans(),
        "subTaskList": st.lists(_subtask, max_size=4),
    }
)
"""A task itself, or an execution of it."""
_replications = st.lists(_objects({"replicationId": st.from_regex("rp-[a-c]{1,2}", fullmatch=True), "name": told}))
envelopes = _objects(
    {
        "success": st.sampled_from([True, True, True, False]),
        "data": st.one_of(_precheck, _task, _replications),
        **dict.fromkeys(("errorCode", "message", "requestId"), told),
        **dict.fromkeys(("current", "pageSize", "total"), st.integers(-2, 300)),
    }
)


def _escaped(secret: str, bits: int) -> str:
    """A secret within JSON, with those characters escaped whose bits are set."""
    return "".join(f"\\u{ord(char):04x}" if bits >> place & 1 else char for place, char in enumerate(secret))


def _encoded(document: object, secret: str, bits: int, encoding: str) -> bytes:
    text = json.dumps(document, ensure_ascii=False).replace(secret, _escaped(secret, bits))
    return text.encode(encoding, "surrogatepass")


documents: SearchStrategy[bytes] = st.builds(
    _encoded,
    st.one_of(envelopes, envelopes, values),
    st.sampled_from(SECRETS),
    st.integers(0, 2 ** len(SECRET_KEY) - 1),
    st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"]),
)
"""JSON in all encodings that Python reads."""


bodies: SearchStrategy[bytes] = st.one_of(
    documents,
    documents,
    st.builds(lambda body, end: body[: end % (len(body) + 1)], documents, st.integers(0, 20_000)),
    st.builds(zlib.compress, documents),
    st.binary(max_size=200),
)
"""Anything that can come as the body of an answer."""
statuses = st.one_of(st.just(200), st.sampled_from([200, 204, 302, 400, 401, 403, 404, 405, 429, 500, 503, 599]))
_HEADERS = (
    *("", "0", "-1", "1e9", "9" * 400, "Tue, 24 Nov 2026 12:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "gzip;q=0"),
    *("*;q=", "text/plain;version=x", "application/openmetrics-text;version=1.0.0,q", "nan", "http://[::1"),
    f"https://user:{SECRET_KEY}@elsewhere.example/x?key={SECRET_KEY}#{ACCESS_KEY_ID}",
)
header_texts: SearchStrategy[str] = st.one_of(
    st.sampled_from(_HEADERS), st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=30)
)
