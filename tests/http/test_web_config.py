"""The web configuration: what each key means, and every fault."""

import ssl
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.faults import ConfigError
from exporter.http.web_config import WebConfig, load_web_config
from tests.http.certificates import STYLES, Issuer, new_issuer, trusting

HASH = "$2b$04$Q96gWqjC/WVJ.lQ4Os4OkePexhsoPWDaxH0OQhneMz1uF/bvphiUu"
TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
CLIENTS = f"{TLS}  client_ca_file: issuer.crt\n  client_auth_type: "
REQUIRED = f"{CLIENTS}RequireAndVerifyClientCert\n"

Loaded = Callable[[str], WebConfig]


@pytest.fixture
def loaded(folder: Path) -> Loaded:
    """Loads a text as a web configuration beside the certificates."""

    def load(content: str) -> WebConfig:
        (folder / "web.yaml").write_text(content, "utf-8")
        return load_web_config(folder / "web.yaml")

    return load


def shake_hands(server: WebConfig, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both sides after a handshake in memory. Raises ssl.SSLError if either refuses."""
    assert server.tls is not None
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        server.tls.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    )
    waiting = list(sides)
    while waiting:
        for side in tuple(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    return sides


def refused(server: WebConfig, client: ssl.SSLContext) -> str:
    with pytest.raises(ssl.SSLError) as caught:
        shake_hands(server, client)
    return caught.value.reason or ""


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        (TLS, "TLS, client certificates none, no authentication"),
        (f"{CLIENTS}VerifyClientCertIfGiven", "TLS, client certificates optional, no authentication"),
        (REQUIRED, "TLS, client certificates required, no authentication"),
        (f"basic_auth_users: {{alice: {HASH}, jörg: {HASH}}}", "no TLS, basic authentication, users: 2"),
    ],
)
def test_the_summary_says_what_protects_the_server(loaded: Loaded, content: str, summary: str) -> None:
    assert loaded(content).summary == summary


def test_headers(loaded: Loaded) -> None:
    """These five can be set; a key without a value sets nothing."""
    headers = {
        "X-Frame-Options": "sameorigin",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'self' *.example.net",
    }
    lines = "".join(f'    {name}: "{value}"\n' for name, value in headers.items())
    config = loaded(f"http_server_config:\n  http2: false\n  headers:\n    X-XSS-Protection:\n{lines}")
    assert config.headers == headers


def test_a_certificate_and_its_key_are_enough(loaded: Loaded, folder: Path, issuer: Issuer) -> None:
    """TLS 1.3 and HTTP/1.1 are agreed on; the files are named for the file watcher."""
    client = trusting(issuer)
    client.set_alpn_protocols(["h2", "http/1.1"])
    config = loaded(TLS)
    server_side, client_side = shake_hands(config, client)
    assert (server_side.version(), client_side.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    assert config.files == (folder / "server.crt", folder / "server.key")


@pytest.mark.parametrize(
    ("keys", "spoken", "agreed"),
    [
        ("", "TLSv1_2", "TLSv1.2"),
        ("  max_version: TLS12\n", "", "TLSv1.2"),
        ("  min_version: TLS13\n", "TLSv1_2", ""),
        ("  min_version: TLS12\n  max_version: TLS12\n", "TLSv1_3", ""),
    ],
    ids=["default", "at most 1.2", "at least 1.3", "only 1.2"],
)
def test_tls_versions(loaded: Loaded, issuer: Issuer, keys: str, spoken: str, agreed: str) -> None:
    client = trusting(issuer)
    if spoken:
        client.minimum_version = client.maximum_version = ssl.TLSVersion[spoken]
    config = loaded(TLS + keys)
    if agreed:
        assert shake_hands(config, client)[0].version() == agreed
    else:
        assert "PROTOCOL" in refused(config, client)


@pytest.mark.parametrize("kind", ["RequireAndVerifyClientCert", "VerifyClientCertIfGiven"])
def test_client_certificates(loaded: Loaded, issuer: Issuer, tmp_path: Path, kind: str) -> None:
    """One of the issuers is accepted, one of others is not, and none at all only if it is optional."""
    config = loaded(CLIENTS + kind)
    known = trusting(issuer, issuer.issue("known", "DNS:prometheus.example"))
    assert shake_hands(config, known)[0].getpeercert()
    unknown = trusting(issuer, new_issuer(tmp_path, "others").issue("unknown", "DNS:prometheus.example"))
    assert refused(config, unknown) == "CERTIFICATE_VERIFY_FAILED"
    if kind == "VerifyClientCertIfGiven":
        assert shake_hands(config, trusting(issuer))
    else:
        assert refused(config, trusting(issuer)) == "PEER_DID_NOT_RETURN_A_CERTIFICATE"


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_client_certificates_of_every_style_of_issuer(
    loaded: Loaded, folder: Path, issuer: Issuer, tmp_path: Path, style: tuple[str, ...]
) -> None:
    """On every Python, as Go and OpenSSL's defaults have it."""
    clients = new_issuer(tmp_path, "clients", style)
    (folder / "issuer.crt").write_bytes(clients.own.certificate.read_bytes())
    client = clients.issue("client", "DNS:prometheus.example", key_ids=False)
    assert shake_hands(loaded(REQUIRED), trusting(issuer, client))


def test_the_client_ca_file_may_hold_the_clients_own_certificate(loaded: Loaded, folder: Path, issuer: Issuer) -> None:
    """Without its issuer, as in Go. Other certificates of that issuer are refused."""
    itself = issuer.issue("itself", "DNS:prometheus.example")
    (folder / "issuer.crt").write_bytes(itself.certificate.read_bytes())
    config = loaded(REQUIRED)
    assert shake_hands(config, trusting(issuer, itself))
    sibling = trusting(issuer, issuer.issue("sibling", "DNS:prometheus.example"))
    assert refused(config, sibling) == "CERTIFICATE_VERIFY_FAILED"


def test_allowed_names(loaded: Loaded, issuer: Issuer) -> None:
    """An exact match with a DNS name, address, e-mail address or URI; the common name does not count."""
    alternative = "DNS:prometheus.example,DNS:*.wild.example,IP:192.0.2.7,IP:2001:db8::1,email:ops@example.com"
    alternative += ",URI:spiffe://a.example/b"
    names = [name.partition(":")[2] for name in alternative.split(",")]
    context = trusting(issuer, issuer.issue("names", alternative))
    peer = shake_hands(loaded(REQUIRED), context)[0].getpeercert()
    for allowed in (*names, "a.wild.example", "Prometheus.example", "names"):
        config = loaded(f"{REQUIRED}  client_allowed_sans: [elsewhere.example, '{allowed}']\n")
        assert config.admits(peer) is (allowed in names)
        assert not config.admits({"subject": ((("commonName", "prometheus.example"),),)})


BROKEN = Path(__file__).parent / "broken"


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.yaml")))
def test_every_fault_is_reported_with_its_place(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All at once, in the order of the file. None shows a secret: the secrets here all contain `hush`."""
    monkeypatch.chdir(folder)
    Path("web.yaml").write_text((BROKEN / f"{name}.yaml").read_text())
    with pytest.raises(ConfigError) as caught:
        load_web_config(Path("web.yaml"))
    assert f"{caught.value}\n" == (BROKEN / f"{name}.txt").read_text("utf-8")
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_the_sample_in_the_manual_works(loaded: Loaded, folder: Path) -> None:
    """With certificates that exist and a hash in place of the dots."""
    manual = (Path(__file__).parents[2] / "docs/operations.md").read_text("utf-8")
    sample = manual.partition("## TLS and authentication\n")[2].partition("```yaml\n")[2].partition("```")[0]
    (folder / "client-ca.crt").write_bytes((folder / "issuer.crt").read_bytes())
    config = loaded(sample.replace("$2y$10$...", HASH))
    assert config.summary == "TLS, client certificates required, basic authentication, users: 1"
