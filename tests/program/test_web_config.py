"""TLS and basic authentication of the exporter's own listener."""

import http.client
import resource
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from exporter.sandbox import Handle, demo_tasks, run_in_thread
from tests.program.components import component
from tests.program.process import Exporter, Launcher, canary_sandbox, until
from tests.program.prometheus import Prometheus, scraping
from tests.program.scrape import Scrape
from tests.program.secured import ALICE, PASSWORD, Site, ask, hash_of
from tests.secrecy import Watch
from tests.web_config.certificates import new_issuer

METRIC = "ninedata_exporter_web_config_last_reload_successful"
KEPT = "web configuration cannot be used; the last good one stays in force"
REFUSED = (ssl.SSLError, ConnectionError)
PROMPTLY_SECONDS = 3.0


@pytest.fixture
def site(tmp_path: Path, secrecy: Watch) -> Site:
    """With TLS and nothing else."""
    folder = tmp_path / "site"
    folder.mkdir()
    site = Site(folder, secrecy)
    site.write()
    return site


@pytest.fixture
def guarded(site: Site) -> Site:
    """With TLS and one user."""
    site.write(users={"alice": hash_of(PASSWORD)})
    return site


def web_metric(exporter: Exporter, site: Site) -> float:
    return Scrape.of_text(ask(exporter, "/metrics", client=site.client(), user=ALICE).text).value(METRIC)


def test_it_is_scraped_over_tls(launch: Launcher, sandbox: Handle, site: Site) -> None:
    """All pages as ever; the addresses in the log say https."""
    exporter = launch(sandbox, site.flag)
    scrape = Scrape.of_text(ask(exporter, "/metrics", client=site.client()).text)
    assert len(scrape.up) == len(demo_tasks())
    assert scrape.value(METRIC) == 1
    for path in ("/", "/tasks/cd-tg3isu1xgs", "/-/healthy", "/-/ready"):
        assert ask(exporter, path, client=site.client()).status == 200
    assert exporter.logged("listening")[0]["metrics"] == f"https://127.0.0.1:{exporter.port}/metrics"


def test_without_the_flag_there_is_no_metric_of_it(launch: Launcher, sandbox: Handle) -> None:
    assert launch(sandbox).scrape().samples(METRIC) == []


def test_the_demo_is_guarded_too(launch: Launcher, guarded: Site) -> None:
    """Its addresses say https."""
    demo = launch.run("--demo", guarded.flag)
    assert ask(demo, client=guarded.client()).status == 401
    assert ask(demo, client=guarded.client(), user=ALICE).status == 200
    assert f"https://127.0.0.1:{demo.port}/\n" in demo.stderr
    assert "http://127.0.0.1:%d" % demo.port not in demo.stderr  # noqa: UP031 - a brace less to read
    assert demo.stop() == 0


def test_plain_http_is_not_answered_on_a_tls_port(launch: Launcher, sandbox: Handle, site: Site) -> None:
    """The connection is closed at once; the log has nothing to worry about."""
    exporter = launch(sandbox, site.flag)
    began = time.monotonic()
    with pytest.raises(REFUSED):
        ask(exporter)
    assert time.monotonic() - began < PROMPTLY_SECONDS
    assert ask(exporter, client=site.client()).status == 200
    assert not [line for line in exporter.log if line["level"] in ("warn", "error")]


def test_client_certificates_can_be_required(launch: Launcher, sandbox: Handle, site: Site, tmp_path: Path) -> None:
    """Of the configured issuer, and with an allowed name."""
    site.write(
        client_auth_type="RequireAndVerifyClientCert",
        client_ca_file="issuer.crt",
        client_allowed_sans=["prometheus.example"],
    )
    exporter = launch(sandbox, site.flag, "--log.level=debug")
    assert ask(exporter, client=site.client(site.identity("prometheus.example"))).status == 200
    foreign = site.identity("prometheus.example", new_issuer(tmp_path, "foreign"))
    for identity in (None, foreign, site.identity("elsewhere.example")):
        with pytest.raises(REFUSED):
            ask(exporter, client=site.client(identity))
    until(lambda: len(exporter.logged("no TLS connection")) == 2, 5, "both are told at level debug")
    assert len(exporter.logged("client certificate has no allowed name")) == 1


