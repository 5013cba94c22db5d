"""The section `tls_server_config`: what each key does to connections."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.web_config import WebConfig
from exporter.web_config.tls import Tls
from tests.web_config.certificates import Issuer, new_issuer
from tests.web_config.handshake import client_context, shake_hands

Loaded = Callable[[str], WebConfig]

LEAST = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
CLIENTS = f"{LEAST}  client_ca_file: issuer.crt\n  client_auth_type: "


@pytest.fixture
def tls(loaded: Loaded) -> Callable[[str], Tls]:
    """The TLS settings of a configuration."""

    def settings(content: str) -> Tls:
        found = loaded(content).tls
        assert found is not None
        return found

    return settings


@pytest.fixture
def client(issuer: Issuer) -> ssl.SSLContext:
    """A client without a certificate that trusts the server's issuer."""
    return client_context(issuer.own.certificate)


Settings = Callable[[str], Tls]


def refused(server: Tls, client: ssl.SSLContext) -> str:
    """Why no connection comes about."""
    with pytest.raises(ssl.SSLError) as caught:
        shake_hands(server.context, client)
    return caught.value.reason or ""


def test_a_certificate_and_its_key_are_enough(tls: Settings, client: ssl.SSLContext) -> None:
    """TLS 1.3 and HTTP/1.1 are agreed on; files are found from the folder of the configuration."""
    client.set_alpn_protocols(["h2", "http/1.1"])
    server_side, client_side = shake_hands(tls(LEAST).context, client)
    assert (server_side.version(), client_side.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")


def test_a_client_that_speaks_only_http2_gets_a_connection(tls: Settings, client: ssl.SSLContext) -> None:
    """What to do without its protocol is for it to decide."""
    client.set_alpn_protocols(["h2"])
    assert shake_hands(tls(LEAST).context, client)[1].selected_alpn_protocol() is None


def test_certificate_key_and_issuers_may_stand_in_the_configuration(
    tls: Settings, folder: Path, client: ssl.SSLContext, issuer: Issuer
) -> None:
    """Instead of in files; nothing of it is written anywhere."""
    texts = {"cert": "server.crt", "key": "server.key", "client_ca": "issuer.crt"}
    lines = ["tls_server_config:", "  client_auth_type: RequireAndVerifyClientCert"]
    for key, name in texts.items():
        lines += [f"  {key}: |", *(f"    {line}" for line in (folder / name).read_text().splitlines())]
    for name in texts.values():
        (folder / name).unlink()
    settings = tls("\n".join(lines))
    assert "PEER_DID_NOT_RETURN_A_CERTIFICATE" in refused(settings, client)
    known = client_context(issuer.own.certificate, issuer.issue("inline", "DNS:prometheus.example"))
    assert shake_hands(settings.context, known)


def test_absolute_paths_are_taken_as_they_are(tls: Settings, certificates: Path, client: ssl.SSLContext) -> None:
    content = f"tls_server_config: {{cert_file: {certificates}/server.crt, key_file: {certificates}/server.key}}"
    assert shake_hands(tls(content).context, client)


def test_comments_around_a_certificate_do_no_harm(tls: Settings, folder: Path, client: ssl.SSLContext) -> None:
    """In any encoding, as bundles have them; the key may stand in the same file."""
    both = (
        "\N{BYTE ORDER MARK}Büro 发行人\n" + (folder / "server.crt").read_text() + (folder / "server.key").read_text()
    )
    for name in ("server.crt", "server.key"):
        (folder / name).write_text(both, "utf-8")
    assert shake_hands(tls(LEAST).context, client)


@pytest.mark.parametrize(
    ("keys", "spoken", "agreed"),
    [
        ("", "TLSv1_2", "TLSv1.2"),
        ("  max_version: TLS12\n", "", "TLSv1.2"),
        ("  min_version: TLS13\n", "TLSv1_2", ""),
        ("  min_version: TLS12\n  max_version: TLS12\n", "TLSv1_3", ""),
        ("  min_version: TLS13\n  max_version: TLS13\n", "", "TLSv1.3"),
    ],
)
def test_versions(tls: Settings, client: ssl.SSLContext, keys: str, spoken: str, agreed: str) -> None:
    """Between the lowest and the highest, both allowed; by default TLS 1.2 and 1.3."""
    if spoken:
        client.minimum_version = client.maximum_version = ssl.TLSVersion[spoken]
    settings = tls(LEAST + keys)
    if agreed:
        assert shake_hands(settings.context, client)[0].version() == agreed
    else:
        assert "PROTOCOL" in refused(settings, client)


def test_nothing_older_than_tls_1_2_is_spoken(tls: Settings) -> None:
    assert tls(LEAST).context.minimum_version == ssl.TLSVersion.TLSv1_2


ECDSA = ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (f"  cipher_suites: [{ECDSA[0]}, {ECDSA[1]}]\n", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        (f"  cipher_suites: [{ECDSA[1]}, {ECDSA[0]}]\n", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        (
            f"  cipher_suites: [{ECDSA[1]}, {ECDSA[0]}]\n  prefer_server_cipher_suites: false\n",
            "ECDHE-ECDSA-AES128-GCM-SHA256",
        ),
        ("  cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]\n", ""),
    ],
)
def test_cipher_suites(tls: Settings, client: ssl.SSLContext, keys: str, chosen: str) -> None:
    """Of TLS 1.2: by the server's order, or the client's where one says so; no other suite is taken."""
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    client.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    settings = tls(LEAST + keys)
    if chosen:
        cipher = shake_hands(settings.context, client)[0].cipher()
        assert cipher is not None
        assert cipher[0] == chosen
    else:
        assert refused(settings, client) == "NO_SHARED_CIPHER"


@pytest.mark.parametrize(
    ("name", "openssl"),
    [
        ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"),
        ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"),
        ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    ],
)
def test_every_suite_that_go_calls_secure(tls: Settings, name: str, openssl: str) -> None:
    """By its Go name; OpenSSL knows it by another."""
    context = tls(f"{LEAST}  cipher_suites: [{name}]\n").context
    assert [c["name"] for c in context.get_ciphers() if c["protocol"] != "TLSv1.3"] == [openssl]


def test_suites_of_tls_1_3_alone_leave_no_other_version(tls: Settings, client: ssl.SSLContext) -> None:
    """They are always on; naming only such ones leaves TLS 1.2 without any."""
    settings = tls(f"{LEAST}  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_CHACHA20_POLY1305_SHA256]\n")
    assert shake_hands(settings.context, client)[0].version() == "TLSv1.3"
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert "PROTOCOL" in refused(settings, client)


@pytest.mark.parametrize("keys", ["  cipher_suites: []\n  curve_preferences: []\n", "  cipher_suites:\n"])
def test_empty_lists_choose_nothing(tls: Settings, keys: str) -> None:
    """As documented: then the defaults hold."""
    assert tls(LEAST + keys).context.get_ciphers() == tls(LEAST).context.get_ciphers()


CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("spoken", CURVES)
def test_curves(tls: Settings, client: ssl.SSLContext, curve: str, spoken: str) -> None:
    """The one that is chosen is agreed on, and no other."""
    client.set_ecdh_curve(CURVES[spoken])
    settings = tls(f"{LEAST}  curve_preferences: [{curve}]\n")
    if spoken == curve:
        assert shake_hands(settings.context, client)
    else:
        assert refused(settings, client)


def test_by_default_no_client_certificate_is_asked_for(tls: Settings, issuer: Issuer) -> None:
    """One that is sent of itself is not looked at."""
    settings = tls(LEAST)
    assert settings.client_certificates == "none"
    stranger = client_context(issuer.own.certificate, issuer.issue("unasked", "DNS:unasked.example"))
    assert shake_hands(settings.context, stranger)[0].getpeercert() in (None, {})


@pytest.mark.parametrize("kind", ["RequireAndVerifyClientCert", "VerifyClientCertIfGiven"])
def test_client_certificates(tls: Settings, client: ssl.SSLContext, issuer: Issuer, tmp_path: Path, kind: str) -> None:
    """One of the issuers is taken, one of others is not, and none at all only where it is optional."""
    settings = tls(f"{CLIENTS}{kind}\n")
    assert settings.client_certificates == ("optional" if kind == "VerifyClientCertIfGiven" else "required")
    known = client_context(issuer.own.certificate, issuer.issue("known", "DNS:prometheus.example"))
    peer = shake_hands(settings.context, known)[0].getpeercert()
    assert peer is not None
    assert settings.admits(peer)
    other_issuer = new_issuer(tmp_path, "other-issuer")
    unknown = client_context(issuer.own.certificate, other_issuer.issue("unknown", "DNS:prometheus.example"))
    assert refused(settings, unknown) == "CERTIFICATE_VERIFY_FAILED"
    if kind == "VerifyClientCertIfGiven":
        assert shake_hands(settings.context, client)
    else:
        assert refused(settings, client) == "PEER_DID_NOT_RETURN_A_CERTIFICATE"


def test_a_certificate_for_servers_is_none_for_clients(tls: Settings, issuer: Issuer) -> None:
    """Where a certificate says what it is for."""
    settings = tls(f"{CLIENTS}RequireAndVerifyClientCert\n")
    server_only = issuer.issue("server-only", "DNS:prometheus.example", "extendedKeyUsage=serverAuth")
    assert refused(settings, client_context(issuer.own.certificate, server_only)) == "CERTIFICATE_VERIFY_FAILED"


def test_a_certificate_may_be_trusted_for_itself(tls: Settings, folder: Path, issuer: Issuer) -> None:
    """Without its issuer, as in Go: the file may hold the very certificates of the clients."""
    itself = issuer.issue("itself", "DNS:prometheus.example")
    (folder / "issuer.crt").write_bytes(itself.certificate.read_bytes())
    settings = tls(f"{CLIENTS}RequireAndVerifyClientCert\n")
    assert shake_hands(settings.context, client_context(issuer.own.certificate, itself))
    sibling = issuer.issue("sibling", "DNS:prometheus.example")
    assert refused(settings, client_context(issuer.own.certificate, sibling)) == "CERTIFICATE_VERIFY_FAILED"


NAMES = "DNS:prometheus.example,DNS:*.wild.example,IP:192.0.2.7,IP:2001:db8::1,email:ops@example.com"


@pytest.mark.parametrize(
    ("allowed", "admitted"),
    [
        ("prometheus.example", True),
        ("192.0.2.7", True),
        ("'2001:db8::1'", True),
        ("ops@example.com", True),
        ("spiffe://example.com/prometheus", True),
        ("'*.wild.example'", True),
        ("elsewhere.example, prometheus.example", True),
        ("a.wild.example", False),
        ("Prometheus.example", False),
        ("'2001:DB8:0:0:0:0:0:1'", False),
        ("names", False),
        ("example", False),
    ],
)
def test_allowed_names(tls: Settings, issuer: Issuer, allowed: str, admitted: bool) -> None:  # noqa: FBT001 - a column
    """An exact match with one of DNS name, address, e-mail address or URI, each as Go writes it; the CN is none."""
    settings = tls(f"{CLIENTS}RequireAndVerifyClientCert\n  client_allowed_sans: [{allowed}]\n")
    named = issuer.issue("names", f"{NAMES},URI:spiffe://example.com/prometheus")
    peer = shake_hands(settings.context, client_context(issuer.own.certificate, named))[0].getpeercert()
    assert settings.admits(peer) is admitted


def test_ipv4_in_ipv6_is_ipv4(tls: Settings) -> None:
    """Go writes such an address so."""
    settings = tls(f"{CLIENTS}RequireAndVerifyClientCert\n  client_allowed_sans: [192.0.2.7]\n")
    assert settings.admits({"subjectAltName": (("IP Address", "0:0:0:0:0:FFFF:C000:207"),)})


@pytest.mark.parametrize(
    "certificate",
    [
        None,
        {},
        {"subjectAltName": ()},
        {"subject": ((("commonName", "prometheus.example"),),)},
        {"subjectAltName": (("othername", "prometheus.example"), ("DirName", "x"), ("IP Address", "<invalid>"))},
    ],
)
def test_without_an_allowed_name_nobody_is_admitted(tls: Settings, certificate: dict[str, object] | None) -> None:
    """No certificate, one without names, or with names of other kinds."""
    settings = tls(f"{CLIENTS}RequireAndVerifyClientCert\n  client_allowed_sans: [prometheus.example]\n")
    assert not settings.admits(certificate)


def test_settings_do_not_show_what_is_in_them(tls: Settings, folder: Path) -> None:
    """Neither the key nor where it is."""
    shown = repr(tls(LEAST))
    assert (folder / "server.key").read_text().splitlines()[1] not in shown
    assert "server.key" not in shown
