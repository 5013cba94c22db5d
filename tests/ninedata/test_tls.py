"""TLS: whom the exporter trusts, and what is said where it does not."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.ninedata import Precheck
from exporter.ninedata.tls import TlsFiles, client_context
from exporter.scraping.snapshot import QueryFailure
from tests.http.certificates import STYLES, Identity, Issuer, new_issuer
from tests.ninedata.fake_api import failure_of
from tests.ninedata.peers import Asker, Talk, answering, http, serving

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


def trusting(identity: Identity) -> ssl.SSLContext:
    return client_context(identity.certificate, verify=True)


async def succeeds(server: ssl.SSLContext, tls: ssl.SSLContext, server_name: str | None = None) -> bool:
    async with serving(answering(http()), server) as peer, Asker(peer.url, tls=tls, server_name=server_name) as asker:
        return isinstance(await asker.query(), Precheck)


async def test_a_certificate_is_trusted_by_its_issuer_by_itself_or_without_a_check(issuer: Issuer) -> None:
    """`api.tls.ca_file` replaces the public issuers. With `api.tls.insecure_skip_verify` any certificate is trusted."""
    identity = issuer.issue("loopback", LOOPBACK)
    assert len(trusting(issuer.own).get_ca_certs()) == 1
    for tls in (trusting(issuer.own), trusting(identity), client_context(None, verify=False)):
        assert await succeeds(server_context(identity), tls)


def test_without_one_the_public_issuers_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no list of its own, too: one comes with the exporter."""
    monkeypatch.setenv("SSL_CERT_FILE", "nowhere")
    monkeypatch.setenv("SSL_CERT_DIR", "nowhere")
    assert len(client_context(None, verify=True).get_ca_certs()) > 50


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
async def test_an_issuer_that_curl_accepts_is_accepted_on_every_python(tmp_path: Path, style: tuple[str, ...]) -> None:
    issuer = new_issuer(tmp_path, "issuer", style)
    assert await succeeds(server_context(issuer.issue("server", LOOPBACK, key_ids=False)), trusting(issuer.own))


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
    tls, server = trusting(issuer.own), server_context(make(issuer))
    async with serving(answering(http()), server) as peer, Asker(peer.url, tls=tls, server_name=name) as asker:
        error = await failure_of(asker.query())
    assert error.reason == "tls"
    assert error.message.startswith(f"the TLS connection failed: {words}")
    assert advice in QueryFailure.of(error).advice("data_compare")
    assert peer.heads == []
    assert len(asker.observer.sent) == 1


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
    assert await succeeds(demanding, tls, "ninedata.example.com")
