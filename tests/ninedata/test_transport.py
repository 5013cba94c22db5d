"""Real connections: what is sent on them, and what each of their faults is called."""

import asyncio
import socket
import traceback
from collections.abc import Iterator

import pytest

from exporter.ninedata import Precheck, QueryError
from tests.ninedata.fake_api import failure_of, outcome_of
from tests.ninedata.peers import PASSED, Asker, Script, Talk, answering, http, resetting, serving, silent
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """A port that is taken and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode().rstrip().split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


async def test_nothing_but_the_client_s_own_headers_is_sent() -> None:
    """No library adds any: no cookie, no accepted compression, no name of its own."""
    async with serving(answering(http())) as peer, Asker(peer.url) as asker:
        assert isinstance(await asker.query(), Precheck)
    (head,) = peer.heads
    assert head.splitlines()[0] == (
        b"GET /openapi/v1/comparedata/precheck/status?taskId=cd-tg3isu1xgs&precheckTaskId=pcte-dj02vti9tabd HTTP/1.1"
    )
    headers = headers_of(head)
    assert headers["host"] == f"127.0.0.1:{peer.port}"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"] == "ninedata-exporter/test"
    assert headers.keys() == {
        "host",
        "accept",
        "accept-encoding",
        "user-agent",
        "access-key-id",
        "timestamp",
        "signature",
    }


UNUSUAL = {
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n"
    % (PASSED[:7], len(PASSED) - 7, PASSED[7:]),
    "until the end": b"HTTP/1.1 200 OK\r\n\r\n" + PASSED,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + PASSED,
    "without a reason phrase": http(head=b"HTTP/1.1 200"),
    "reason phrase in GBK": http(head="HTTP/1.1 200 成功".encode("gbk")),
    "header in GBK": http(head="HTTP/1.1 200 OK\r\nX-Note: 成功".encode("gbk")),
    "after 100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n" + http(),
}


@pytest.mark.parametrize("answer", UNUSUAL.values(), ids=UNUSUAL.keys())
async def test_an_unusual_answer_is_understood(answer: bytes) -> None:
    """Servers and proxies vary."""
    async with serving(answering(answer)) as peer, Asker(peer.url) as asker:
        assert isinstance(await asker.query(), Precheck)
    assert len(peer.heads) == 1


CUT_BODY = http()[:-20]
LOST_BEFORE = "the connection was lost before the answer"
LOST_WITHIN = "the connection was lost in the middle of the answer"
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"

# script, reason, message, how often the request is sent
FAULTS: dict[str, tuple[Script, tuple[str, str], int]] = {
    "closed before the answer": (answering(), ("connect", LOST_BEFORE), 2),
    "reset before the answer": (resetting(), ("connect", f"{LOST_BEFORE}: Connection reset by peer"), 2),
    "closed within the head": (answering(b"HTTP/1.1 200 OK\r\nContent-Le"), ("connect", LOST_BEFORE), 2),
    "closed within the body": (answering(CUT_BODY), ("connect", LOST_WITHIN), 2),
    "reset within the body": (resetting(CUT_BODY), ("connect", LOST_WITHIN), 2),
    "closed between chunks": (
        answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        ("connect", LOST_WITHIN),
        2,
    ),
    "no HTTP": (answering(b"\x16\x03\x01SSH-2.0-x\r\n\r\n"), ("invalid_response", "the answer is not HTTP"), 1),
    "body without a head": (answering(PASSED), ("invalid_response", "the answer is not HTTP"), 1),
    "bad length": (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
        ("invalid_response", "the answer is not HTTP"),
        1,
    ),
    "two lengths": (
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        ("invalid_response", "the answer is not HTTP"),
        1,
    ),
    "bad chunk": (answering(BAD_CHUNK), ("invalid_response", "the answer is not HTTP"), 1),
    "huge header": (
        answering(b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 100_000 + b"\r\n\r\n"),
        ("too_large", "a header of the answer is too large"),
        1,
    ),
    "endless header": (
        answering(b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 1_000_000),
        ("too_large", "a header of the answer is too large"),
        1,
    ),
    "proxy's demand for a password": (
        answering(http(b"", b"HTTP/1.1 407 Proxy Authentication Required")),
        ("http_error", "HTTP 407"),
        1,
    ),
    "gateway": (answering(http(b"", b"HTTP/1.1 502 Bad Gateway")), ("http_error", "HTTP 502"), 2),
}


@pytest.mark.parametrize(("script", "failure", "times"), FAULTS.values(), ids=FAULTS.keys())
async def test_every_fault_of_a_connection_has_a_name(script: Script, failure: tuple[str, str], times: int) -> None:
    """And the request is sent as often as the books say: no library tries again by itself."""
    async with serving(script) as peer, Asker(peer.url) as asker:
        error = await failure_of(asker.query())
    assert (error.reason, error.message) == failure
    assert len(peer.heads) == times
    assert len(asker.books.sent) == times
    assert asker.books.failures == [error.reason] * times
    text = "".join(traceback.format_exception(error))
    assert ACCESS_KEY_ID not in text
    assert SECRET_KEY not in text


async def test_a_refused_connection_is_no_timeout(refusing_port: int) -> None:
    """Nobody listens there, and trying again at once would not help."""
    async with Asker(f"http://127.0.0.1:{refusing_port}") as asker:
        error = await failure_of(asker.query())
    assert (error.reason, error.sent) == ("connect", True)
    assert error.message.startswith("cannot connect: Connect call failed ('127.0.0.1', ")
    assert asker.books.failures == ["connect"]


@pytest.mark.parametrize("host", ["ninedata.invalid", "xn--zzzzzzzz--.invalid"])
async def test_a_name_that_does_not_resolve_is_named_as_that(host: str) -> None:
    """The top-level domain `.invalid` is sure not to, whatever a name before it claims to encode."""
    async with Asker(f"http://{host}") as asker:
        error = await failure_of(asker.query())
    assert error.reason == "connect"
    assert error.message.startswith("the host name does not resolve: ")


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
async def test_a_name_that_cannot_be_one_is_named_as_that(host: str) -> None:
    """Labels too long or empty."""
    async with Asker(f"http://{host}") as asker:
        error = await failure_of(asker.query())
    assert (error.reason, error.message) == ("connect", "the host name is not one that can be looked up")


async def test_a_server_that_never_answers_is_not_waited_for() -> None:
    """The timeout bounds the whole exchange; the connection is given up."""
    async with serving(silent) as peer, Asker(peer.url, request_timeout=0.2) as asker:
        error = await failure_of(asker.query())
        assert (error.reason, error.message) == ("timeout", "no complete answer within 0.2 s")
        await asyncio.wait_for(asyncio.gather(*peer.open), 10)
    assert peer.connections == 1


async def test_a_body_that_never_ends_is_not_waited_for() -> None:
    """Be it ever so slow or fast."""

    async def dripping(talk: Talk) -> None:
        await talk.hear()
        await talk.say(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await talk.say(b" ")
            await asyncio.sleep(0.01)

    async with serving(dripping) as peer, Asker(peer.url, request_timeout=0.2) as asker:
        assert (await failure_of(asker.query())).reason == "timeout"


async def keeping_alive(talk: Talk) -> None:
    while True:
        await talk.hear()
        await talk.say(http())


async def test_connections_are_kept_and_used_again() -> None:
    """A scrape a minute does not shake hands anew each time."""
    async with serving(keeping_alive) as peer, Asker(peer.url) as asker:
        for _ in range(5):
            await asker.query()
    assert peer.connections == 1
    assert len(peer.heads) == 5


async def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    """A restarted server is no failure of a task; at most a request is lost on the way to knowing."""
    async with serving(answering(http())) as peer, Asker(peer.url) as asker:
        for _ in range(3):
            assert isinstance(await asker.query(), Precheck)
            await asyncio.gather(*peer.open)
    assert peer.connections == 3


async def test_a_connection_is_not_used_again_after_an_answer_that_was_not_read_to_its_end() -> None:
    """Its rest would be taken for the next answer."""

    async def too_large(talk: Talk) -> None:
        await talk.hear()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n", b"x")
        await silent(talk)

    async with serving(too_large) as peer, Asker(peer.url) as asker:
        for _ in range(2):
            assert (await failure_of(asker.query())).reason == "too_large"
    assert peer.connections == 2


async def test_connections_are_bounded_by_the_client_s_concurrency_alone() -> None:
    """The pool has no bound of its own below it."""
    everyone = asyncio.Event()

    async def together(talk: Talk) -> None:
        await talk.hear()
        if peer.connections == 200:
            everyone.set()
        await everyone.wait()
        await talk.say(http())

    async with serving(together) as peer, Asker(peer.url, concurrency=200) as asker:
        outcomes = await asyncio.gather(*(outcome_of(asker.query()) for _ in range(200)))
    assert not any(isinstance(outcome, QueryError) for outcome in outcomes)


async def test_closing_the_transport_closes_its_connections() -> None:
    """Nothing is left open at the end."""
    async with serving(keeping_alive) as peer:
        async with Asker(peer.url) as asker:
            await asker.query()
            assert peer.open
        await asyncio.wait_for(asyncio.gather(*peer.open), 10)


async def test_a_transport_that_was_never_used_can_be_closed() -> None:
    """No connection was opened for it."""
    async with Asker("http://127.0.0.1:1"):
        pass


async def test_a_cookie_is_not_sent_back() -> None:
    """No answer can make a later request another one."""

    async def setting(talk: Talk) -> None:
        while True:
            await talk.hear()
            await talk.say(http(head=b"HTTP/1.1 200 OK\r\nSet-Cookie: session=1; Path=/"))

    # An address, other than a name, is given no cookies in any case.
    async with serving(setting) as peer, Asker(f"http://localhost:{peer.port}") as asker:
        await asker.query()
        await asker.query()
    assert len(peer.heads) == 2
    assert not any("cookie" in headers_of(head) for head in peer.heads)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch, refusing_port: int) -> None:
    """Only the configuration decides where requests go."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{refusing_port}")
    monkeypatch.setenv("no_proxy", "")
    async with serving(answering(http())) as peer, Asker(peer.url) as asker:
        await asker.query()
    assert len(peer.heads) == 1
