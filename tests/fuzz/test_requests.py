"""Whatever a client sends is answered as HTTP, without an error of the exporter's own."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.inputs import header_texts
from tests.http.site import ORDERS, Site

PATHS = ("/", "/metrics", "/probe", "/sd", "/tasks/", "/tasks/cd-1", "/-/healthy", "/-/reload", "/no", "//", "/../x")
QUERIES = (b"", b"?task_id=cd-1", b"?collect[]=tasks", b"?task_id=%00", b"?kind=%ff&task_id=a%0d%0ab", b"?collect[]=x")
LINES = (
    *(b"Transfer-Encoding: chunked", b"Content-Length: 3", b"Content-Length: 99999", b"Expect: 100-continue"),
    *(b"Connection: upgrade\r\nUpgrade: h2c", b"Host: [::1]:1", b"Host: a b", b"Range: bytes=0-1", b"Cookie: a b=c;=;"),
)
HEADERS = ("accept", "accept-encoding", "authorization", "x-prometheus-scrape-timeout-seconds", "forwarded", "origin")

headers = st.builds(
    lambda name, value: name.encode() + b": " + value.encode("latin-1"), st.sampled_from(HEADERS), header_texts
)
lines = st.lists(st.one_of(st.sampled_from(LINES), headers, st.binary(max_size=40)), max_size=4)
requests: st.SearchStrategy[bytes] = st.builds(
    lambda method, path, query, lines, body: b"\r\n".join(
        [method + b" " + path + query + b" HTTP/1.1", b"Host: e", *lines, b"", body]
    ),
    st.sampled_from([b"GET", b"GET", b"HEAD", b"POST", b"TRACE", b"BREW", b"\x00"]),
    st.one_of(st.sampled_from(PATHS).map(str.encode), st.binary(max_size=60)),
    st.sampled_from(QUERIES),
    lines,
    st.one_of(st.just(b""), st.binary(max_size=60), st.sampled_from([b"0\r\n\r\n", b"zz\r\n"])),
)

Answers = Callable[[list[bytes], float], list[int]]


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    """Sends bytes on one connection; gives the statuses of the answers, until nothing comes for some seconds."""

    async def exchange(port: int, sent: list[bytes], seconds: float) -> list[int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = b""
        with suppress(ConnectionError, TimeoutError):
            writer.writelines(sent)
            while data := await asyncio.wait_for(reader.read(65536), seconds):
                said += data
        writer.transport.abort()
        return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", said)]

    with asyncio.Runner() as runner:
        serving = Site(ORDERS).served()
        port = runner.run(serving.__aenter__())
        yield lambda sent, seconds: runner.run(exchange(port, sent, seconds))
        runner.run(serving.__aexit__(None, None, None))


@given(st.lists(st.one_of(st.binary(max_size=300), requests), min_size=1, max_size=3))
def test_any_bytes(answers: Answers, caplog: pytest.LogCaptureFixture, sent: list[bytes]) -> None:
    """Answered with a status for them, or closed; nothing is logged as an error, and the next client is served."""
    assert set(answers(sent, 0.02)) <= {100, 200, 400, 403, 404, 405, 408, 413, 417}
    assert answers([b"GET /-/healthy HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n"], 10) == [200]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
