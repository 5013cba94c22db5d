"""Whatever is asked, it is answered as HTTP has it, without an error of the exporter's own."""

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from exporter.metrics import accepts_gzip, prefers_openmetrics
from exporter.sandbox import fleet, run_in_thread
from exporter.web.scraping import scrape_timeout
from exporter.web_config.users import credentials_of
from tests.fuzz.extent import costly
from tests.fuzz.inputs import texts
from tests.program.process import Exporter, canary_sandbox, launcher
from tests.secrecy import Watch
from tests.web.page import Page
from tests.web.site import Site

PATHS = (
    "/",
    "/metrics",
    "/probe",
    "/sd",
    "/tasks/",
    "/tasks/cd-1",
    "/-/healthy",
    "/-/reload",
    "/nowhere",
    "//",
    "/../etc",
)
HEADERS = (
    "host",
    "accept",
    "accept-encoding",
    "authorization",
    "x-prometheus-scrape-timeout-seconds",
    "x-forwarded-host",
    "x-forwarded-proto",
    "forwarded",
    "range",
    "cookie",
    "content-length",
    "if-none-match",
    "origin",
)
FAMILIAR = (
    "text/plain;version=0.0.4;q=0.5",
    "application/openmetrics-text;version=1.0.0",
    "application/json",
    "text/html",
    "gzip, deflate;q=0.1",
    "*;q=0",
    "10",
    "-1",
    "nan",
    "1e999",
    "exporter.test:10199",
    "[::1]:1",
    "Basic Og==",
    "bytes=0-1",
)
bytes_ = st.one_of(
    st.sampled_from(FAMILIAR).map(str.encode),
    texts.map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=40),
    st.lists(st.sampled_from([b",", b";", b"q=", b"=", b"gzip", b"*", b" ", b'"', b"1", b"."]), max_size=60).map(
        b"".join
    ),
)
queries = st.one_of(
    bytes_,
    st.lists(
        st.builds(
            lambda name, value: name + b"=" + value,
            st.sampled_from([b"task_id", b"precheck_task_id", b"kind", b"collect[]", b"collect%5B%5D", b"x"]),
            st.one_of(
                st.sampled_from([b"cd-1", b"tasks", b"exporter", b"replication", b"", b"%00", b"%ff", b"a%0d%0ab"]),
                bytes_,
            ),
        ),
        max_size=4,
    ).map(b"&".join),
)
paths = st.one_of(st.sampled_from(PATHS), st.builds(str.__add__, st.sampled_from(PATHS), texts))
headers = st.lists(st.tuples(st.sampled_from(HEADERS), bytes_), max_size=5)
methods = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"])


@pytest.fixture(scope="module")
def site() -> Site:
    return Site()


async def asked(site: Site, method: str, path: str, query: bytes, named: list[tuple[str, bytes]]) -> list[Message]:
    """What the application sends to a request that a server let through."""
    sent: list[Message] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "query_string": query,
        "root_path": "",
        "headers": [(name.encode(), value) for name, value in named],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    waiting = asyncio.Event()

    async def receive() -> Message:
        await waiting.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await site.app(scope, receive, send)
    return sent


@given(methods, paths, queries, headers)
def test_any_request(site: Site, method: str, path: str, query: bytes, named: list[tuple[str, bytes]]) -> None:
    """The status is one of a few, never 5xx; no header could add another; a page has the elements of pages alone."""
    start, *rest = asyncio.run(asked(site, method, path, query, named))
    assert start["status"] in (200, 400, 403, 404, 405)
    told = dict(start["headers"])
    assert not any(byte in value for value in told.values() for byte in b"\r\n\x00")
    assert told[b"x-content-type-options"] == b"nosniff"
    body = b"".join(message.get("body", b"") for message in rest)
    if told.get(b"content-type", b"").startswith(b"text/html") and body:
        assert {element.tag for element in Page(body.decode()).elements}.isdisjoint({"script", "img", "iframe", "svg"})


@given(st.one_of(texts, bytes_.map(lambda value: value.decode("latin-1"))))
def test_any_header_of_a_scrape(text: str) -> None:
    """Is read or passed over; a timeout is positive and bounded whatever it says."""
    assert prefers_openmetrics(text) in (True, False)
    assert accepts_gzip(text) in (True, False)
    assert 0 < scrape_timeout(text, default=10, offset=0.5) <= 3600


