"""`--doctor` on the way to the API: name, connection, TLS, proxy, each with what is wrong there."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from exporter.sandbox import Handle, fleet, run_in_thread
from tests.program.certificates import server_context
from tests.program.doctor import Diagnosis, Doctor
from tests.program.process import Launcher, canary_sandbox, config_of
from tests.secrecy import SECRET_KEY
from tests.web_config.certificates import Issuer, new_issuer

OF_API = ["answer", "clock", "key", "discovery", "task", "time"]
QUICK = {"request_timeout": "700ms"}

SecureSandbox = Callable[..., Handle]


@pytest.fixture
def doctor(launch: Launcher) -> Doctor:
    return Doctor(launch)


@pytest.fixture
def sandbox(serve: Callable[..., Handle]) -> Handle:
    """Serves one task by plain HTTP."""
    return serve(*fleet(1))


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return new_issuer(tmp_path_factory.mktemp("tls"), "Issuer of the tests")


@pytest.fixture
def secure(issuer: Issuer) -> Iterator[SecureSandbox]:
    """Serves one task with a certificate for a subject and a number of days."""
    with ExitStack() as stack:
        yield lambda subject="IP:127.0.0.1", days=30: stack.enter_context(
            run_in_thread(canary_sandbox(fleet(1)), ssl_context=server_context(issuer, subject, days))
        )


def only_fault(diagnosis: Diagnosis, check: str) -> str:
    """What the only fault says, which is one of this check and leaves nothing to examine behind it."""
    assert diagnosis.status == 1
    (fault,) = diagnosis.faults
    assert fault.check == check
    assert diagnosis.skipped == [*["tcp", "tls"][["name", "tcp", "tls"].index(check) :], *OF_API]
    return fault.what


def test_an_unknown_name(doctor: Doctor, sandbox: Handle) -> None:
    """The resolver's words, and the key that has the name."""
    diagnosis = doctor.examine(config_of(sandbox, api={"base_url": "https://ninedata.invalid"}))
    assert only_fault(diagnosis, "name").startswith("does not resolve")
    assert diagnosis.faults[0].subject == "ninedata.invalid"
    assert "api.base_url" in diagnosis.faults[0].advice


def test_a_refused_connection(doctor: Doctor, sandbox: Handle, refusing_port: int) -> None:
    """Host and port are named."""
    diagnosis = doctor.examine(config_of(sandbox, api={"base_url": f"http://127.0.0.1:{refusing_port}"}))
    assert only_fault(diagnosis, "tcp") == "cannot connect: Connection refused"
    assert diagnosis.faults[0].subject == f"127.0.0.1:{refusing_port}"


def test_a_connection_that_hangs(doctor: Doctor, sandbox: Handle) -> None:
    """As behind a firewall that swallows it: told after `api.request_timeout`."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - the library's own form
            waiting.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        diagnosis = doctor.examine(config_of(sandbox, api={"base_url": f"http://127.0.0.1:{port}"} | QUICK))
    assert only_fault(diagnosis, "tcp") == "no connection within 0.7 s"
    assert "firewall" in diagnosis.faults[0].advice


def test_a_trusted_certificate(doctor: Doctor, secure: SecureSandbox, issuer: Issuer) -> None:
    """Version, names, issuer and days are told."""
    sandbox = secure()
    diagnosis = doctor.examine(config_of(sandbox, api={"tls": {"ca_file": str(issuer.own.certificate)}}))
    assert (diagnosis.status, diagnosis.warnings) == (0, [])
    assert diagnosis.one("tls").what.startswith(
        "TLSv1.3, the certificate is trusted for another 29 days; "
        "it is for 127.0.0.1, issued by Issuer of the tests, valid until 20"
    )


def test_a_certificate_that_ends_soon(doctor: Doctor, secure: SecureSandbox, issuer: Issuer) -> None:
    """Less than two weeks are a warning."""
    sandbox = secure(days=13)
    diagnosis = doctor.examine(config_of(sandbox, api={"tls": {"ca_file": str(issuer.own.certificate)}}))
    (warning,) = diagnosis.warnings
    assert (diagnosis.status, warning.check) == (0, "tls")
    assert "trusted for another 12 days" in warning.what
    assert "renewed" in warning.advice


def test_an_issuer_that_is_not_trusted(doctor: Doctor, secure: SecureSandbox) -> None:
    """The issuer is named, and where one's own belongs; no signed request is sent."""
    sandbox = secure()
    diagnosis = doctor.examine(config_of(sandbox))
    what = only_fault(diagnosis, "tls")
    assert what.startswith(
        "the certificate is not trusted: unable to get local issuer certificate; it is for 127.0.0.1"
    )
    assert "issued by Issuer of the tests" in what
    assert "api.tls.ca_file" in diagnosis.faults[0].advice
    assert sandbox.requests().per_task == {}


def test_an_expired_certificate(doctor: Doctor, secure: SecureSandbox, issuer: Issuer) -> None:
    """When it ended is told."""
    sandbox = secure(days=-1)
    diagnosis = doctor.examine(config_of(sandbox, api={"tls": {"ca_file": str(issuer.own.certificate)}}))
    what = only_fault(diagnosis, "tls")
    assert what.startswith("the certificate is not trusted: certificate has expired; it is for 127.0.0.1, issued by ")
    assert "valid until 20" in what
    assert "renewed" in diagnosis.faults[0].advice


