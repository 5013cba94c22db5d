"""TLS: whom the exporter trusts, and what is said where it does not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from exporter.ninedata import Precheck
from exporter.ninedata.tls import TlsFiles, client_context
from exporter.scraping.snapshot import QueryFailure
from tests.http.certificates import STYLES, Identity, Issuer, new_issuer
from tests.ninedata.fake_api import failure_of
from tests.ninedata.peers import Asker, Peer, Talk, answering, http, serving

pytestmark = pytest.mark.anyio


LOOPBACK = "IP:127.0.0.1"


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
    async with serving(answering(http()), server_context(issuer.issue("loopback", LOOPBACK))) as serving_peer:
        yield serving_peer


@pytest.mark.parametrize("verify", [True, False])
async def test_a_certificate_of_the_configured_issuer_or_any_is_trusted(
    peer: Peer, issuer: Issuer, *, verify: bool
) -> None:
    """`api.tls.ca_file`, which replaces the public issuers, and `api.tls.insecure_skip_verify`."""
    context = client_context(issuer.own.certificate if verify else None, verify=verify)
    async with Asker(peer.url, tls=context) as asker:
        assert isinstance(await asker.query(), Precheck)
    assert (len(context.get_ca_certs()) == 1) is verify


def test_without_one_the_public_issuers_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no list of its own, too: one comes with the exporter."""
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere")
    monkeypatch.setenv("SSL_CERT_DIR", "nowhere")
    assert len(client_context(None, verify=True).get_ca_certs()) > 50


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
async def test_an_issuer_that_curl_accepts_is_accepted_on_every_python(tmp_path: Path, style: tuple[str, ...]) -> None:
    issuer = new_issuer(tmp_path, "issuer", style)
    server = server_context(issuer.issue("server", LOOPBACK, key_ids=False))
    tls = client_context(issuer.own.certificate, verify=True)
    async with serving(answering(http()), server) as peer, Asker(peer.url, tls=tls) as asker:
        assert isinstance(await asker.query(), Precheck)


def with_an_unknown_root(issuer: Issuer) -> Identity:
    root = new_issuer(issuer.folder, "root")
    identity = root.issue("whole", LOOPBACK)
    identity.certificate.write_bytes(identity.certificate.read_bytes() + root.own.certificate.read_bytes())
    return identity


def without_its_intermediate(issuer: Issuer) -> Identity:
    return issuer.intermediate("intermediate").issue("incomplete", LOOPBACK)


# certificate, the name that it must have, what OpenSSL says, what to do about it
REFUSED: list[tuple[Callable[[Issuer], Identity], str | None, str, str]] = [
    (lambda own: own.issue_dated("expired", "200101", "200201"), None, "certificate has expired", "have it renewed"),
    (lambda own: own.issue_dated("future", "480101", "480201"), None, "certificate is not yet valid", "clock"),
    (lambda own: own.issue("other", "DNS:b.example"), "a.example", "Hostname mismatch", "tls.server_name"),
    (lambda own: own.issue("other", "DNS:b.example"), None, "IP address mismatch", "tls.server_name"),
    (lambda own: new_issuer(own.folder, "itself").own, None, "self-signed certificate", "the certificate itself"),
    (with_an_unknown_root, None, "self-signed certificate in certificate chain", "the last one that the server sends"),
    (without_its_intermediate, None, "unable to get local issuer certificate", "have it send the whole chain"),
]


@pytest.mark.parametrize(("make", "name", "words", "advice"), REFUSED, ids=[each[2] for each in REFUSED])
async def test_a_certificate_that_is_refused_has_advice_of_its_own(
    issuer: Issuer, make: Callable[[Issuer], Identity], name: str | None, words: str, advice: str
) -> None:
    """Nothing is sent over such a connection, and it is not tried again."""
    tls, server = client_context(issuer.own.certificate, verify=True), server_context(make(issuer))
    async with serving(answering(http()), server) as peer, Asker(peer.url, tls=tls, server_name=name) as asker:
        error = await failure_of(asker.query())
    assert error.reason == "tls"
    assert error.message.startswith(f"the TLS connection failed: {words}")
    assert advice in QueryFailure.of(error).advice("data_compare")
    assert peer.heads == []
    assert len(asker.observer.sent) == 1


async def test_the_server_s_own_certificate_can_be_trusted_without_its_issuer(issuer: Issuer) -> None:
    own = issuer.issue("own", LOOPBACK)
    tls = client_context(own.certificate, verify=True)
    async with serving(answering(http()), server_context(own)) as peer, Asker(peer.url, tls=tls) as asker:
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


async def test_a_changed_file_counts_for_new_requests_and_ends_none_in_flight(tmp_path: Path, issuer: Issuer) -> None:
    ca_file, arrived, go_on = tmp_path / "ca.pem", asyncio.Event(), asyncio.Event()
    ca_file.write_bytes(issuer.own.certificate.read_bytes())
    files = TlsFiles(ca_file, verify=True)

    async def slow(talk: Talk) -> None:
        await talk.hear()
        arrived.set()
        await go_on.wait()
        await talk.say(http())

    server = server_context(issuer.issue("loopback", LOOPBACK))
    async with serving(slow, server) as peer, Asker(peer.url, tls=files) as asker:
        in_flight = asyncio.create_task(asker.query())
        await arrived.wait()
        ca_file.write_bytes(new_issuer(tmp_path, "another").own.certificate.read_bytes())
        files.refresh()
        assert (await failure_of(asker.query())).reason == "tls"
        go_on.set()
        assert isinstance(await in_flight, Precheck)


async def test_a_server_is_verified_by_the_configured_name_and_gets_the_client_s_certificate(issuer: Issuer) -> None:
    """`api.tls.server_name`, `cert_file`, `key_file`."""
    server, client = issuer.issue("named", "DNS:ninedata.example.com"), issuer.issue("shown", "DNS:client")
    demanding = server_context(server)
    demanding.load_verify_locations(issuer.own.certificate)
    demanding.verify_mode = ssl.CERT_REQUIRED
    tls = client_context(issuer.own.certificate, (client.certificate, client.key), verify=True)
    async with (
        serving(answering(http()), demanding) as peer,
        Asker(peer.url, tls=tls, server_name="ninedata.example.com") as asker,
    ):
        assert isinstance(await asker.query(), Precheck)
