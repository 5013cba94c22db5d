"""What the fuzz tests put in: any JSON, bent answers, hostile texts, secrets with any of their characters escaped."""

import gzip
import json
import zlib
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

ANSWERS = Path(__file__).parents[1] / "ninedata" / "answers"

HOSTILE = (
    '"',
    "\\",
    "\n",
    "first\nsecond\r\nthird",
    "\x00",
    "\x1b[31m",
    "\u2028",
    "\u202e",
    "\ufffe",
    "\ud83d",
    "\U0001f40d",
    "</p><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "&lt;b&gt;&#60;",
    "{{ 7 * 7 }}{% raw %}",
    "%s%(x)s{0}%",
    '"} 1\nninedata_precheck_up{task_id="x"} 1',
    "# EOF\n",
    "level=error msg=no",
    "password=hunter2",
    "mysql://root:hunter2@db.example:3306/x",
    "IDENTIFIED BY 'hunter2'",
)

texts: SearchStrategy[str] = st.one_of(
    st.text(st.characters(), max_size=60),
    st.sampled_from(HOSTILE),
    st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=8)), max_size=6).map("".join),
    st.builds(
        lambda text, times: text * times, st.sampled_from((*HOSTILE, "x", "é", ":", "=", "@")), st.integers(1, 9000)
    ),
)
"""Lone surrogates among them: a server can escape them."""

secrets = st.builds(
    lambda before, secret, after: f"{before}{secret}{after}", texts, st.sampled_from([ACCESS_KEY_ID, SECRET_KEY]), texts
)
"""Texts that repeat what was sent."""


def secrets_in(text: str) -> list[str]:
    """Those that a text shows."""
    return [secret for secret in (ACCESS_KEY_ID, SECRET_KEY) if secret in text]


numbers = st.one_of(st.integers(), st.floats(), st.integers(-(10**300), 10**300))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts, secrets)
values: SearchStrategy[object] = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
"""Any JSON."""

WORDS = ("Success", "Failed", "failure", "warning", "Running", "Unstarted", "UNKNOWN", "", "Paused")
items = st.fixed_dictionaries(
    {},
    optional={
        "precheckItem": texts,
        "itemId": texts,
        "itemName": st.one_of(texts, secrets, values),
        "itemDescription": st.one_of(texts, secrets, values),
        "status": st.one_of(st.sampled_from(WORDS), values),
        "errorMessage": st.one_of(texts, secrets, values),
        "message": st.one_of(texts, secrets, values),
    },
)
prechecks = st.fixed_dictionaries(
    {
        "success": st.one_of(st.just(value=True), st.just("true"), values),
        "data": st.fixed_dictionaries(
            {},
            optional={
                "status": st.one_of(st.sampled_from(WORDS), values),
                "precheckStatus": st.one_of(st.sampled_from(WORDS), values),
                "precheckItems": st.one_of(st.lists(st.one_of(items, values), max_size=6), values),
                "items": st.one_of(st.lists(st.one_of(items, values), max_size=6), values),
                "taskId": values,
            },
        ),
    },
    optional={"requestId": st.one_of(texts, values)},
)
"""In the shape of an answer about a precheck, with anything in each field."""

_told = st.one_of(texts, secrets)
_failed_items = st.lists(
    st.fixed_dictionaries(
        {
            **dict.fromkeys(
                ("precheckItem", "itemId", "itemName", "itemDescription", "errorMessage", "message"), _told
            ),
            "status": st.sampled_from(("Failed", "failure", "Warning", "warning")),
        }
    ),
    min_size=1,
    max_size=4,
)
failed_prechecks = st.fixed_dictionaries(
    {
        "success": st.just(value=True),
        "requestId": texts,
        "data": _failed_items.flatmap(
            lambda found: st.fixed_dictionaries(
                {"status": st.just("Failed"), "precheckItems": st.just(found), "items": st.just(found)}
            )
        ),
    }
)
"""In the shape of an answer about a precheck that failed, with any text in each field."""

listings = st.fixed_dictionaries(
    {
        "success": st.just(value=True),
        "data": st.one_of(
            st.lists(
                st.fixed_dictionaries(
                    {"replicationId": st.one_of(st.from_regex(r"rp-[a-c]{1,2}", fullmatch=True), values)},
                    optional={"name": st.one_of(texts, values), "status": st.one_of(texts, values)},
                ),
                max_size=8,
            ),
            values,
        ),
    },
    optional={key: st.one_of(st.integers(-2, 300), values) for key in ("current", "pageSize", "total")},
)
"""In the shape of a page of the list of replication tasks."""

failures = st.fixed_dictionaries(
    {"success": st.one_of(st.just(value=False), values)},
    optional={
        "errorCode": st.one_of(texts, secrets, values),
        "message": st.one_of(texts, secrets, values),
        "requestId": values,
    },
)
"""In the shape of a refusal."""


def _encoded(value: object, *, ascii_only: bool, encoding: str) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only).encode(encoding, "surrogatepass")


documents: SearchStrategy[bytes] = st.builds(
    lambda value, ascii_only, encoding: _encoded(value, ascii_only=ascii_only, encoding=encoding),
    st.one_of(failed_prechecks, prechecks, listings, failures, values),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"]),
)
"""JSON in all the encodings that Python's reader takes."""


def _recorded() -> list[bytes]:
    return [path.read_bytes() for path in sorted(ANSWERS.rglob("*.*")) if path.stat().st_size < 20_000]


