"""TLS: whom the exporter trusts, and what is said where it does not."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.ninedata import Precheck
from exporter.ninedata.tls import TlsFiles, client_context
from tests.http.certificates import Identity, Issuer, new_issuer, openssl
from tests.ninedata.fake_api import failure_of
from tests.ninedata.peers import Asker, Peer, answering, http, serving

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """An issuer of one's own."""
    return new_issuer(tmp_path_factory.mktemp("tls"), "issuer")


def server_context(identity: Identity) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity.certificate, identity.key)
    return context


@pytest.fixture
async def peer(issuer: Issuer) -> AsyncIterator[Peer]:
    """A server with a certificate of this machine's address."""
    async with serving(answering(http()), server_context(issuer.issue("loopback", "IP:127.0.0.1"))) as serving_peer:
        yield serving_peer


async def test_a_certificate_from_nowhere_is_not_trusted(peer: Peer) -> None:
    """Nothing is sent over such a connection, and it is not tried again."""
    async with Asker(peer.https_url) as asker:
        error = await failure_of(asker.query())
    assert error.reason == "tls"
    assert error.message == "the TLS connection failed: unable to get local issuer certificate"
    assert peer.heads == []
    assert [failure for _, _, failure in asker.observer.ended] == ["tls"]


async def test_a_certificate_of_the_configured_issuer_is_trusted(peer: Peer, issuer: Issuer) -> None:
    """`api.tls.ca_file`. It replaces the public issuers."""
    context = client_context(issuer.own.certificate, verify=True)
    async with Asker(peer.https_url, tls=context) as asker:
        assert isinstance(await asker.query(), Precheck)
    assert len(context.get_ca_certs()) == 1


async def test_any_certificate_is_trusted_where_one_says_so(peer: Peer) -> None:
    """`api.tls.insecure_skip_verify`."""
    async with Asker(peer.https_url, tls=client_context(None, verify=False)) as asker:
        assert isinstance(await asker.query(), Precheck)


async def test_a_certificate_of_another_host_is_not_trusted(issuer: Issuer) -> None:
    """Although its issuer is."""
    tls, other = client_context(issuer.own.certificate, verify=True), issuer.issue("other", "DNS:ninedata.example.com")
    async with serving(answering(http()), server_context(other)) as peer, Asker(peer.https_url, tls=tls) as asker:
        error = await failure_of(asker.query())
    assert error.message == (
        "the TLS connection failed: IP address mismatch, certificate is not valid for '127.0.0.1'."
    )
    assert peer.heads == []


def test_without_one_the_public_issuers_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no list of its own, too: one comes with the exporter."""
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere")
    monkeypatch.setenv("SSL_CERT_DIR", "nowhere")
    assert len(client_context(None, verify=True).get_ca_certs()) > 50


PLAIN = ("req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
AUTHORITIES = {
    "no keyUsage": ("basicConstraints=critical,CA:TRUE", "subjectKeyIdentifier=hash"),
    "basicConstraints not critical": ("basicConstraints=CA:TRUE", "keyUsage=keyCertSign,cRLSign"),
    "no key ids": ("basicConstraints=critical,CA:TRUE", "subjectKeyIdentifier=none"),
}
SERVER = ("subjectAltName=IP:127.0.0.1", "subjectKeyIdentifier=none", "authorityKeyIdentifier=none")


def make(folder: Path, name: str, extensions: tuple[str, ...], *more: str) -> Identity:
    config = folder / "openssl.cnf"
    config.write_text("[req]\ndistinguished_name = name\n[name]\n")
    identity = Identity(folder / f"{name}.crt", folder / f"{name}.key")
    added = [argument for extension in extensions for argument in ("-addext", extension)]
    files = ("-keyout", str(identity.key), "-out", str(identity.certificate))
    openssl(*PLAIN, "-config", str(config), "-subj", f"/CN={name}", *files, *added, *more)
    return identity


@pytest.mark.parametrize("extensions", AUTHORITIES.values(), ids=AUTHORITIES)
async def test_an_authority_that_curl_accepts_is_accepted_on_every_python(
    tmp_path: Path, extensions: tuple[str, ...]
) -> None:
    authority = make(tmp_path, "authority", extensions)
    server = make(tmp_path, "server", SERVER, "-CA", str(authority.certificate), "-CAkey", str(authority.key))
    tls = client_context(authority.certificate, verify=True)
    async with serving(answering(http()), server_context(server)) as peer, Asker(peer.https_url, tls=tls) as asker:
        assert isinstance(await asker.query(), Precheck)


async def test_the_server_s_own_certificate_can_be_trusted_without_its_issuer(issuer: Issuer) -> None:
    own = issuer.issue("own", "IP:127.0.0.1")
    tls = client_context(own.certificate, verify=True)
    async with serving(answering(http()), server_context(own)) as peer, Asker(peer.https_url, tls=tls) as asker:
        assert isinstance(await asker.query(), Precheck)


def test_a_key_log_that_cannot_be_written_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/keys")
    client_context(None, verify=True)


def test_a_changed_file_gives_a_new_context_and_a_broken_one_keeps_the_last(tmp_path: Path, issuer: Issuer) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(issuer.own.certificate.read_bytes())
    client = issuer.issue("client", "DNS:client")
    files = TlsFiles(ca_file, (client.certificate, client.key), verify=True)
    first = files.current()
    ca_file.write_text("no certificate")
    files.refresh()
    assert (files.current(), files.faults) == (first, (f"{ca_file}: has no certificate in PEM format",))
    ca_file.write_bytes(issuer.own.certificate.read_bytes() * 2)
    files.refresh()
    assert files.current() is not first
    assert files.faults == ()


async def test_a_server_is_verified_by_the_configured_name_and_gets_the_client_s_certificate(issuer: Issuer) -> None:
    """`api.tls.server_name`, `cert_file`, `key_file`."""
    server, client = issuer.issue("named", "DNS:ninedata.example.com"), issuer.issue("shown", "DNS:client")
    demanding = server_context(server)
    demanding.load_verify_locations(issuer.own.certificate)
    demanding.verify_mode = ssl.CERT_REQUIRED
    tls = client_context(issuer.own.certificate, (client.certificate, client.key), verify=True)
    async with (
        serving(answering(http()), demanding) as peer,
        Asker(peer.https_url, tls=tls, server_name="ninedata.example.com") as asker,
    ):
        assert isinstance(await asker.query(), Precheck)
