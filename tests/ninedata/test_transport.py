"""Real connections: what is sent on them, and what each of their faults is called."""

import asyncio
import gzip
import socket
import traceback
import tracemalloc
from base64 import b64encode
from unittest.mock import Mock

import pytest

from exporter.ninedata import Precheck
from exporter.ninedata.client import MAX_ANSWER_BYTES
from tests.ninedata.fake_api import failure_of
from tests.ninedata.peers import PASSED, Asker, Script, Talk, answering, http, keeping_alive, serving, silent
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_nothing_but_the_client_s_own_headers_is_sent() -> None:
    """No library adds any: no cookie, no accepted compression, no name of its own."""
    # An address, other than a name, gets no cookies in any case.
    async with serving(keeping_alive) as peer, Asker(peer.url.replace("127.0.0.1", "localhost")) as asker:
        await asker.query()
        await asker.query()
    assert peer.heads[1].splitlines()[0] == (
        b"GET /openapi/v1/comparedata/precheck/status?taskId=cd-tg3isu1xgs&precheckTaskId=pcte-dj02vti9tabd HTTP/1.1"
    )
    names = {line.partition(b":")[0].lower() for line in peer.heads[1].split(b"\r\n")[1:-2]}
    own = b"accept accept-encoding access-key-id host signature timestamp user-agent"
    assert names == set(own.split())
    assert peer.connections == 1  # it was kept


OK = b"HTTP/1.1 200 OK\r\n"
GZIP = OK + b"Content-Encoding: gzip"
UNUSUAL = {
    "chunked": OK
    + b"Transfer-Encoding: chunked\r\n\r\n7\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (PASSED[:7], len(PASSED) - 7, PASSED[7:]),
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + PASSED,
    "no reason phrase": http(head=b"HTTP/1.1 200"),
    "GBK": http(head="HTTP/1.1 200 成功\r\nX-Note: 成功".encode("gbk")),
    "byte order mark": http(b"\xef\xbb\xbf" + PASSED),
    "100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n" + http(),
    "Content-Encoding: UTF-8": http(head=OK + b"Content-Encoding: UTF-8"),
    "header of 12,000 bytes": http(head=OK + b"Content-Security-Policy: " + b"x" * 12_000),
    "150 headers": http(head=OK + b"\r\n".join(b"X-%d: x" % number for number in range(150))),
    "reason phrase of 9,000 bytes": http(head=b"HTTP/1.1 200 " + b"x" * 9_000),
    "gzip that nobody asked for": http(gzip.compress(PASSED), GZIP),
    "x-gzip": http(gzip.compress(PASSED), OK + b"Content-Encoding: X-GZip"),
}


@pytest.mark.parametrize("answer", UNUSUAL.values(), ids=UNUSUAL)
async def test_an_unusual_answer_is_understood(answer: bytes) -> None:
    """Servers and proxies vary."""
    async with serving(answering(answer)) as peer, Asker(peer.url) as asker:
        assert isinstance(await asker.query(), Precheck)
    assert len(peer.heads) == 1


BROKEN = "the answer breaks the rules of HTTP"
GARBLED = "cannot decompress the answer"
LOST_BEFORE = "the connection was lost before the answer"
LOST_WITHIN = "the connection was lost in the middle of the answer"

# A connection that is lost, and what is said of it: the request is sent once more.
LOST: dict[str, tuple[Script, str]] = {
    "closed before the answer": (answering(), LOST_BEFORE),
    "reset before the answer": (answering(reset=True), f"{LOST_BEFORE}: Connection reset by peer"),
    "closed within the head": (answering(OK + b"Content-Le"), LOST_BEFORE),
    "closed within the body": (answering(http()[:-20]), LOST_WITHIN),
    "closed between chunks": (answering(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), LOST_WITHIN),
}
# What the server says, and what is said of it.
INVALID: dict[str, tuple[bytes, str]] = {
    "no HTTP": (b"\x16\x03\x01SSH-2.0-x\r\n\r\n", "the answer is not HTTP"),
    "bad length": (OK + b"Content-Length: x\r\n\r\n", f"{BROKEN}: Invalid character in Content-Length"),
    "length twice": (http(head=OK + b"Content-Length: 1"), f"{BROKEN}: Duplicate Content-Length"),
    "bad chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", f"{BROKEN}: Invalid character in chunk size"),
    "too many headers": (http(head=OK + b"X: x\r\n" * 160 + b"X: x"), f"{BROKEN}: more than 160 headers"),
    "huge header": (http(head=OK + b"X: " + b"x" * 17_000), "a header of the answer is longer than 16 KiB"),
    "broken gzip": (http(PASSED, GZIP), GARBLED),
    "broken x-gzip": (http(PASSED, OK + b"Content-Encoding: x-gzip"), GARBLED),
    "unknown encoding": (http(PASSED, OK + b"Content-Encoding: br"), GARBLED),
}
FAULTS = {name: (script, "connect", message, 2) for name, (script, message) in LOST.items()} | {
    name: (answering(said), "invalid_response", message, 1) for name, (said, message) in INVALID.items()
}


