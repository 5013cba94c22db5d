"""The metrics over HTTP: a scrape of all tasks within the scraper's time."""

import asyncio
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from exporter.config import Task
from exporter.exporter import Exporter
from exporter.ninedata import CheckItem, Precheck, QueryError, Reason, Status
from exporter.watch import TaskFiles
from exporter.web import create_app
from exporter.web.scraping import scrape_timeout
from tests.web.site import Site

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def samples(text: str) -> dict[str, list[Sample]]:
    return {family.name: family.samples for family in text_string_to_metric_families(text)}


def test_a_scrape_queries_every_task(site: Site) -> None:
    """And shows what was found, with the exporter's own metrics."""
    response = site.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == TEXT
    assert site.client.asked == ["cd-1", "cd-2"]
    found = samples(response.text)
    assert [(s.labels["task"], s.value) for s in found["ninedata_precheck_up"]] == [
        ("orders-prod", 1),
        ("stock-prod", 1),
    ]
    assert "ninedata_exporter_build_info" in found


def test_every_configured_label_is_on_every_task(site: Site) -> None:
    """Empty where only other tasks have it."""
    labels = [sample.labels for sample in samples(site.get("/metrics").text)["ninedata_precheck_up"]]
    assert labels == [
        {"task_id": "cd-1", "task": "orders-prod", "team": "dba", "env": ""},
        {"task_id": "cd-2", "task": "stock-prod", "team": "", "env": "prod"},
    ]


def test_it_is_200_even_if_every_query_failed(site: Site) -> None:
    """A failed query is a good scrape."""
    site.client.answers = dict.fromkeys(("cd-1", "cd-2"), QueryError(Reason.CONNECT, "cannot connect"))
    response = site.get("/metrics")
    assert response.status_code == 200
    assert [s.value for s in samples(response.text)["ninedata_precheck_up"]] == [0, 0]


def test_without_tasks_there_are_the_exporters_own_metrics() -> None:
    response = Site().get("/metrics")
    assert response.status_code == 200
    assert "ninedata_precheck" not in response.text
    assert "ninedata_exporter_build_info" in response.text


def test_failure_reasons_can_be_switched_off(site: Site) -> None:
    """With `failure_reasons: false` no text of the API is in the answer."""
    item = CheckItem("a", "A", "", Status.FAILED, "Columns are missing.")
    site.client.answers = {"cd-1": Precheck(Status.FAILED, (item,))}
    assert "Columns are missing." in site.get("/metrics").text
    site.configure(failure_reasons=False)
    assert "Columns are missing." not in site.get("/metrics").text


def test_the_pages_show_what_a_scrape_found(site: Site) -> None:
    """Until then they know nothing."""
    assert "Success" not in site.get("/").text.partition("<body>")[2]
    site.get("/metrics")
    assert "2 Success" in site.get("/").text


def test_format_and_compression_are_negotiated(site: Site) -> None:
    """By Accept and Accept-Encoding."""
    response = site.get("/metrics", accept="application/openmetrics-text", accept_encoding="gzip")
    assert response.headers["content-type"] == OPENMETRICS
    assert response.headers["content-encoding"] == "gzip"
    assert response.text.endswith("# EOF\n")
    plain = site.get("/metrics", accept="*/*", accept_encoding="identity")
    assert plain.headers["content-type"] == TEXT
    assert "content-encoding" not in plain.headers


def test_the_path_can_be_another(orders: Task) -> None:
    """Then the usual one leads nowhere."""
    site = Site(orders, telemetry_path="/ninedata")
    assert site.get("/metrics").status_code == 404
    assert site.client.asked == []
    assert site.get("/ninedata").status_code == 200
    assert site.client.asked == ["cd-1"]


def test_parameters_change_nothing(site: Site) -> None:
    """What a scraper adds to the address decides neither who is asked nor what."""
    site.get("/metrics?task_id=other&target=http://evil.example&timeout=1")
    assert site.client.asked == ["cd-1", "cd-2"]