def test_client_certificates_can_be_optional(launch: Launcher, sandbox: Handle, site: Site, tmp_path: Path) -> None:
    """None at all is well, and so is one of the configured issuer, but no other."""
    site.write(client_auth_type="VerifyClientCertIfGiven", client_ca_file="issuer.crt")
    exporter = launch(sandbox, site.flag)
    for identity in (None, site.identity("prometheus.example")):
        assert ask(exporter, client=site.client(identity)).status == 200
    with pytest.raises(REFUSED):
        ask(exporter, client=site.client(site.identity("foreign", new_issuer(tmp_path, "foreign-issuer"))))


def test_older_versions_of_tls_are_refused(launch: Launcher, sandbox: Handle, site: Site) -> None:
    """Than the configured one."""
    site.write(min_version="TLS13")
    exporter = launch(sandbox, site.flag)
    client = site.client()
    assert ask(exporter, client=client).status == 200
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        ask(exporter, client=client)


@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready", "/tasks/cd-tg3isu1xgs", "/no-such-page"])
def test_every_page_wants_a_password(launch_guarded: Exporter, guarded_site: Site, path: str) -> None:
    """The right one of the right user; all else is the same 401. The configured header is on every answer."""
    client = guarded_site.client()
    for user in (None, ("alice", "wrong"), ("nobody", PASSWORD), ("alice", PASSWORD * 9)):
        answer = ask(launch_guarded, path, client=client, user=user)
        assert (answer.status, answer.text) == (401, "Unauthorized\n")
        assert answer.headers["www-authenticate"] == "Basic"
        assert answer.headers["x-frame-options"] == "deny"
    answer = ask(launch_guarded, path, client=client, user=ALICE)
    assert answer.status == (404 if path == "/no-such-page" else 200)
    assert answer.headers["x-frame-options"] == "deny"


@pytest.mark.parametrize("header", ["", "Basic", "Basic !", "Bearer x", "Basic \xff", "Basic " + "A" * 10_000])
def test_an_odd_header_is_a_wrong_password(launch_guarded: Exporter, guarded_site: Site, header: str) -> None:
    """And no error."""
    answer = ask(launch_guarded, client=guarded_site.client(), headers={"Authorization": header})
    assert answer.status == 401
    assert not [line for line in launch_guarded.log if line["level"] == "error"]


@pytest.fixture(scope="module")
def guarded_site(tmp_path_factory: pytest.TempPathFactory, secrecy: Watch) -> Site:
    """One for the tests that only ask."""
    site = Site(tmp_path_factory.mktemp("guarded"), secrecy)
    site.write(users={"alice": hash_of(PASSWORD)})
    return site


@pytest.fixture(scope="module")
def launch_guarded(launch_for_module: Launcher, guarded_site: Site) -> Iterator[Exporter]:
    with run_in_thread(canary_sandbox(demo_tasks())) as sandbox:
        yield launch_for_module(sandbox, guarded_site.flag, "--log.level=debug")


def test_passwords_without_tls_are_warned_of(launch: Launcher, sandbox: Handle, site: Site) -> None:
    """They work all the same."""
    site.write(tls=False, users={"alice": hash_of(PASSWORD)})
    exporter = launch(sandbox, site.flag)
    assert (ask(exporter).status, ask(exporter, user=ALICE).status) == (401, 200)
    assert [line["level"] for line in exporter.log if "in the clear" in line["msg"]] == ["warn"]
    assert exporter.logged("listening")[0]["metrics"].startswith("http://")


def presented(exporter: Exporter, site: Site) -> bytes:
    """The certificate that the exporter shows."""
    with (
        socket.create_connection((exporter.host, exporter.port), timeout=10) as connection,
        site.client().wrap_socket(connection, server_hostname="localhost") as tls,
    ):
        shown = tls.getpeercert(binary_form=True)
    assert shown
    return shown


