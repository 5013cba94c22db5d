"""The text of a scrape: one golden answer, the same in both formats, as parsers and promtool read it."""

import gzip
import platform
import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from exporter import __version__
from exporter.metrics import choose_format, render
from exporter.ninedata import CheckItem, Precheck, Status, TaskState, TaskStatus
from exporter.scraping.snapshot import Snapshot
from tests.programs import component

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
EMPTY = Snapshot(())
FORMATS = [("", parse_text), (OPENMETRICS, parse_openmetrics)]

Parse = Callable[[str], Iterable[Metric]]


def text_of(snapshot: Snapshot, own: Collector | None = None, accept: str = "", **options: int) -> str:
    return render(snapshot, own, choose_format(accept), **options).decode()


def test_a_whole_answer(snapshot: Snapshot, own: Collector) -> None:
    """Every line, except those of prometheus-client's own metrics of the process."""
    lines = text_of(snapshot, own).splitlines(keepends=True)
    text = "".join(line for line in lines if not re.match(r"(?:# (?:HELP|TYPE) )?(?:process_|python_)", line))
    text = text.replace(f'version="{__version__}"', 'version="VERSION"')
    text = text.replace(f'python_version="{platform.python_version()}"', 'python_version="PYTHON"')
    assert text == (Path(__file__).parent / "scrape.txt").read_text("utf-8")


@pytest.mark.parametrize(("accept", "parse"), FORMATS, ids=["text", "openmetrics"])
def test_parsers_read_every_sample_as_it_was_written(
    snapshot: Snapshot, own: Collector, accept: str, parse: Parse
) -> None:
    """Any text in labels survives: quotes, backslashes, line breaks, Chinese."""
    families = {family.name: family.samples for family in parse(text_of(snapshot, own, accept))}
    result = snapshot.prechecks[0]
    assert isinstance(result.outcome, Precheck)
    shared = {"task_id": result.task.task_id, "task": result.task.name, "env": "", **result.task.labels}
    assert [sample.labels for sample in families["ninedata_precheck_item_status"]] == [
        {**shared, "item": item.item, "status": item.status} for item in result.outcome.items
    ]
    assert [sample.labels for sample in families["ninedata_precheck_item_failure_info"]] == [
        {**shared, "item": item.item, "item_name": item.name, "reason": item.message}
        for item in result.outcome.items
        if item.status.needs_attention
    ]
    seconds = [sample.value for sample in families["ninedata_precheck_query_duration_seconds"]]
    assert seconds == [result.seconds for result in snapshot.prechecks]


def test_the_formats_differ_only_in_the_end_and_the_counters(snapshot: Snapshot) -> None:
    assert text_of(snapshot, accept=OPENMETRICS) == f"{text_of(snapshot)}# EOF\n"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html, */*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text;version=nonsense", "text/plain; version=0.0.4; charset=utf-8"),
        (PROMETHEUS_3, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"),
    ],
    ids=["none", "browser", "nonsense", "prometheus-3"],
)
def test_the_format_follows_the_accept_header(accept: str, content_type: str) -> None:
    assert choose_format(accept).content_type == content_type


@pytest.mark.parametrize("escaping", ["allow-utf-8", "underscores", "dots", "values"])
def test_no_escaping_scheme_changes_a_name(own: Collector, escaping: str) -> None:
    """The names need no escaping, and all series of an answer are named alike."""
    text = text_of(EMPTY, own, accept=f"text/plain;version=1.0.0;escaping={escaping}")
    assert re.findall("^# .*", text, re.MULTILINE) == re.findall("^# .*", text_of(EMPTY, own), re.MULTILINE)


def test_gzip(snapshot: Snapshot) -> None:
    assert gzip.decompress(render(snapshot, None, choose_format(""), gzip=True)).decode() == text_of(snapshot)


def test_without_failure_reasons_no_text_of_the_api_is_exported(snapshot: Snapshot) -> None:
    text = text_of(snapshot, reason_bytes=0)
    assert "item_failure_info" not in text
    assert "task_failure_info" not in text
    assert "second line" not in text
    assert "is gone" not in text
    assert "ninedata_precheck_item_status" in text


@pytest.mark.parametrize("reason_bytes", [1000, 100])
@pytest.mark.parametrize("letter", ["x", "库"], ids=ascii)
def test_a_long_reason_keeps_its_start_and_its_end(snapshot: Snapshot, letter: str, reason_bytes: int) -> None:
    message = f"reason {letter * 3000} remediation"
    item = CheckItem("a", "a", "", Status.FAILED, message)
    result = replace(snapshot.prechecks[0], outcome=Precheck(Status.FAILED, (item,)))
    state = replace(snapshot.states[0], outcome=TaskState(TaskStatus.FAILED, error=message))
    text = text_of(Snapshot((result,), (state,)), reason_bytes=reason_bytes)
    (reason,) = {*re.findall(r'reason="([^"]*)"', text)}
    assert reason_bytes - 6 < len(reason.encode()) <= reason_bytes
    assert reason.startswith(f"reason {letter}")
    assert reason.endswith(f"{letter} remediation")


@pytest.mark.parametrize("part", ["tasks", "own"])
def test_promtool_finds_no_fault(snapshot: Snapshot, own: Collector, part: str) -> None:
    text = text_of(snapshot) if part == "tasks" else text_of(EMPTY, own)
    command = [component("promtool"), "check", "metrics"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False, timeout=60)  # noqa: S603 - a component
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
