"""The doctor on the way to the API: its name, a connection, the certificate."""

import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.config.settings import Api, Tls
from exporter.credentials import Secret
from exporter.doctor.connection import check_connection
from exporter.doctor.report import Level
from exporter.ninedata.tls import client_context
from exporter.threads import UnboundedThreads

pytestmark = pytest.mark.anyio


def api_at(base_url: str, ca_file: Path | None = None, *, verify: bool = True) -> Api:
    secret = Secret("x")
    return Api(base_url, secret, secret, Tls(client_context(ca_file, verify=verify)), request_timeout=2)


async def found(api: Api) -> list[tuple[Level, str]]:
    return [(finding.level, finding.what) for finding in await check_connection(api)]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed one for 127.0.0.1 that expires in 5 days, with its key."""
    file = tmp_path_factory.mktemp("certificate") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "5", "-subj", "/CN=server", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", file, "-out", f"{file}.crt"], check=True, capture_output=True)  # noqa: S603 - the tests' own
    with file.open("a") as pem:
        pem.write(Path(f"{file}.crt").read_text())
    return file


@asynccontextmanager
async def server(certificate: Path | None = None, answer: bytes = b"") -> AsyncIterator[str]:
    """The address of a server that answers each connection so and closes it."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as running:
        yield f"127.0.0.1:{running.sockets[0].getsockname()[1]}"


async def test_http_on_this_machine_is_fine() -> None:
    async with server() as address:
        (name, connection) = await found(api_at(f"http://{address}"))
    assert name[0] == connection[0] == "ok"
    assert name[1].startswith("resolves to ")
    assert connection[1].endswith(" ms by http, on this machine")


async def test_a_name_that_does_not_resolve_leaves_nothing_to_connect_to() -> None:
    (name, connection) = await found(api_at("http://ninedata.invalid"))
    assert name[0] == "fault"
    assert name[1].startswith("does not resolve: ")
    assert connection == ("skipped", "ninedata.invalid does not resolve")


async def test_a_name_that_is_none_is_said_in_plain_words() -> None:
    (name, _) = await found(api_at("http://a..example"))
    assert name == ("fault", "does not resolve: it is not a valid host name")


async def test_a_name_server_that_does_not_answer_costs_one_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    asyncio.get_running_loop().set_default_executor(UnboundedThreads())
    api = replace(api_at("http://ninedata.example"), request_timeout=0.05)
    began = time.monotonic()
    assert (await found(api))[0] == ("fault", "does not resolve: no answer within api.request_timeout")
    assert time.monotonic() - began < 0.8


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


async def test_a_trusted_certificate_that_expires_soon_is_a_warning(certificate: Path) -> None:
    async with server(certificate) as address:
        level, what = (await found(api_at(f"https://{address}", certificate)))[1]
    assert level == "warning"
    assert "TLSv1.3, the certificate is trusted and expires on 20" in what


async def test_an_unknown_issuer_is_a_fault(certificate: Path) -> None:
    async with server(certificate) as address:
        (_, connection) = await check_connection(api_at(f"https://{address}"))
    assert connection.level == "fault"
    assert connection.what == "cannot connect: the certificate is not trusted: self-signed certificate"
    assert "api.tls.ca_file" in connection.advice


async def test_a_certificate_that_is_not_verified_is_a_warning(certificate: Path) -> None:
    async with server(certificate) as address:
        level, what = (await found(api_at(f"https://{address}", verify=False)))[1]
    assert level == "warning"
    assert what.endswith("; the certificate is not verified")


async def test_a_port_that_speaks_no_tls_is_a_fault() -> None:
    async with server(answer=b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        (_, connection) = await check_connection(api_at(f"https://{address}"))
    assert (connection.level, connection.what) == (
        "fault",
        "cannot connect: the TLS handshake failed: wrong version number",
    )
    assert "names a port that speaks TLS" in connection.advice
