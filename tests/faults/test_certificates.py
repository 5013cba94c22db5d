"""Certificates of the API that expire, and are renewed."""

import shutil
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from exporter.sandbox import fleet, run_in_thread
from tests.faults.relay import Mode, relaying
from tests.program.process import GRACE_SECONDS, Launcher, canary_sandbox

TASKS = fleet(5)
SCRAPE_SECONDS = 5.0


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an issuer: its certificate and key."""
    folder = tmp_path_factory.mktemp("issuer")
    made = ("-keyout", str(folder / "issuer.key"), "-out", str(folder / "issuer.crt"))
    openssl("req", "-x509", "-days", "2", *CURVE, "-subj", "/CN=issuer", *made)
    return folder


CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def openssl(*arguments: str) -> None:
    program = shutil.which("openssl")
    assert program, "these tests need the command openssl"
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=60)  # noqa: S603 - the program asked for


def valid_for(issuer: Path, days: int) -> ssl.SSLContext:
    """A server whose certificate is valid for so many days more, or ended so many ago."""
    key, request, certificate, names = (str(issuer / f"server.{end}") for end in ("key", "csr", "crt", "ext"))
    Path(names).write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("req", "-new", *CURVE, "-subj", "/CN=server", "-keyout", key, "-out", request)
    signed = ("-CA", str(issuer / "issuer.crt"), "-CAkey", str(issuer / "issuer.key"), "-CAcreateserial")
    openssl("x509", "-req", *signed, "-in", request, "-out", certificate, "-extfile", names, "-days", str(days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_a_certificate_that_expires(launch: Launcher, issuer: Path) -> None:
    """All tasks are `tls`, the page and the log say that it has expired; renewed, the next scrape is whole."""
    good, expired = valid_for(issuer, 1), valid_for(issuer, -1)
    with run_in_thread(canary_sandbox(TASKS), ssl_context=good) as sandbox:
        exporter = launch(sandbox, api={"tls": {"ca_file": str(issuer / "issuer.crt")}})
        assert exporter.scrape().down == set()
        port = int(sandbox.base_url.rpartition(":")[2])
    with run_in_thread(canary_sandbox(TASKS), port=port, ssl_context=expired):
        for _ in range(2):
            assert set(exporter.scrape().reasons.values()) == {"tls"}
        assert "no trusted TLS connection: certificate has expired" in exporter.page("/")
        assert {line["error"] for line in exporter.logged("query fails")} == {
            "no trusted TLS connection: certificate has expired"
        }
    with run_in_thread(canary_sandbox(TASKS), port=port, ssl_context=good):
        assert exporter.scrape().down == set()


def test_a_handshake_that_does_not_go_on(launch: Launcher, issuer: Path) -> None:
    """A server that takes connections and says nothing: in time, told as such, and afterwards all is whole."""
    with (
        run_in_thread(canary_sandbox(TASKS), ssl_context=valid_for(issuer, 1)) as sandbox,
        relaying(int(sandbox.base_url.rpartition(":")[2])) as relay,
    ):
        tls = {"ca_file": str(issuer / "issuer.crt")}
        api = {"base_url": f"https://127.0.0.1:{relay.port}", "request_timeout": "1s", "tls": tls}
        exporter = launch(sandbox, api=api)
        relay.set(Mode.SWALLOW)
        for _ in range(2):
            began = time.monotonic()
            assert set(exporter.scrape(timeout=SCRAPE_SECONDS).reasons.values()) <= {"timeout", "deadline"}
            assert time.monotonic() - began < SCRAPE_SECONDS + GRACE_SECONDS
        relay.set(Mode.PASS)
        assert exporter.scrape().down == set()