@pytest.mark.parametrize(("script", "reason", "message", "sent"), FAULTS.values(), ids=FAULTS)
async def test_every_fault_of_a_connection_has_a_name(script: Script, reason: str, message: str, sent: int) -> None:
    """The request is sent as often as the observer is told: no library sends it again by itself."""
    async with serving(script) as peer, Asker(peer.url) as asker:
        error = await failure_of(asker.query())
    assert (error.reason, error.message, len(peer.heads)) == (reason, message, sent)
    assert len(asker.observer.sent) == len(peer.heads)
    text = "".join(traceback.format_exception(error))
    assert ACCESS_KEY_ID not in text
    assert SECRET_KEY not in text


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("127.0.0.1:1", "cannot connect to 127.0.0.1:1: Connection refused"),
        ("[::1]:1", "cannot connect to [::1]:1: "),
        ("255.255.255.255", "cannot connect to 255.255.255.255:80: Network is unreachable"),
        ("ninedata.invalid", "the host name ninedata.invalid does not resolve: Unknown"),
        ("a" * 64 + ".example", "the host name is not a valid one"),
        ("a..example", "the host name is not a valid one"),
    ],
    ids=["refused", "IPv6", "unreachable", "unknown", "too long", "empty label"],
)
async def test_a_host_that_cannot_be_reached_is_named(host: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not tried again at once."""
    if host == "ninedata.invalid":  # no name server decides
        monkeypatch.setattr(socket, "getaddrinfo", Mock(side_effect=socket.gaierror(socket.EAI_NONAME, "Unknown")))
    async with Asker(f"http://{host}") as asker:
        error = await failure_of(asker.query())
    assert error.reason == "connect"
    assert error.message.startswith(message)
    assert "(" not in error.message, "Python writes addresses in brackets"
    assert len(asker.observer.sent) == 1


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip"])
async def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_unpacked(encoding: bytes) -> None:
    """Memory stays within a few times the largest answer."""
    bomb = http(gzip.compress(bytes(64 * MAX_ANSWER_BYTES)), OK + b"Content-Encoding: " + encoding)
    async with serving(answering(bomb)) as peer, Asker(peer.url) as asker:
        tracemalloc.start()
        error = await failure_of(asker.query())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert error.reason == "too_large"
    assert peak < 8 * MAX_ANSWER_BYTES


async def test_a_kept_connection_that_the_server_closed_is_replaced() -> None:
    """A restarted server is no failure of a task."""
    async with serving(answering(http())) as peer, Asker(peer.url) as asker:
        for _ in range(3):
            assert isinstance(await asker.query(), Precheck)
            await asyncio.gather(*peer.open)
    assert peer.connections == 3


async def test_a_retry_never_uses_a_kept_connection() -> None:
    """What closed one idle connection without a word has mostly closed all of them."""

    async def failing_every_other_time(talk: Talk) -> None:
        while True:
            await talk.hear()
            await talk.say(http() if len(talk.peer.heads) % 2 == 0 else http(b"", b"HTTP/1.1 503 Busy"))

    async with serving(failing_every_other_time) as peer, Asker(peer.url) as asker:
        await asker.query()
        await asker.query()
    assert (len(peer.heads), peer.connections) == (4, 3)


async def test_a_redirect_is_not_followed() -> None:
    redirecting = answering(http(b"", b"HTTP/1.1 302 Found\r\nLocation: /elsewhere"))
    async with serving(redirecting) as peer, Asker(peer.url) as asker:
        error = await failure_of(asker.query())
    assert error.message.startswith("HTTP 302: redirected to /elsewhere, which is not followed")
    assert len(peer.heads) == 1


async def test_a_connection_is_not_used_again_after_an_answer_that_was_not_read_to_its_end() -> None:
    """Its rest would be taken for the next answer."""

    async def too_large(talk: Talk) -> None:
        await talk.hear()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", b"x" * 2_000_000)
        await silent(talk)

    async with serving(too_large) as peer, Asker(peer.url) as asker:
        for _ in range(2):
            assert (await failure_of(asker.query())).reason == "too_large"
    assert peer.connections == 2


async def test_the_number_of_connections_has_no_limit_below_the_concurrency() -> None:
    everyone = asyncio.Event()

    async def together(talk: Talk) -> None:
        await talk.hear()
        if peer.connections == 200:
            everyone.set()
        await everyone.wait()
        await talk.say(http())

    async with serving(together) as peer, Asker(peer.url, concurrency=200) as asker:
        await asyncio.gather(*(asker.query() for _ in range(200)))
    assert peer.connections == 200


async def test_closing_the_transport_closes_its_connections() -> None:
    """Also one that was never used."""
    async with Asker("http://127.0.0.1:1"):
        pass
    async with serving(keeping_alive) as peer:
        async with Asker(peer.url) as asker:
            await asker.query()
            assert peer.open
        await asyncio.wait_for(asyncio.gather(*peer.open), 10)


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the configuration decides where requests go."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    async with serving(answering(http())) as peer, Asker(peer.url) as asker:
        await asker.query()
    assert len(peer.heads) == 1


FORBIDDEN = answering(http(b"", b"HTTP/1.1 403 Forbidden"))


async def test_a_plain_request_goes_through_the_proxy() -> None:
    """With the whole address."""
    async with serving(answering(http())) as proxy, Asker("http://ninedata.invalid:9999", proxy=proxy.url) as asker:
        assert isinstance(await asker.query(), Precheck)
    assert proxy.heads[0].startswith(b"GET http://ninedata.invalid:9999/openapi/v1/comparedata/precheck/status?taskId=")


async def test_a_tunnel_is_asked_for_without_the_credentials_of_the_api() -> None:
    """If the proxy gives none, it is named; its password is in no message and no traceback."""
    async with serving(FORBIDDEN) as proxy:
        address = proxy.url.replace("//", "//u:hunter2hunter2@")
        async with Asker("https://ninedata.invalid", proxy=address) as asker:
            error = await failure_of(asker.query())
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT ninedata.invalid:443 HTTP/1.1\r\n")
    assert b"access-key-id" not in head.lower()
    assert b"signature" not in head.lower()
    assert (error.reason, error.message) == ("connect", "the proxy refused the connection: HTTP 403")
    assert "hunter2" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize(
    ("user_info", "sent"),
    [("u:p@", "u:p"), ("u@", "u:"), ("u%40x:p%3A%2F%40@", "u@x:p:/@"), ("u:%E5%AF%86@", "u:密"), ("", None)],
    ids=ascii,
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_proxy_gets_its_user_and_password(scheme: str, user_info: str, sent: str | None) -> None:
    """Once, in UTF-8."""
    async with (
        serving(FORBIDDEN) as proxy,
        Asker(f"{scheme}://ninedata.invalid", proxy=proxy.url.replace("//", f"//{user_info}")) as asker,
    ):
        await failure_of(asker.query())
    lines = [line for line in proxy.heads[0].splitlines() if b"authorization" in line.lower()]
    assert lines == ([b"Proxy-Authorization: Basic " + b64encode(sent.encode())] if sent else [])


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there_is_named(scheme: str) -> None:
    """Otherwise one would look for the fault at the API."""
    async with Asker(f"{scheme}://ninedata.invalid", proxy="http://127.0.0.1:1") as asker:
        error = await failure_of(asker.query())
    assert (error.reason, error.message) == ("connect", "cannot connect to the proxy 127.0.0.1:1: Connection refused")