def test_a_certificate_of_another_host(doctor: Doctor, secure: SecureSandbox, issuer: Issuer) -> None:
    """For whom it is is told."""
    sandbox = secure("DNS:ninedata.example.com,DNS:ninedata.example.org")
    diagnosis = doctor.examine(config_of(sandbox, api={"tls": {"ca_file": str(issuer.own.certificate)}}))
    what = only_fault(diagnosis, "tls")
    assert "IP address mismatch, certificate is not valid for '127.0.0.1'; " in what
    assert "it is for ninedata.example.com, ninedata.example.org, issued by" in what
    assert "api.base_url" in diagnosis.faults[0].advice


def test_a_certificate_that_is_not_verified(doctor: Doctor, secure: SecureSandbox) -> None:
    """It is told all the same, and that one should not do so."""
    sandbox = secure("DNS:ninedata.example.com", days=-1)
    diagnosis = doctor.examine(config_of(sandbox, api={"tls": {"insecure_skip_verify": True}}))
    (warning,) = diagnosis.warnings
    assert (diagnosis.status, warning.check) == (0, "tls")
    assert "is not verified; it is for ninedata.example.com, issued by Issuer of the tests" in warning.what
    assert "insecure_skip_verify" in warning.advice


def test_https_where_http_is_spoken(doctor: Doctor, sandbox: Handle) -> None:
    base_url = sandbox.base_url.replace("http:", "https:")
    diagnosis = doctor.examine(config_of(sandbox, api={"base_url": base_url}))
    assert only_fault(diagnosis, "tls") == "the server speaks plain HTTP on this port, and api.base_url says https"


def test_http_where_tls_is_spoken(doctor: Doctor, secure: SecureSandbox) -> None:
    sandbox = secure()
    base_url = sandbox.base_url.replace("https:", "http:")
    diagnosis = doctor.examine(config_of(sandbox, api={"base_url": base_url}))
    assert only_fault(diagnosis, "tls") == "the server speaks TLS on this port, and api.base_url says http"


def test_a_server_that_ends_the_handshake(doctor: Doctor, sandbox: Handle) -> None:
    """One that speaks neither TLS nor HTTP, as behind a firewall that breaks TLS off."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.recv(65536)
                connection.close()

        closer = Thread(target=hang_up, daemon=True)
        closer.start()
        base_url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        diagnosis = doctor.examine(config_of(sandbox, api={"base_url": base_url}))
        listener.shutdown(socket.SHUT_RDWR)
    closer.join()
    assert only_fault(diagnosis, "tls").startswith("the TLS handshake failed: ")


def test_silence_in_place_of_a_handshake(doctor: Doctor, sandbox: Handle) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base_url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        diagnosis = doctor.examine(config_of(sandbox, api={"base_url": base_url} | QUICK))
    assert only_fault(diagnosis, "tls") == "no TLS handshake within 0.7 s"


class Proxy(BaseHTTPRequestHandler):
    """A proxy that lets nobody through, or whose answers are the sandbox's."""

    status = 407

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_CONNECT = do_GET  # noqa: N815 - the base class's form

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def proxy() -> Iterator[str]:
    """The address of a proxy that wants another password."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_proxy_that_lets_nobody_through(doctor: Doctor, sandbox: Handle, proxy: str) -> None:
    """It is the proxy's answer, its address is told and its password is not; TLS is left to the requests."""
    api = {"base_url": "https://ninedata.invalid", "proxy_url": f"http://user:{SECRET_KEY}@{proxy}"}
    diagnosis = doctor.examine(config_of(sandbox, api=api))
    assert (diagnosis.status, [found.check for found in diagnosis.faults]) == (1, ["answer"])
    assert diagnosis.faults[0].what == "connect: the proxy refused the connection: HTTP 407"
    assert diagnosis.one("tcp").subject == proxy
    assert diagnosis.one("tls").what == "goes through the proxy, so only the requests themselves examine it"


def test_a_proxy_that_is_not_there(doctor: Doctor, sandbox: Handle, refusing_port: int) -> None:
    """Its name and its connection are what is examined, in place of the API's."""
    refused = doctor.examine(config_of(sandbox, api={"proxy_url": f"http://127.0.0.1:{refusing_port}"}))
    assert only_fault(refused, "tcp") == "cannot connect: Connection refused"
    unknown = doctor.examine(config_of(sandbox, api={"proxy_url": f"http://u:{SECRET_KEY}@proxy.invalid:3128"}))
    assert only_fault(unknown, "name").startswith("does not resolve")
    assert (unknown.faults[0].subject, "api.proxy_url" in unknown.faults[0].advice) == ("proxy.invalid", True)


def test_a_proxy_that_is_none(doctor: Doctor, sandbox: Handle) -> None:
    """Only HTTP proxies are known, and the configuration says so."""
    diagnosis = doctor.examine(config_of(sandbox, api={"proxy_url": f"socks5://u:{SECRET_KEY}@127.0.0.1:1080"}))
    (fault,) = diagnosis.faults
    assert fault.what == "api.proxy_url: must begin with http:// or https:// and name a host"


def test_http_over_a_network(doctor: Doctor, sandbox: Handle, proxy: str) -> None:
    """Signatures can be seen on the way: a warning."""
    api = {"base_url": "http://ninedata.invalid:9999", "proxy_url": f"http://{proxy}"}
    (warning,) = doctor.examine(config_of(sandbox, api=api)).warnings
    assert (warning.check, warning.subject) == ("tls", "ninedata.invalid:9999")
    assert "signature" in warning.what


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """A port that is taken and on which nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