def _spliced(body: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    for start, length, put_in in cuts:
        at = start % (len(body) + 1)
        body = body[:at] + put_in + body[at + length :]
    return body


bent: SearchStrategy[bytes] = st.builds(
    _spliced,
    st.sampled_from(_recorded()),
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=4),
)
"""Recorded answers with bytes lost, added and exchanged."""


def _spelled(text: str, escaped: int) -> str:
    """The text within JSON, with those characters escaped whose bits are set."""
    return "".join(
        f"\\u{ord(character):04x}" if escaped >> place & 1 else character for place, character in enumerate(text)
    )


def _telling(document: object, secret: str, escaped: int, encoding: str) -> bytes:
    return (
        json.dumps(document, ensure_ascii=False)
        .replace(secret, _spelled(secret, escaped))
        .encode(encoding, "surrogatepass")
    )


telling: SearchStrategy[bytes] = st.sampled_from([ACCESS_KEY_ID, SECRET_KEY]).flatmap(
    lambda secret: st.builds(
        _telling,
        st.one_of(
            st.builds(lambda before, after: {"success": False, "message": f"{before}{secret}{after}"}, texts, texts),
            st.builds(lambda value: {"success": True, "data": {secret: value, "status": [secret, value]}}, values),
        ),
        st.just(secret),
        st.integers(0, 2 ** len(secret) - 1),
        st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]),
    )
)
"""Answers that repeat a secret, with any of its characters escaped, in all encodings of JSON."""

bodies: SearchStrategy[bytes] = st.one_of(
    failed_prechecks.map(json.dumps).map(str.encode), documents, bent, telling, st.binary(max_size=200)
)
"""All that can come as the body of an answer."""

compressed: SearchStrategy[tuple[str, bytes]] = st.one_of(
    bodies.map(lambda body: ("gzip", gzip.compress(body[:100_000], mtime=0))),
    bodies.map(lambda body: ("deflate", zlib.compress(body[:100_000]))),
)
"""An encoding, and a body in it."""

printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
header_texts: SearchStrategy[str] = st.one_of(
    st.sampled_from(
        [
            "",
            "0",
            "5",
            "-1",
            "1e9",
            "9" * 400,
            "Tue, 24 Nov 2026 12:00:00 GMT",
            "Tue, 24 Nov 99999 12:00:00 GMT",
            "Mon, 01 Jan 0001 00:00:00 +2359",
            "gzip",
            "br",
            "text/html",
            "application/json",
            "http://[::1",
            f"https://user:{SECRET_KEY}@elsewhere.example/x?key={SECRET_KEY}#{ACCESS_KEY_ID}",
            ACCESS_KEY_ID,
        ]
    ),
    printable,
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=20),
)
HEADERS = (
    "date",
    "retry-after",
    "location",
    "content-type",
    "content-encoding",
    "content-length",
    "server",
    "set-cookie",
)
headers: SearchStrategy[list[tuple[str, str]]] = st.lists(st.tuples(st.sampled_from(HEADERS), header_texts), max_size=4)
statuses = st.one_of(
    st.just(200),
    st.just(200),
    st.just(200),
    st.sampled_from(
        [*range(200, 209), *range(300, 309), 400, 401, 403, 404, 405, 418, 429, 451, 500, 501, 502, 503, 504, 599]
    ),
)

_STATUS_LINES = (
    *(b"HTTP/1.1 %d x" % status for status in (0, 1, 99, 101, 103, 204, 304, 401, 407, 426, 503, 1000)),
    b"HTTP/1.0 200",
    b"HTTP/2.0 200",
    b"HTTP/1.1 999 \xff",
    b"HTTP/1.1  200",
    b"ICY 200 OK",
)
_WIRE_HEADERS = (
    b"Date: Tue, 24 Nov 2026 12:00:00 GMT",
    b"Date: 999999999999999999999999999999",
    b"Set-Cookie: a b=c; Max-Age=99999999999999999999",
    b'Set-Cookie: "=;;=;expires=\xff',
    b"Set-Cookie: a=" + b"x" * 70_000,
    b"Content-Encoding: gzip",
    b"Content-Encoding: br",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Length: -1",
    b"Content-Length: 5",
    b"Content-Length: \xd9\xa1",
    b"Connection: close",
    b"Connection: upgrade\r\nUpgrade: websocket",
    b"Location: http://[",
    b"Content-Type: ;;=",
    b"Content-Type: application/json; charset=zzz",
    b"Keep-Alive: timeout=abc",
    b"\xff\xfe: \xff",
    b"X: \x00",
    b": y",
    b" folded",
)
_WIRE_BODY = b'{"success": true, "data": {"status": "Success", "precheckItems": []}}'


def _on_the_wire(line: bytes, named: list[bytes], body: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    return _spliced(b"\r\n".join([line, *named, b"", body]), cuts)


wire_bytes: SearchStrategy[bytes] = st.one_of(
    st.binary(max_size=200),
    st.builds(
        _on_the_wire,
        st.one_of(st.just(b"HTTP/1.1 200 OK"), st.sampled_from(_STATUS_LINES)),
        st.lists(st.sampled_from((*_WIRE_HEADERS, b"Content-Length: %d" % len(_WIRE_BODY))), max_size=4),
        st.sampled_from([_WIRE_BODY, b"", b"5\r\nabcde\r\n0\r\n\r\n", b"zz\r\n", b"-1\r\n", _WIRE_BODY * 2]),
        st.one_of(
            st.just([]), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 4), st.binary(max_size=4)), max_size=3)
        ),
    ),
)
"""What comes back on a connection: bent HTTP, or no HTTP at all."""
