"""TLS: whom the exporter trusts, and what is said where it does not."""

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.ninedata import Precheck
from exporter.ninedata.tls import client_context
from tests.ninedata.fake_api import failure_of
from tests.ninedata.peers import Asker, Peer, answering, http, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def make_certificate(folder: Path, name: str, subject: str) -> Path:
    """A certificate of its own issue, its key in the same file."""
    openssl = shutil.which("openssl")
    assert openssl, "these tests need the command openssl"
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    files = ["-nodes", "-keyout", str(key), "-out", str(certificate)]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = ["-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}"]
    command = [openssl, "req", "-x509", "-days", "2", *files, *curve, *names]
    subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603 - the program asked for
    with certificate.open("a") as both:
        both.write(key.read_text())
    return certificate


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this machine's address."""
    return make_certificate(tmp_path_factory.mktemp("tls"), "loopback", "IP:127.0.0.1")


@pytest.fixture(scope="module")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of another host."""
    return make_certificate(tmp_path_factory.mktemp("tls"), "other", "DNS:ninedata.example.com")


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
async def peer(certificate: Path) -> AsyncIterator[Peer]:
    """A server with the certificate of this machine's address."""
    async with serving(answering(http()), server_context(certificate)) as serving_peer:
        yield serving_peer


async def test_a_certificate_from_nowhere_is_not_trusted(peer: Peer) -> None:
    """Nothing is sent over such a connection, and it is not tried again."""
    async with Asker(peer.https_url) as asker:
        error = await failure_of(asker.query())
    assert (error.reason, error.message) == ("tls", "the TLS connection failed: self-signed certificate")
    assert peer.heads == []
    assert [failure for _, _, failure in asker.observer.ended] == ["tls"]


async def test_a_certificate_of_the_configured_issuer_is_trusted(peer: Peer, certificate: Path) -> None:
    """`api.tls.ca_file`."""
    async with Asker(peer.https_url, tls=client_context(certificate, verify=True)) as asker:
        assert isinstance(await asker.query(), Precheck)


async def test_any_certificate_is_trusted_where_one_says_so(peer: Peer) -> None:
    """`api.tls.insecure_skip_verify`."""
    async with Asker(peer.https_url, tls=client_context(None, verify=False)) as asker:
        assert isinstance(await asker.query(), Precheck)


async def test_a_certificate_of_another_host_is_not_trusted(other_certificate: Path) -> None:
    """Although its issuer is."""
    tls = client_context(other_certificate, verify=True)
    async with (
        serving(answering(http()), server_context(other_certificate)) as peer,
        Asker(peer.https_url, tls=tls) as asker,
    ):
        error = await failure_of(asker.query())
    assert error.reason == "tls"
    assert error.message == (
        "the TLS connection failed: IP address mismatch, certificate is not valid for '127.0.0.1'."
    )
    assert peer.heads == []


async def test_only_the_configured_issuer_is_trusted(peer: Peer, other_certificate: Path) -> None:
    """Naming one's own issuer leaves out all the public ones."""
    context = client_context(other_certificate, verify=True)
    async with Asker(peer.https_url, tls=context) as asker:
        assert (await failure_of(asker.query())).reason == "tls"
    assert len(context.get_ca_certs()) == 1


def test_without_one_the_public_issuers_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no list of its own, too: one comes with the exporter."""
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere")
    monkeypatch.setenv("SSL_CERT_DIR", "nowhere")
    assert len(client_context(None, verify=True).get_ca_certs()) > 50
