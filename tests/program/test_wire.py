"""The bytes on the wire: formats, compression, connections, addresses."""

import gzip
import http.client
import socket
from collections.abc import Callable, Iterator

import pytest

from exporter.sandbox import Handle, demo_tasks, run_in_thread
from tests.program.process import Exporter, Launcher, canary_sandbox, config_of
from tests.program.scrape import Answer, Scrape

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Handle]:
    with run_in_thread(canary_sandbox(demo_tasks())) as running:
        yield running


@pytest.fixture(scope="module")
def exporter(launch_for_module: Launcher, sandbox: Handle) -> Exporter:
    return launch_for_module(sandbox)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (BROWSER, TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("application/json", TEXT),
        ("", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0,text/plain", TEXT),
        ("application/openmetrics-text;version=9.0.0", TEXT),
        (";;;,,,=q=q", TEXT),
    ],
)
def test_the_format_is_what_the_scraper_prefers(exporter: Exporter, accept: str, content_type: str) -> None:
    """OpenMetrics for a Prometheus, the text format for everyone else, and never a refusal."""
    answer = exporter.get("/metrics", {"Accept": accept})
    assert (answer.status, answer.headers["content-type"]) == (200, content_type)
    assert answer.text.endswith("# EOF\n") == (content_type == OPENMETRICS)


def test_both_formats_say_the_same(exporter: Exporter) -> None:
    """The samples of the tasks are equal but for the time that the queries took."""

    def steady(scrape: Scrape) -> list[tuple[object, ...]]:
        moving = {"ninedata_precheck_query_duration_seconds"}
        return [
            (family.name, family.documentation, family.type, sample.name, sorted(sample.labels.items()), sample.value)
            for family in scrape.families.values()
            if family.name.startswith("ninedata_precheck_") and family.name not in moving
            for sample in family.samples
            if sample.labels["task"] in ("orders-prod", "inventory-prod", "members-cn", "legacy-erp")
        ]

    text = exporter.scrape()
    openmetrics = Scrape.of_openmetrics(exporter.get("/metrics", {"Accept": PROMETHEUS_2}).text)
    assert len(steady(text)) > 60
    assert steady(text) == steady(openmetrics)


@pytest.mark.parametrize("accept", [PROMETHEUS_2, BROWSER])
def test_gzip_is_used_where_it_is_asked_for(exporter: Exporter, accept: str) -> None:
    """The body is compressed, says so, and is smaller for it."""
    plain = exporter.get("/metrics", {"Accept": accept, "Accept-Encoding": "identity"})
    packed = exporter.get("/metrics", {"Accept": accept, "Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-length"] == str(len(packed.body))
    assert len(packed.body) < len(plain.body) / 3
    assert b"ninedata_precheck_up{" in gzip.decompress(packed.body)


@pytest.mark.parametrize("encoding", ["", "br, zstd", "gzip;q=0", "identity, *;q=0"])
def test_gzip_is_not_used_where_it_is_not_asked_for(exporter: Exporter, encoding: str) -> None:
    """A scraper that cannot unpack is spared it."""
    answer = exporter.get("/metrics", {"Accept-Encoding": encoding})
    assert "content-encoding" not in answer.headers
    assert answer.body.startswith(b"# HELP ninedata_precheck_up ")


def test_caches_are_told_what_the_answer_depends_on(exporter: Exporter) -> None:
    """The headers that choose the form of the answer are named."""
    assert exporter.get("/metrics").headers["vary"] == "Accept, Accept-Encoding"


def test_promtool_has_nothing_to_say(exporter: Exporter, promtool_check: Callable[[str], str]) -> None:
    """All of /metrics passes Prometheus' own lint."""
    assert promtool_check(exporter.scrape().text) == ""


def test_the_lint_would_speak(promtool_check: Callable[[str], str]) -> None:
    """Its silence means something."""
    assert "_total" in promtool_check("# TYPE requests counter\nrequests 1\n")
    assert "error" in promtool_check('up{task="a" 1\n')


def test_a_connection_serves_many_scrapes(exporter: Exporter) -> None:
    """A scraper's connection is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=60)
    try:
        connection.connect()
        opened = connection.sock
        for _ in range(5):
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            assert response.status == 200
            assert Scrape.of_text(response.read().decode()).up
            assert connection.sock is opened
    finally:
        connection.close()


def test_only_reading_is_allowed(exporter: Exporter) -> None:
    """What would change something is refused."""
    for method in ("POST", "PUT", "DELETE"):
        connection = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=60)
        connection.request(method, "/metrics")
        assert connection.getresponse().status == 405
        connection.close()


@pytest.mark.parametrize(
    "request_",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"GET\r\n\r\n", b"GET /" + b"a" * 100_000 + b"\r\n\r\n"],
    ids=["TLS", "half a request", "an endless path"],
)
def test_what_is_no_request_is_refused(exporter: Exporter, request_: bytes) -> None:
    """Noise on the port is answered with 400, and the exporter goes on."""
    with socket.create_connection(("127.0.0.1", exporter.port), timeout=10) as noisy:
        noisy.sendall(request_)
        assert noisy.recv(65536).startswith(b"HTTP/1.1 400 ")
    assert exporter.get("/-/healthy").status == 200


def test_the_path_of_the_metrics_can_be_chosen(launch: Launcher, sandbox: Handle) -> None:
    """Then they are there, and not at the usual place."""
    exporter = launch(sandbox, "--web.telemetry-path=/probes/ninedata")
    answer: Answer = exporter.get("/probes/ninedata")
    assert Scrape.of_text(answer.text).up
    assert exporter.get("/metrics").status == 404
    assert exporter.logged("listening")[0]["metrics"].endswith(f":{exporter.port}/probes/ninedata")


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize(
    ("address", "hosts", "shown"),
    [
        (":0", ["127.0.0.1", "::1"], ":{}"),
        ("[::1]:0", ["::1"], "[::1]:{}"),
    ],
)
def test_it_listens_where_it_is_told(
    launch: Launcher, sandbox: Handle, address: str, hosts: list[str], shown: str
) -> None:
    """On one address, or on all of them, IPv6 as well where the machine has it; the log has the port that was taken."""
    if hosts == ["::1"] and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    path = launch.config(config_of(sandbox))
    exporter = launch.begin(f"--config.file={path}", f"--web.listen-address={address}")
    exporter.await_listening()
    assert exporter.logged("listening")[0]["address"] == shown.format(exporter.port)
    for host in hosts:
        if host != "::1" or _has_ipv6():
            assert exporter.get("/-/healthy", host=host).status == 200