def test_a_renewed_certificate_is_shown_from_the_next_connection(
    launch: Launcher, sandbox: Handle, guarded: Site
) -> None:
    """Without a restart; in between, when certificate and key do not fit together, the old one is."""
    exporter = launch(sandbox, guarded.flag)
    old = presented(exporter, guarded)
    key = (guarded.folder / "server.key").read_bytes()
    guarded.renew()
    new_key = (guarded.folder / "server.key").read_bytes()
    (guarded.folder / "server.key").write_bytes(key)
    assert presented(exporter, guarded) == old
    assert web_metric(exporter, guarded) == 0
    (guarded.folder / "server.key").write_bytes(new_key)
    assert presented(exporter, guarded) != old
    assert web_metric(exporter, guarded) == 1
    assert len(exporter.logged(KEPT)) == 1
    assert len(exporter.logged("web configuration read again")) == 1


def test_users_change_with_the_next_request(launch: Launcher, sandbox: Handle, guarded: Site) -> None:
    """Whoever is taken out is out, although the password was good a moment ago; whoever comes is in."""
    exporter = launch(sandbox, guarded.flag)
    client, bob = guarded.client(), ("bob", f"{PASSWORD}-of-bob")
    assert ask(exporter, client=client, user=ALICE).status == 200
    guarded.write(users={"bob": hash_of(bob[1])})
    assert ask(exporter, client=client, user=ALICE).status == 401
    assert ask(exporter, client=client, user=bob).status == 200
    guarded.write(users={"alice": hash_of(f"{PASSWORD}-new")})
    assert ask(exporter, client=client, user=ALICE).status == 401


def test_tls_can_come_and_go(launch: Launcher, sandbox: Handle, site: Site) -> None:
    """By an edit that is right."""
    exporter = launch(sandbox, site.flag)
    assert ask(exporter, client=site.client()).status == 200
    site.write(tls=False)
    assert ask(exporter).status == 200
    site.write()
    with pytest.raises(REFUSED):
        ask(exporter)
    assert ask(exporter, client=site.client()).status == 200


@pytest.mark.parametrize("content", ["", "{}", "tls_server_config: {}", "basic_auth_users:", "nope: 1", "\xff", None])
def test_a_broken_change_keeps_the_last_good_one(
    launch: Launcher, sandbox: Handle, guarded: Site, content: str | None
) -> None:
    """Nothing opens; the metric and one line of the log say so, until it is mended."""
    exporter = launch(sandbox, guarded.flag)
    if content is None:
        guarded.path.unlink()
    else:
        guarded.path.write_text(content, "latin-1")
    for _ in range(3):
        with pytest.raises(REFUSED):
            ask(exporter)
        assert ask(exporter, client=guarded.client()).status == 401
        assert web_metric(exporter, guarded) == 0
    assert [line["level"] for line in exporter.logged(KEPT)] == ["warn"]
    guarded.write(users={"alice": hash_of(PASSWORD)})
    assert web_metric(exporter, guarded) == 1


def test_a_broken_one_is_refused_at_the_start(launch: Launcher, site: Site) -> None:
    """Every fault with its place; exit status 1, no traceback."""
    site.write(users={"alice": PASSWORD}, min_version="TLS10")
    exporter = launch.begin("--demo", site.flag, "--web.listen-address=127.0.0.1:0")
    assert exporter.wait() == 1
    assert exporter.stderr.splitlines() == [
        f"{site.path}:1: tls_server_config.min_version: TLS10 is not supported, for it is broken; the least is TLS12",
        f"{site.path}:1: basic_auth_users.alice: is not a bcrypt hash, such as $2y$10$ and 53 characters more",
    ]


def connect_silently(exporter: Exporter) -> socket.socket:
    return socket.create_connection((exporter.host, exporter.port), timeout=30)


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_those_who_say_nothing_cost_nobody_else(launch: Launcher, sandbox: Handle, site: Site) -> None:
    """More than may dawdle at once, in the handshake and after it: scrapes go on, and in the end all are closed."""
    exporter = launch(sandbox, site.flag, "--log.level=debug")
    assert ask(exporter, "/metrics", client=site.client()).status == 200
    descriptors = exporter.descriptors()
    with ExitStack() as stack:
        silent = [stack.enter_context(connect_silently(exporter)) for _ in range(150)]
        through = [
            stack.enter_context(site.client().wrap_socket(connection, server_hostname="localhost"))
            for connection in (stack.enter_context(connect_silently(exporter)) for _ in range(5))
        ]
        for _ in range(3):
            began = time.monotonic()
            assert ask(exporter, "/metrics", client=site.client()).status == 200
            assert time.monotonic() - began < PROMPTLY_SECONDS
        assert all(is_closed(connection) for connection in (*silent, *through))
        assert time.monotonic() - began < 15
    until(lambda: exporter.descriptors() <= descriptors, 5, "nothing of them is left")
    assert not [line for line in exporter.log if line["level"] in ("warn", "error") and "task" not in line]