@pytest.mark.parametrize(
    ("header", "default", "offset", "seconds"),
    [
        (None, 10, 0.5, 9.5),
        ("10", 99, 0.5, 9.5),
        ("10.000000", 99, 0.5, 9.5),
        ("15", 10, 0, 15),
        (" 15 ", 10, 0.5, 14.5),
        ("1.5", 10, 0.5, 1),
        # The offset takes at most half of a short limit.
        ("1", 10, 0.5, 0.5),
        ("0.5", 10, 0.5, 0.25),
        ("2", 10, 100, 1),
        ("1e-9", 10, 0.5, 0.5e-9),
        (None, 0.2, 0.5, 0.1),
        # No positive number counts as none.
        ("", 10, 0.5, 9.5),
        ("soon", 10, 0.5, 9.5),
        ("10s", 10, 0.5, 9.5),
        ("10, 20", 10, 0.5, 9.5),
        ("0", 10, 0.5, 9.5),
        ("-0.0", 10, 0.5, 9.5),
        ("-5", 10, 0.5, 9.5),
        ("nan", 10, 0.5, 9.5),
        ("inf", 10, 0.5, 9.5),
        ("-Infinity", 10, 0.5, 9.5),
        ("1e999", 10, 0.5, 9.5),
        ("9" * 400, 10, 0.5, 9.5),
        # Nobody waits for longer than an hour.
        ("3601", 10, 0.5, 3599.5),
        ("1e300", 10, 0.5, 3599.5),
    ],
)
def test_the_time_that_a_scrape_may_take(header: str | None, default: float, offset: float, seconds: float) -> None:
    """The scraper's own timeout, or the default, less the offset; always more than none."""
    assert scrape_timeout(header, default=default, offset=offset) == pytest.approx(seconds)
    assert scrape_timeout(header, default=default, offset=offset) > 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 1000.0),
        ({"x_prometheus_scrape_timeout_seconds": "2000"}, 1750.0),
        ({"X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS": "300.5"}, 150.25),
        ({"x_prometheus_scrape_timeout_seconds": "garbage"}, 1000.0),
    ],
)
def test_the_deadline_is_the_scrapers(orders: Task, headers: dict[str, str], seconds: float) -> None:
    """Every query has the time that is left of it."""
    site = Site(orders, timeout_offset=250.0)
    site.configure(scrape_timeout=1250.0)
    site.get("/metrics", **headers)
    (given,) = site.client.seconds_given
    assert seconds - 100 < given <= seconds


@pytest.mark.parametrize("path", ["/metrics", "/probe?task_id=cd-1"])
def test_a_file_system_that_hangs_has_its_time_from_the_scrape(
    orders: Task, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for task files takes at most half of the time, and the queries have what is left."""
    monkeypatch.setattr(TaskFiles, "look", lambda _: time.sleep(1.5))
    site = Site(orders)
    site.configure(task_files=("/nowhere/*.yaml",))
    site.get(path, x_prometheus_scrape_timeout_seconds="1.6")
    (given,) = site.client.seconds_given
    assert given < 0.8


class Connection:
    """One request as a server hands it over, and a client that may go away."""

    def __init__(self, path: str) -> None:
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"x-prometheus-scrape-timeout-seconds", b"3000")],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        self.gone = asyncio.Event()
        self.sent: list[object] = []
        self._asked = False

    async def receive(self) -> dict[str, object]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: object) -> None:
        self.sent.append(message)


async def settled() -> None:
    """Everything has run that can run without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.anyio
async def test_a_scraper_that_goes_away_ends_its_scrape(site: Site) -> None:
    """The queries are cancelled, the request ends, and nothing is left."""
    before = asyncio.all_tasks()
    site.client.hang = True
    connection = Connection("/metrics")
    serving = asyncio.create_task(site.app(connection.scope, connection.receive, connection.send))
    await settled()
    assert len(site.client.asked) == 2
    connection.gone.set()
    await serving
    await settled()
    assert site.client.cancelled == 2
    assert asyncio.all_tasks() == before


@pytest.mark.anyio
async def test_a_stop_of_the_exporter_ends_its_scrapes(site: Site) -> None:
    """The server cancels what is under way."""
    before = asyncio.all_tasks()
    site.client.hang = True
    connection = Connection("/metrics")
    serving = asyncio.create_task(site.app(connection.scope, connection.receive, connection.send))
    await settled()
    serving.cancel()
    await asyncio.wait([serving])
    await settled()
    assert site.client.cancelled == 2
    assert asyncio.all_tasks() == before


@pytest.mark.anyio
async def test_who_goes_away_does_not_end_the_scrape_of_another(site: Site) -> None:
    """Two scrapers share a scrape, and one of them stays."""
    site.client.hang = True
    first, second = Connection("/metrics"), Connection("/metrics")
    serving = [asyncio.create_task(site.app(c.scope, c.receive, c.send)) for c in (first, second)]
    await settled()
    assert len(site.client.asked) == 2, "the same tasks are asked once for both"
    first.gone.set()
    await serving[0]
    await settled()
    assert site.client.cancelled == 0
    assert not serving[1].done()
    second.gone.set()
    await serving[1]
    await settled()
    assert site.client.cancelled == 2


def test_5xx_means_that_the_exporter_itself_is_broken(site: Site) -> None:
    """Then the answer says nothing about tasks, and nothing of the inside."""

    def broken() -> Exporter:
        raise RuntimeError("something of the inside")

    site.app = create_app(broken)
    response = site.get("/metrics")
    assert response.status_code == 500
    assert response.text == "The exporter met an internal error; its log has more.\n"
