"""The benchmark runs, at a size that measures nothing."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from bench.api import served
from bench.contenders import Case, Run, exporter, floor, script
from bench.contenders.blackbox import counted
from bench.maths import Spread
from bench.measure import Api, Measured, Series, measure, serving
from bench.plan import EXPORTER, FAILING, FLOOR, HEADLINE, LARGE, NO_LATENCY, SCRIPT, SMALL, quick, whole
from bench.plot import plot
from bench.report import Goal, markdown
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


def test_a_failing_item_is_like_no_other() -> None:
    """Neither of its own task nor of another, whatever the number of items."""
    tasks = served(2, items=4, failing=3)
    items = [item for task in tasks if task.script for item in task.script.runs[0].items]
    texts = [item.error_message for item in items if item.outcome == "Failed"]
    assert len(items) == 8
    assert len(set(texts)) == 6
    assert all(200 < len(text) < 1000 for text in texts)


def test_failing_items_are_answers_all_the_same() -> None:
    """Of every contender."""
    for series in measure(replace(CASE, failing=3), {EXPORTER: exporter, FLOOR: floor}, 1):
        assert [one.run.answered for one in series.rounds] == [3]


def test_a_probe_s_size_is_that_on_the_wire() -> None:
    """Whether it is compressed or not."""
    text = b"# HELP probe_success ...\nprobe_success 1\n" + b"probe_other 0\n" * 100
    packed = gzip.compress(text)
    assert counted(0.5, [packed, text]) == Run(0.5, 2, len(packed) + len(text), 2 * 101)


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
    assert {HEADLINE, NO_LATENCY, SMALL, LARGE, *FAILING} <= cases
    assert {case.failing for case in FAILING} == {3}
    assert {case.tasks for case in cases} == {10, 100, 1000, 5000}
    assert {case.concurrency for case in cases} == {8, 16, 32, 64, 128}
    assert {step.case for step in quick()} < cases


@pytest.fixture
def results(measured: list[Series]) -> Results:
    """As if all cases that the report is about had been measured."""
    cases = (HEADLINE, NO_LATENCY, SMALL, LARGE, *FAILING)
    series = [replace(each, case=case) for case in cases for each in measured]
    return Results(series, dict.fromkeys(START_SECONDS, Spread(0.2, 0.1, 0.3)))


def test_the_report_has_every_goal_and_every_series(results: Results) -> None:
    """In tables whose rows are as long as their heads."""
    text = markdown(results, "make bench")
    for goal in ("1.4; aim 1.15", "0.8 ms; aim 0.45", "80 MiB", "200 MiB", "75 ms", *START_SECONDS):
        assert goal in text
    assert text.count(f"| {SCRIPT} |") == 7
    assert text.count("| 3 of 12 |") == 9
    assert text.count("3 of 12 items failing |") == 3
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


@pytest.mark.parametrize(
    ("measured_at", "verdict"),
    [
        (0.45, "limit kept, aim reached"),
        (0.46, "limit kept, aim not reached"),
        (0.81, "limit NOT kept, aim not reached"),
    ],
)
def test_a_goal_says_what_of_it_is_reached(measured_at: float, verdict: str) -> None:
    """By itself, whatever the figures turn out to be."""
    assert Goal("CPU", " ms", 0.8, measured_at, "shown", 0.45).row() == ("CPU", "0.8 ms; aim 0.45", "shown", verdict)
    assert Goal("CPU", " ms", 0.8, measured_at, "shown").row()[3] == verdict.partition(",")[0]


def test_only_runs_of_the_same_turn_are_paired() -> None:
    """A slow contender's first run counts, which the others' do not."""

    def series(contender: str, cpu: dict[int, float]) -> Series:
        rounds = tuple(Measured(Run(1.0, 3), seconds, 0.1, turn) for turn, seconds in cpu.items())
        return Series(contender, CASE, rounds, 1.0, 2.0)

    slow = series(SCRIPT, {0: 99.0, 1: 8.0, 2: 12.0})
    results = Results([slow, series(FLOOR, {1: 1.0, 2: 2.0, 3: 50.0})], {})
    assert results.cpu_beside(FLOOR, slow) == 7.0
    assert Results([slow], {}).cpu_beside(FLOOR, slow) is None


def test_the_picture_is_one(results: Results) -> None:
    """Well-formed, with a line for each contender and the ideal, all within the frame."""
    root = ET.fromstring(plot(results))  # noqa: S314 - our own
    lines = root.findall(".//{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 3 + 1 + 3
    numbers = [float(number) for line in lines for number in re.findall(r"[\d.]+", line.attrib["points"])]
    assert min(numbers) >= 0
    assert max(numbers) <= 440