def test_running_out_of_files_is_survived(launch: Launcher, sandbox: Handle, site: Site) -> None:
    """It waits, at rest, for files to become free, and says so once."""
    exporter = launch(sandbox, site.flag)
    assert ask(exporter, client=site.client()).status == 200
    limits = resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(exporter.pid, resource.RLIMIT_NOFILE, (exporter.descriptors() + 5, limits[1]))
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connect_silently(exporter))
        until(lambda: bool(exporter.logged("no connection can be accepted")), 5, "it is told")
        before = exporter.cpu_seconds()
        time.sleep(2)
        assert exporter.cpu_seconds() - before < 0.5
    assert ask(exporter, client=site.client()).status == 200
    assert [line["error"] for line in exporter.logged("no connection can be accepted")] == ["Too many open files"]


def test_a_signal_ends_it_whatever_is_under_way(launch: Launcher, sandbox: Handle, site: Site) -> None:
    """Handshakes that hang, passwords that are being hashed or wait for it: nothing is an error."""
    site.write(users={"alice": hash_of(PASSWORD, 12)})
    exporter = launch(sandbox, site.flag)

    def try_in() -> None:
        with suppress(OSError, http.client.HTTPException):
            while True:
                ask(exporter, client=site.client(), user=("alice", "wrong"))

    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(connect_silently(exporter))
        pool = stack.enter_context(ThreadPoolExecutor(10))
        for _ in range(10):
            pool.submit(try_in)
        time.sleep(0.5)
        began = time.monotonic()
        assert exporter.stop() == 0
        assert time.monotonic() - began < PROMPTLY_SECONDS
    assert not [line for line in exporter.log if line["level"] in ("warn", "error")]


@pytest.fixture
def prometheus(
    launch: Launcher, sandbox: Handle, site: Site, pytestconfig: pytest.Config, tmp_path: Path
) -> Iterator[Prometheus]:
    """A real one, of whose jobs only one knows all that it takes."""
    program = component("prometheus", pytestconfig)
    site.write(
        users={"alice": hash_of(PASSWORD)},
        client_auth_type="RequireAndVerifyClientCert",
        client_ca_file="issuer.crt",
        client_allowed_sans=["prometheus.example"],
    )
    exporter = launch(sandbox, site.flag)
    identity = site.identity("prometheus.example")
    trusting = {"ca_file": str(site.issuer.own.certificate)}
    tls = {**trusting, "cert_file": str(identity.certificate), "key_file": str(identity.key)}
    users = {name: {"username": "alice", "password": PASSWORD + name} for name in ("", "-wrong")}
    jobs = {
        "right": {"scheme": "https", "tls_config": tls, "basic_auth": users[""]},
        "wrong password": {"scheme": "https", "tls_config": tls, "basic_auth": users["-wrong"]},
        "no password": {"scheme": "https", "tls_config": tls},
        "no certificate": {"scheme": "https", "tls_config": trusting, "basic_auth": users[""]},
        "no TLS": {"basic_auth": users[""]},
    }
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with scraping(program, f"127.0.0.1:{exporter.port}", folder, jobs) as running:
        yield running


def test_prometheus_scrapes_it(prometheus: Prometheus) -> None:
    """With certificate and password; without either the target is down."""
    until(lambda: len(prometheus.query("up")) == 5, 30, "each job has tried")
    assert prometheus.by("job", "up") == {
        "right": 1,
        "wrong password": 0,
        "no password": 0,
        "no certificate": 0,
        "no TLS": 0,
    }
    assert prometheus.by("job", f"{METRIC}") == {"right": 1}
    assert len(prometheus.query("ninedata_precheck_up")) == len(demo_tasks())
