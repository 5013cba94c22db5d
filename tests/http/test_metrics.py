"""/metrics: what is scraped, by when, and in which format."""

import asyncio
from dataclasses import replace
from unittest.mock import Mock

import pytest

from exporter.http import scrape_handlers
from exporter.http.scrape_handlers import scrape_timeout
from tests.http.site import Site, client_of


def test_all_tasks_and_the_exporters_own_metrics(site: Site) -> None:
    response = site.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert [call for call, _ in site.running.calls] == ["tasks+discovery"]
    assert response.text.count("\nninedata_precheck_up{") == 2
    assert "\nninedata_exporter_build_info{" in response.text
    assert site.leased == 0


@pytest.mark.parametrize(
    ("query", "scraped", "has_own"),
    [
        ("collect[]=tasks", ["tasks"], False),
        ("collect[]=discovery", ["discovery"], False),
        ("collect[]=exporter", [""], True),
        ("collect%5B%5D=tasks&collect[]=exporter", ["tasks"], True),
        ("other=x", ["tasks+discovery"], True),
    ],
)
def test_collect_limits_the_answer_to_parts(site: Site, query: str, scraped: list[str], has_own: object) -> None:
    response = site.get(f"/metrics?{query}")
    assert [call for call, _ in site.running.calls] == scraped
    assert ("ninedata_exporter_build_info" in response.text) is has_own


@pytest.mark.parametrize("value", ["", "tasks,exporter", "TASKS"])
def test_an_unknown_part_is_refused(site: Site, value: str) -> None:
    response = site.get(f"/metrics?collect[]=tasks&collect[]={value}")
    expected = "The parameter collect[] must be one of discovery, exporter, tasks."
    assert (response.status_code, response.text) == (400, expected)
    assert site.running.calls == []


@pytest.mark.parametrize(("encoding", "compressed"), [("deflate, gzip;q=0.5", True), ("identity", False)])
def test_gzip_if_the_scraper_accepts_it(site: Site, encoding: str, compressed: object) -> None:
    response = site.get("/metrics", accept_encoding=encoding)
    assert (response.headers.get("content-encoding") == "gzip") is compressed
    assert "ninedata_precheck_up" in response.text
    assert response.headers["vary"] == "Accept, Accept-Encoding"


@pytest.mark.parametrize("path", ["/metrics", "/probe?task_id=cd-1"])
def test_openmetrics_if_the_scraper_prefers_it(site: Site, path: str) -> None:
    response = site.get(path, accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert response.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 9.5),
        ("30", 29.5),
        ("0.8", 0.4),  # the offset takes at most half
        ("1e9", 3599.5),
        ("0", 9.5),
        ("nan", 9.5),
        ("inf", 9.5),
    ],
)
def test_the_time_for_a_scrape(header: str | None, seconds: float) -> None:
    """The scraper's timeout less the offset; the default if the header is not a positive number."""
    headers = {"X-Prometheus-Scrape-Timeout-Seconds": header} if header else {}
    assert scrape_timeout(headers, 10.0, 0.5) == pytest.approx(seconds)


@pytest.mark.parametrize("path", ["/metrics", "/probe?task_id=cd-1"])
def test_the_deadline_keeps_time_back_for_rendering(site: Site, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """At most half of the time."""
    for rendering, expected in ((200.0, 300.0), (2000.0, 250.0)):
        monkeypatch.setattr(scrape_handlers, "rendering_seconds", lambda _, kept=rendering: kept)
        site.options = replace(site.options, timeout_offset=100.0)
        site.get(path, x_prometheus_scrape_timeout_seconds="600")
        assert site.running.calls[-1][1] == pytest.approx(expected, abs=20)


@pytest.mark.anyio
async def test_scrapes_that_share_a_snapshot_are_rendered_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each format by itself."""
    snapshot = await site.running.scrape(0)
    together, rendering = asyncio.Barrier(39), Mock(wraps=scrape_handlers.render)

    async def shared(*_: object, **__: object) -> object:
        await together.wait()
        return snapshot

    monkeypatch.setattr(site.running, "scrape", shared)
    monkeypatch.setattr(scrape_handlers, "render", rendering)
    forms = [{"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}, {"Accept": "application/openmetrics-text"}]
    async with site.served() as port, client_of(port) as client:
        answers = await asyncio.gather(*(client.get("/metrics", headers=form) for form in forms * 13))
    assert {answer.status_code for answer in answers} == {200}
    assert len(rendering.call_args_list) == len(forms)


def test_an_answer_belongs_to_one_configuration(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload during the scrape changes nothing of it."""
    before = site.running
    scrape = before.scrape

    async def reloading(*args: float, **parts: bool) -> object:
        snapshot = await scrape(*args, **parts)
        site.configure(tasks=())
        return snapshot

    monkeypatch.setattr(before, "scrape", reloading)
    text = site.get("/metrics").text
    assert site.running is not before
    assert text.count("\nninedata_precheck_up{") == 2
    assert 'ninedata_exporter_watched_tasks{kind="data_compare"} 2.0' in text


def test_an_internal_error_is_a_500_without_a_traceback(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has the traceback."""

    def broken() -> None:
        raise RuntimeError("<b>secret</b>")

    monkeypatch.setattr(site.running, "own_metrics", broken)
    response = site.get("/metrics", accept="text/html")
    assert response.status_code == 500
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "RuntimeError" in caplog.text


def test_reload_is_off_by_default(site: Site) -> None:
    for method in ("POST", "PUT"):
        assert site.request(method, "/-/reload").status_code == 403
    assert site.reloads == 0


def test_reload_says_what_is_wrong(site: Site) -> None:
    site.options = replace(site.options, lifecycle=True)
    assert (site.request("POST", "/-/reload").status_code, site.reloads) == (200, 1)
    site.faults = ("config.yaml:1: is <wrong>",)
    response = site.request("PUT", "/-/reload")
    assert (response.status_code, response.text) == (
        500,
        "The configuration has faults; the previous one stays in force.\nconfig.yaml:1: is <wrong>\n",
    )
    assert site.get("/-/reload").status_code == 405
