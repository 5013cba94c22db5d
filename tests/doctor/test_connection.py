"""The doctor on the way to the API: its name, a connection, the certificate."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.config.settings import Api, Tls
from exporter.credentials import Secret
from exporter.doctor.connection import check_connection
from exporter.doctor.report import Finding, Level
from exporter.ninedata.tls import client_context
from exporter.threads import ManyThreads
from tests.http.certificates import Identity, new_issuer

pytestmark = pytest.mark.anyio


def api_at(base_url: str, ca_file: Path | None = None, *, verify: bool = True) -> Api:
    secret = Secret("x")
    return Api(base_url, secret, secret, Tls(client_context(ca_file, verify=verify)), request_timeout=2)


async def found(api: Api) -> list[tuple[Level, str]]:
    return [(finding.level, finding.what) for finding in await check_connection(api)]


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    """A self-signed certificate of 127.0.0.1 that expires in 2 days."""
    return new_issuer(tmp_path_factory.mktemp("certificate"), "server", ("subjectAltName=IP:127.0.0.1",)).own


@asynccontextmanager
async def server(identity: Identity | None = None, answer: bytes = b"") -> AsyncIterator[str]:
    """The address of a server that answers each connection so and closes it."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    context = None
    if identity:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.key)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as running:
        yield f"127.0.0.1:{running.sockets[0].getsockname()[1]}"


async def test_http_on_this_machine_is_fine() -> None:
    async with server() as address:
        (name, connection) = await found(api_at(f"http://{address}"))
    assert name[0] == connection[0] == "ok"
    assert name[1].startswith("resolves to ")
    assert connection[1].endswith(" ms by http, on this machine")


@pytest.mark.parametrize(
    ("host", "reason"),
    [("ninedata.invalid", ""), ("a..example", "it is not a valid host name")],
    ids=["unknown", "bad"],
)
async def test_a_name_that_does_not_resolve_leaves_nothing_to_connect_to(host: str, reason: str) -> None:
    ((level, what), connection) = await found(api_at(f"http://{host}"))
    assert (level, what.startswith(f"does not resolve: {reason}")) == ("fault", True)
    assert connection == ("skipped", f"{host} does not resolve")


async def test_a_name_server_that_does_not_answer_costs_one_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end.wait(60))
    asyncio.get_running_loop().set_default_executor(ManyThreads())
    api = replace(api_at("http://ninedata.example"), request_timeout=0.05)
    async with asyncio.timeout(30):
        assert (await found(api))[0] == ("fault", "does not resolve: no answer within api.request_timeout")
    end.set()


async def test_a_refused_connection_is_a_fault() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert (await found(api_at(f"http://127.0.0.1:{port}")))[1] == ("fault", "cannot connect: Connection refused")


async def test_a_proxy_is_what_is_connected_to() -> None:
    async with server() as address:
        proxy = Secret(f"http://user:hush@{address}")
        (_, connection) = await check_connection(replace(api_at("https://ninedata.example"), proxy_url=proxy))
    assert (connection.level, connection.subject) == ("ok", address)
    assert "hush" not in repr(connection)


@pytest.mark.parametrize(
    ("trusted", "verify", "level", "what", "advice"),
    [
        (True, True, "warning", "TLSv1.3, the certificate is trusted and expires on 20", "certificate renewed"),
        (False, True, "fault", "the certificate is not trusted: self-signed certificate", "into api.tls.ca_file"),
        (False, False, "warning", "; the certificate is not verified", "Remove api.tls.insecure_skip_verify"),
    ],
    ids=["expires soon", "unknown issuer", "not verified"],
)
async def test_the_certificate(
    identity: Identity, level: Level, what: str, advice: str, *, trusted: bool, verify: bool
) -> None:
    async with server(identity) as address:
        api = api_at(f"https://{address}", identity.certificate if trusted else None, verify=verify)
        (_, connection) = await check_connection(api)
    assert (connection.level, what in connection.what, advice in connection.advice) == (level, True, True)


async def test_a_port_that_speaks_no_tls_is_a_fault() -> None:
    async with server(answer=b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        (_, connection) = await check_connection(api_at(f"https://{address}"))
    advice = "Check whether api.base_url names a port that speaks TLS, and whether a firewall or a proxy interferes."
    what = "cannot connect: the TLS handshake failed: wrong version number"
    assert connection == Finding("connection", address, "fault", what, advice)