@given(st.lists(st.one_of(bytes_, st.binary(max_size=60).map(lambda value: b"Basic " + value)), max_size=2))
def test_any_authorization(values: list[bytes]) -> None:
    """Is a claim, which does not print its password, or none."""
    claimed = credentials_of(values)
    assert claimed is None or "***" in repr(claimed)


@pytest.fixture(scope="module")
def exporter(secrecy: Watch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    with (
        run_in_thread(canary_sandbox(fleet(2))) as sandbox,
        launcher(secrecy, tmp_path_factory.mktemp("fuzz")) as launch,
    ):
        yield launch(sandbox)


RAW_LINES = (
    b"Transfer-Encoding: chunked",
    b"Content-Length: 3",
    b"Content-Length: 99999",
    b"Connection: upgrade",
    b"Upgrade: h2c",
    b"Expect: 100-continue",
)
IDLE_SECONDS = 0.2
"""Without a byte more, an answer is over where the connection stays."""
raw_lines = st.lists(
    st.one_of(
        st.sampled_from(RAW_LINES),
        st.binary(max_size=40),
        st.builds(
            lambda name, value: name.encode() + b": " + value,
            st.sampled_from([name for name in HEADERS if name not in ("host", "content-length")]),
            bytes_,
        ),
    ),
    max_size=3,
)
raw_bodies = st.one_of(st.binary(max_size=60), st.sampled_from([b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n", b"zz\r\n"]))


def raw_request(method: bytes, path: bytes, lines: list[bytes], body: bytes) -> bytes:
    return method + b" " + path + b" HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


well_formed = st.builds(
    lambda method, path, query, end: raw_request(method, path + query, [b"Host: e", *end], b""),
    st.sampled_from([b"GET", b"GET", b"HEAD", b"POST", b"BREW"]),
    st.sampled_from(PATHS).map(str.encode),
    st.sampled_from([b"", b"?task_id=cd-1", b"?collect[]=tasks"]),
    st.sampled_from([[b"Connection: close"], []]),
)
ill_formed = st.one_of(
    st.binary(max_size=300),
    st.builds(
        raw_request,
        st.sampled_from([b"GET", b"POST", b"HEAD", b"\x00", b"GET "]),
        st.one_of(st.sampled_from(PATHS).map(str.encode), st.binary(max_size=60)),
        st.one_of(raw_lines, raw_lines.map(lambda lines: [b"Host: e", b"Connection: close", *lines])),
        raw_bodies,
    ),
)
raw = st.one_of(well_formed, well_formed, ill_formed)


def answered(exporter: Exporter, sent: list[bytes], idle: float = IDLE_SECONDS) -> list[int]:
    """The statuses of the answers to what is sent on one connection, until it ends or nothing more comes."""
    said = b""
    with socket.create_connection((exporter.host, exporter.port), timeout=5) as client:
        # Who gets an answer before all is said may find the connection closed, and what was on its way lost.
        with suppress(BrokenPipeError, ConnectionResetError):
            for part in sent:
                client.sendall(part)
        # Part of a request has no answer. The client must not end its side: then it is gone, and none has one.
        client.settimeout(idle)
        with suppress(TimeoutError, ConnectionResetError):
            while data := client.recv(65536):
                said += data
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


@costly
@given(st.lists(raw, min_size=1, max_size=3))
def test_any_bytes(exporter: Exporter, sent: list[bytes]) -> None:
    """On the port: answered with a status that HTTP has for them, or closed; nothing is an error, and it goes on."""
    assert set(answered(exporter, sent)) <= {100, 200, 400, 403, 404, 405}
    assert exporter.get("/-/healthy").status == 200
    assert not [line for line in exporter.log if line["level"] == "error"]


@costly
@given(well_formed.filter(lambda request: b"close" in request))
def test_any_well_formed_bytes(exporter: Exporter, sent: bytes) -> None:
    """They have one answer, whatever page they ask for."""
    (status,) = answered(exporter, [sent], idle=10)
    assert status in (200, 400, 403, 404, 405)
