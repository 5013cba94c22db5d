"""The benchmark runs, at a size that measures nothing."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from bench.contenders import Case, exporter, floor, script
from bench.maths import Spread
from bench.measure import Api, Series, measure, serving
from bench.plan import EXPORTER, FLOOR, HEADLINE, LARGE, NO_LATENCY, SCRIPT, SMALL, quick, whole
from bench.plot import plot
from bench.report import markdown
from bench.results import Results
from bench.startup import START_SECONDS, startup
from exporter.ninedata.signing import signature
from exporter.sandbox import ACCESS_KEY_ID

CASE = Case(tasks=3, latency_seconds=0.01, concurrency=2, items=4)
PATH = "/openapi/v1/comparedata/precheck/status"


@pytest.fixture(scope="module")
def measured() -> list[Series]:
    """A case with all contenders that need nothing but Python."""
    return measure(CASE, {EXPORTER: exporter, FLOOR: floor, SCRIPT: script}, 2)


def test_every_contender_answers_for_all_tasks(measured: list[Series]) -> None:
    """As often as is wanted, and what it costs is known."""
    assert [series.contender for series in measured] == [EXPORTER, FLOOR, SCRIPT]
    for series in measured:
        assert [one.run.answered for one in series.rounds] == [3, 3]
        assert all(one.cpu_seconds > 0 and one.api_cpu_seconds > 0 for one in series.rounds)
        assert 1 < series.idle_mib <= series.peak_mib


def test_no_scrape_is_quicker_than_the_api(measured: list[Series]) -> None:
    """Three tasks, two at once, are two rounds of its latency."""
    for series in measured:
        assert all(one.run.seconds >= 0.02 for one in series.rounds)


def test_the_samples_are_counted(measured: list[Series]) -> None:
    """Of each task: four items, six statuses twice, and three of the query."""
    runs = {series.contender: series.rounds[0].run for series in measured}
    assert runs[EXPORTER].samples > 3 * (4 + 12 + 3)
    assert runs[SCRIPT].samples >= 3 * (4 + 4 + 1)
    assert min(runs[EXPORTER].size, runs[SCRIPT].size) > 100


def test_a_task_that_is_not_answered_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of failures are none."""
    monkeypatch.setattr("bench.contenders.scraped.SECRET_KEY", "another")
    with pytest.raises(RuntimeError, match="only 0 of 3 tasks are answered"):
        measure(CASE, {EXPORTER: exporter}, 1)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with serving(replace(CASE, latency_seconds=0.0), tmp_path) as running:
        yield running


def test_the_api_is_the_sandbox_s(api: Api) -> None:
    """Only who signs is answered, and only for tasks that there are, on a connection that is kept."""
    with httpx.Client(base_url=api.url) as client:
        assert client.get(PATH).status_code == 401
        signed = {"access-key-id": ACCESS_KEY_ID, "timestamp": "2024-05-31T09:15:33Z"}
        signed["signature"] = signature(PATH, "another", signed["timestamp"])
        assert "TIMESTAMP_EXPIRED" in client.get(PATH, headers=signed).text


def test_a_request_may_come_in_parts(api: Api) -> None:
    """As the network cuts it."""
    with httpx.Client(base_url=api.url) as client:
        assert client.get(PATH, headers={"x-long": "x" * 200_000}).status_code == 401


def test_the_start_is_measured() -> None:
    """Every way of it, each with a limit to be held."""
    assert startup(1).keys() == START_SECONDS.keys()


def test_the_plan_has_what_the_report_is_about() -> None:
    """Nothing that is to be reached is left out."""
    cases = {step.case for step in whole()}
    assert {HEADLINE, NO_LATENCY, SMALL, LARGE} <= cases
    assert {case.tasks for case in cases} == {10, 100, 1000, 5000}
    assert {case.concurrency for case in cases} == {8, 16, 32, 64, 128}
    assert {step.case for step in quick()} < cases


@pytest.fixture
def results(measured: list[Series]) -> Results:
    """As if all cases that the report is about had been measured."""
    cases = (HEADLINE, NO_LATENCY, SMALL, LARGE)
    series = [replace(each, case=case) for case in cases for each in measured]
    return Results(series, dict.fromkeys(START_SECONDS, Spread(0.2, 0.1, 0.3)))


def test_the_report_has_every_goal_and_every_series(results: Results) -> None:
    """In tables whose rows are as long as their heads."""
    text = markdown(results, "make bench")
    for goal in ("1.4; aim 1.15", "0.8 ms; aim 0.45", "80 MiB", "200 MiB", "75 ms", *START_SECONDS):
        assert goal in text
    assert text.count(f"| {SCRIPT} |") == 4
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_the_picture_is_one(results: Results) -> None:
    """Well-formed, with a line for each contender and the ideal, all within the frame."""
    root = ET.fromstring(plot(results))  # noqa: S314 - our own
    lines = root.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 3 + 1 + 3
    numbers = [float(number) for line in lines for number in re.findall(r"[\d.]+", line.attrib["points"])]
    assert min(numbers) >= 0
    assert max(numbers) <= 440
