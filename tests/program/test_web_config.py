"""TLS and basic authentication of the exporter's own listener."""

import http.client
import json
import ssl
from pathlib import Path

import bcrypt
import pytest

from exporter.sandbox import fleet
from tests.http.certificates import Issuer, new_issuer
from tests.program.launcher import Launcher
from tests.program.process import Exporter, until
from tests.secrecy import CANARY, Watch

PASSWORD = f"{CANARY}-password"
METRIC = "ninedata_exporter_web_config_last_reload_successful"
NOTICED_SECONDS = 4.0
REFUSED = (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    folder = tmp_path / "web"
    folder.mkdir()
    return new_issuer(folder, "issuer")


@pytest.fixture
def web_config(issuer: Issuer, secrecy: Watch) -> Path:
    """With a certificate and the user alice."""
    issuer.issue("server", "IP:127.0.0.1")
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    secrecy.hide(hashed)
    tls = {"cert_file": "server.crt", "key_file": "server.key", "client_ca_file": "issuer.crt"}
    path = issuer.folder / "web.yaml"
    path.write_text(
        json.dumps(
            {
                "tls_server_config": tls | {"client_auth_type": "VerifyClientCertIfGiven"},
                "basic_auth_users": {"alice": hashed},
                "http_server_config": {"headers": {"X-Frame-Options": "deny"}},
            }
        )
    )
    return path


@pytest.fixture
def exporter(launch: Launcher, web_config: Path, issuer: Issuer) -> Exporter:
    exporter = launch.watch(launch.serve(*fleet(2)), f"--web.config.file={web_config}")
    exporter.tls = ssl.create_default_context(cafile=issuer.own.certificate)
    exporter.user = f"alice:{PASSWORD}"
    return exporter


def test_only_users_get_answers_and_probes_of_an_orchestrator_need_none(exporter: Exporter) -> None:
    answer = exporter.get("/metrics")
    assert (answer.status, answer.headers["x-frame-options"]) == (200, "deny")
    assert exporter.scrape().value(METRIC) == 1
    for user in ("", "alice:wrong", f"bob:{PASSWORD}"):
        exporter.user = user
        answer = exporter.get("/metrics")
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Basic")
        assert exporter.get("/-/healthy").status == exporter.get("/-/ready").status == 200
    exporter.tls = None
    assert exporter.get("/-/healthy").status == 400


def test_a_client_certificate_of_another_issuer_is_refused(exporter: Exporter, issuer: Issuer, tmp_path: Path) -> None:
    assert exporter.tls
    own = issuer.issue("client", "DNS:prometheus.example")
    exporter.tls.load_cert_chain(own.certificate, own.key)
    assert exporter.get("/-/healthy").status == 200
    foreign = new_issuer(tmp_path, "foreign").issue("client", "DNS:prometheus.example")
    exporter.tls.load_cert_chain(foreign.certificate, foreign.key)
    with pytest.raises(REFUSED):
        exporter.get("/-/healthy")


def test_a_renewed_certificate_is_used_without_a_restart(exporter: Exporter, issuer: Issuer) -> None:
    def shown() -> bytes:
        assert exporter.tls
        with exporter.connect() as connection, exporter.tls.wrap_socket(connection, server_hostname="127.0.0.1") as tls:
            certificate = tls.getpeercert(binary_form=True)
        assert certificate
        return certificate

    old = shown()
    assert exporter.get("/metrics").status == 200
    issuer.issue("server", "IP:127.0.0.1")
    until(lambda: shown() != old, NOTICED_SECONDS, "the new certificate")
    assert exporter.get("/metrics").status == 200


def test_a_web_configuration_with_a_fault_opens_nothing(exporter: Exporter, web_config: Path) -> None:
    good = web_config.read_text()
    web_config.write_text("tls_server_config: {}\n")
    until(lambda: exporter.scrape().value(METRIC) == 0, NOTICED_SECONDS, "the fault is told")
    user, exporter.user = exporter.user, ""
    assert exporter.get("/metrics").status == 401
    exporter.user = user
    web_config.write_text(good)
    until(lambda: exporter.scrape().value(METRIC) == 1, NOTICED_SECONDS, "the fault is fixed")


def test_a_web_configuration_with_a_fault_ends_the_start(launch: Launcher, tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(f"basic_auth_users:\n  alice: {PASSWORD}\n")
    exporter = launch.begin("--demo", f"--web.config.file={path}", "--log.level=error")
    assert exporter.popen.wait(30) == 1
    assert exporter.stderr.startswith(f"{path}:2: basic_auth_users.alice: ")
