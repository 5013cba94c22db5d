"""Which format a scraper gets, and whether it is compressed."""

import gzip

import pytest
from prometheus_client.registry import Collector

from exporter.metrics import ProcessMetrics, SnapshotCollector, TaskLines, expose
from exporter.snapshot import Snapshot

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_2_42_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_TEXT_FIRST = (
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.2"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
def collectors(snapshot: Snapshot, process: ProcessMetrics) -> tuple[Collector, ...]:
    return SnapshotCollector(snapshot, TaskLines(())), process


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (PROMETHEUS_2_42, OPENMETRICS),
        (PROMETHEUS_2_42_PROTOBUF, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_3_TEXT_FIRST, TEXT),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        (BROWSER, TEXT),
        ("text/plain", TEXT),
        ("application/json", TEXT),
        ("garbage", TEXT),
        (",;=,;q=,\x00ÿ", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"; charset=utf-8', OPENMETRICS),
        ("Application/OpenMetrics-Text;VERSION=1.0.0", OPENMETRICS),
        ("  application/openmetrics-text ;  version=1.0.0 ; q=0.5  ", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;version=", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0", TEXT),
        ("application/openmetrics-text;version=1.0.0;q=0.0,text/plain;q=0", TEXT),
        ("application/openmetrics-text;q=nan", TEXT),
        ("application/openmetrics-text;q=inf", TEXT),
        ("application/openmetrics-text;q=-1", TEXT),
        ("application/openmetrics-text;q=high", TEXT),
        ("application/openmetrics-text;q=0.4,text/plain;q=0.5", TEXT),
        ("text/plain;q=0.4,application/openmetrics-text;q=0.5", OPENMETRICS),
        ("text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0", OPENMETRICS),
        ("application/openmetrics-text;q=0.5,text/plain;version=9;q=0.9", OPENMETRICS),
        ("*/*," * 2000 + "application/openmetrics-text", TEXT),
    ],
)
def test_the_accept_header_chooses_the_format(
    collectors: tuple[Collector, ...], accept: str, content_type: str
) -> None:
    """OpenMetrics where a version that we have is preferred or as welcome; the text format for all else."""
    exposition = expose(collectors, accept, "")
    assert exposition.headers["content-type"] == content_type
    assert exposition.body.endswith(b"\n# EOF\n") is (content_type == OPENMETRICS)


@pytest.mark.parametrize(
    ("accept_encoding", "compressed"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("gzip, deflate, br", True),
        ("deflate;q=1.0, gzip;q=0.5", True),
        ("gzip;q=0.001", True),
        ("*", True),
        ("*;q=0.1", True),
        ("identity;q=1, *;q=0.5", True),
        ("", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity, *;q=0", False),
        ("gzip;q=maybe", False),
        ("gzipped", False),
        ("x-gzip-not", False),
        (";;,,=", False),
    ],
)
def test_gzip_where_it_is_accepted(
    collectors: tuple[Collector, ...], accept_encoding: str, *, compressed: bool
) -> None:
    """Compressed where gzip, or everything, is welcome; plain where nobody asks."""
    plain = expose(collectors[:1], "", "")
    exposition = expose(collectors[:1], "", accept_encoding)
    if compressed:
        assert exposition.headers["content-encoding"] == "gzip"
        assert gzip.decompress(exposition.body) == plain.body
        assert len(exposition.body) < len(plain.body)
    else:
        assert "content-encoding" not in exposition.headers
        assert exposition.body == plain.body


@pytest.mark.parametrize("accept", ["", PROMETHEUS_3])
@pytest.mark.parametrize("accept_encoding", ["", "gzip"])
def test_caches_are_told_what_the_answer_depends_on(
    collectors: tuple[Collector, ...], accept: str, accept_encoding: str
) -> None:
    """`Vary` names both headers, in every answer."""
    assert expose(collectors, accept, accept_encoding).headers["vary"] == "Accept, Accept-Encoding"


def test_the_collectors_come_in_their_order(collectors: tuple[Collector, ...]) -> None:
    """The tasks' metrics before the process' own."""
    body = expose(collectors, "", "").body
    assert body.index(b"ninedata_precheck_up") < body.index(b"ninedata_api_requests_total")
