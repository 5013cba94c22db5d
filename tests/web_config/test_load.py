"""A web configuration as a whole."""

from collections.abc import Callable

import bcrypt
import pytest

from exporter.web_config import WebConfig

Loaded = Callable[[str], WebConfig]

HASH = bcrypt.hashpw(b"hush", bcrypt.gensalt(4)).decode()
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
CLIENTS = (
    "tls_server_config: {cert_file: server.crt, key_file: server.key, client_ca_file: issuer.crt, client_auth_type: %s}"
)


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        (TLS, "TLS, client certificates none, no authentication"),
        (CLIENTS % "VerifyClientCertIfGiven", "TLS, client certificates optional, no authentication"),
        (CLIENTS % "RequireAndVerifyClientCert", "TLS, client certificates required, no authentication"),
        (f"basic_auth_users: {{alice: {HASH}}}", "no TLS, basic authentication of 1 user"),
        (
            f"{TLS}basic_auth_users: {{alice: {HASH}, bob: {HASH}}}",
            "TLS, client certificates none, basic authentication of 2 users",
        ),
        ("http_server_config: {headers: {X-Frame-Options: deny}}", "no TLS, no authentication"),
        ("http_server_config:", "no TLS, no authentication"),
    ],
)
def test_the_summary(loaded: Loaded, content: str, summary: str) -> None:
    """What is guarded how, for who checks a configuration; each part may be left out."""
    assert loaded(content).summary == summary


def test_headers(loaded: Loaded) -> None:
    """The five that there are; a value of digits needs no quotes, and one of nothing sets nothing."""
    config = loaded(
        "http_server_config:\n"
        "  http2: false\n"
        "  headers:\n"
        "    X-Frame-Options: sameorigin\n"
        "    Strict-Transport-Security: max-age=31536000; includeSubDomains\n"
        "    X-Content-Type-Options: nosniff\n"
        "    X-XSS-Protection: 1\n"
        "    Content-Security-Policy: \"default-src 'self' *.example.net\"\n"
    )
    assert config.headers == {
        "X-Frame-Options": "sameorigin",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "X-XSS-Protection": "1",
        "Content-Security-Policy": "default-src 'self' *.example.net",
    }
    assert loaded("http_server_config: {headers: {X-Frame-Options: , X-XSS-Protection: }}").headers == {}


@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
@pytest.mark.parametrize("cost", ["04", "10", "14"])
def test_hashes(loaded: Loaded, version: str, cost: str) -> None:
    """Of the three versions that mean the same, whatever program made them."""
    users = loaded(f"basic_auth_users: {{alice: ${version}${cost}${HASH[7:]}}}").users
    assert users is not None
    assert len(users) == 1


@pytest.mark.parametrize("name", ["alice", "'123'", "123", "jörg", "alice@example.com", "''", "'a b'"])
def test_names_of_users(loaded: Loaded, name: str) -> None:
    """Any that can be sent."""
    assert loaded(f"basic_auth_users: {{{name}: {HASH}}}").users


def test_a_configuration_does_not_show_its_hashes(loaded: Loaded) -> None:
    config = loaded(f"{TLS}basic_auth_users: {{alice: {HASH}}}")
    assert HASH not in f"{config} {config!r} {config.users} {config.users!r}"
