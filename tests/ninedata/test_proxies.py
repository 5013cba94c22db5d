"""A proxy on the way: it is asked for a tunnel or for the answer, and its own faults are named as its own."""

import socket
import traceback
from base64 import b64encode
from collections.abc import Iterator

import pytest

from exporter.ninedata import ADVICE, Precheck
from tests.ninedata.fake_api import failure_of
from tests.ninedata.peers import Asker, Script, answering, http, serving

pytestmark = pytest.mark.anyio

PASSWORD = "hunter2hunter2"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """A port that is taken and on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_a_plain_request_goes_through_the_proxy() -> None:
    """With the whole address, the proxy's password, and the signature as without a proxy."""
    async with (
        serving(answering(http())) as proxy,
        Asker("http://ninedata.invalid:9999", proxy=f"http://u:{PASSWORD}@127.0.0.1:{proxy.port}") as asker,
    ):
        assert isinstance(await asker.query(), Precheck)
    (head,) = proxy.heads
    assert head.startswith(b"GET http://ninedata.invalid:9999/openapi/v1/comparedata/precheck/status?taskId=")
    assert b"Proxy-Authorization: Basic " + b64encode(f"u:{PASSWORD}".encode()) in head
    assert b"signature: " in head


@pytest.mark.parametrize(
    ("user_info", "sent"),
    [("u:p", "u:p"), ("u", "u:"), ("u%40x:p%3A%2F%40", "u@x:p:/@"), ("u:%E5%AF%86%E7%A0%81", "u:密码"), ("", None)],
)
@pytest.mark.parametrize("base_url", ["http://ninedata.invalid", "https://ninedata.invalid"])
async def test_the_proxy_is_told_user_and_password(base_url: str, user_info: str, sent: str | None) -> None:
    """As they are, in UTF-8, once."""
    async with (
        serving(answering(http(b"", b"HTTP/1.1 403 Forbidden"))) as proxy,
        Asker(base_url, proxy=f"http://{user_info}{'@' * bool(user_info)}127.0.0.1:{proxy.port}") as asker,
    ):
        await failure_of(asker.query())
    (head,) = proxy.heads
    told = [line for line in head.splitlines() if line.lower().startswith((b"proxy-authorization:", b"authorization:"))]
    expected = [b"Proxy-Authorization: Basic " + b64encode(sent.encode())] if sent else []
    assert told == expected


async def test_a_tunnel_is_asked_for_without_the_credentials() -> None:
    """The proxy learns the host alone."""
    async with (
        serving(answering(http(b"", b"HTTP/1.1 403 Forbidden"))) as proxy,
        Asker("https://ninedata.invalid", proxy=proxy.url) as asker,
    ):
        await failure_of(asker.query())
    (head,) = proxy.heads
    assert head.startswith(b"CONNECT ninedata.invalid:443 HTTP/1.1\r\n")
    assert b"access-key-id" not in head.lower()
    assert b"signature" not in head.lower()


REFUSALS: dict[str, tuple[Script, tuple[str, str], int]] = {
    "no tunnel": (
        answering(http(b"", b"HTTP/1.1 403 Forbidden")),
        ("connect", "the proxy refused the connection: HTTP 403"),
        1,
    ),
    "no password": (
        answering(http(b"", b"HTTP/1.1 407 Proxy Authentication Required")),
        ("connect", "the proxy refused the connection: HTTP 407"),
        1,
    ),
    "no connection": (
        answering(http(b"", b"HTTP/1.1 502 Bad Gateway")),
        ("connect", "the proxy refused the connection: HTTP 502"),
        1,
    ),
    "no word": (answering(), ("connect", "the connection was lost before the answer"), 2),
    "no HTTP": (answering(b"SSH-2.0-x\r\n\r\n"), ("invalid_response", "the answer is not HTTP"), 1),
}


@pytest.mark.parametrize(("script", "failure", "times"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_proxy_that_gives_no_tunnel_is_named(script: Script, failure: tuple[str, str], times: int) -> None:
    """Its password is in no message and no traceback."""
    async with (
        serving(script) as proxy,
        Asker("https://ninedata.invalid", proxy=f"http://u:{PASSWORD}@127.0.0.1:{proxy.port}") as asker,
    ):
        error = await failure_of(asker.query())
    assert (error.reason, error.message) == failure
    assert len(proxy.heads) == times == len(asker.books.sent)
    text = "".join(traceback.format_exception(error))
    assert PASSWORD not in text
    assert b64encode(f"u:{PASSWORD}".encode()).decode() not in text


@pytest.mark.parametrize("base_url", ["http://ninedata.invalid", "https://ninedata.invalid"])
async def test_a_proxy_that_is_not_there_is_named(refusing_port: int, base_url: str) -> None:
    """Otherwise one would look for the fault at the API."""
    async with Asker(base_url, proxy=f"http://127.0.0.1:{refusing_port}") as asker:
        error = await failure_of(asker.query())
    assert error.reason == "connect"
    assert error.message.startswith("cannot connect to the proxy: ")


async def test_a_proxy_whose_name_does_not_resolve_is_a_name_that_does_not_resolve() -> None:
    """The advice for this reason names the key `api.proxy_url` too."""
    async with Asker("http://127.0.0.1:1", proxy="http://proxy.invalid:3128") as asker:
        error = await failure_of(asker.query())
    assert error.reason == "connect"
    assert error.message.startswith("the host name does not resolve: ")
    assert "api.proxy_url" in ADVICE[error.reason]
