"""The names that dashboards and alert rules rely on, their documentation, and the judgement of promtool."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from exporter.metrics import ProcessMetrics, SnapshotCollector, TaskLines, docs, expose
from exporter.metrics.families import DISCOVERY_FAMILIES, PROCESS_FAMILIES, TASK_FAMILIES
from exporter.snapshot import Snapshot

ROOT = Path(__file__).parents[2]

TASK_METRICS = {
    "ninedata_precheck_up": (),
    "ninedata_precheck_query_failure_info": ("reason",),
    "ninedata_precheck_query_duration_seconds": (),
    "ninedata_precheck_info": ("kind", "precheck_task_id"),
    "ninedata_precheck_status": ("status",),
    "ninedata_precheck_items": ("status",),
    "ninedata_precheck_item_status": ("item", "status"),
    "ninedata_precheck_item_failure_info": ("item", "item_name", "reason"),
}
DISCOVERY_METRICS = {
    "ninedata_discovery_up": ("kind",),
    "ninedata_discovery_failure_info": ("kind", "reason"),
    "ninedata_discovery_duration_seconds": ("kind",),
    "ninedata_discovery_tasks": ("kind",),
}
PROCESS_METRICS = {
    "ninedata_api_requests_total": ("kind",),
    "ninedata_api_request_failures_total": ("kind", "reason"),
    "ninedata_api_request_duration_seconds": ("kind",),
    "ninedata_api_clock_skew_seconds": (),
    "ninedata_exporter_watched_tasks": ("kind",),
    "ninedata_exporter_task_file_last_load_successful": ("file",),
    "ninedata_exporter_task_file_last_load_success_timestamp_seconds": ("file",),
    "ninedata_exporter_task_file_tasks": ("file",),
    "ninedata_exporter_shard_info": ("shard", "shards"),
    "ninedata_exporter_config_last_reload_successful": (),
    "ninedata_exporter_config_last_reload_success_timestamp_seconds": (),
    "ninedata_exporter_web_config_last_reload_successful": (),
    "ninedata_exporter_build_info": ("version", "python_version"),
}
"""The interface: each name with the labels that it has beside those of every task."""


def test_the_declared_families_are_those_of_the_interface() -> None:
    """Nothing is renamed, left out, or added without being said."""
    assert {family.name: family.labels for family in TASK_FAMILIES} == TASK_METRICS
    assert {family.name: family.labels for family in DISCOVERY_FAMILIES} == DISCOVERY_METRICS
    assert {family.name: family.labels for family in PROCESS_FAMILIES} == PROCESS_METRICS


def test_what_is_declared_is_what_is_exposed(snapshot: Snapshot, process: ProcessMetrics) -> None:
    """Every declared family is in a scrape that has something of everything, with its labels, type and help."""
    text = expose((SnapshotCollector(snapshot, TaskLines(())), process), "", "").body.decode()
    for family in (*TASK_FAMILIES, *DISCOVERY_FAMILIES, *PROCESS_FAMILIES):
        assert f"# HELP {family.name} {family.help}\n" in text
        assert f"# TYPE {family.name} {family.type}\n" in text
    exposed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ninedata_")}
    assert exposed == TASK_METRICS.keys() | DISCOVERY_METRICS.keys() | PROCESS_METRICS.keys()


def test_the_labels_of_the_series_are_the_declared_ones(snapshot: Snapshot, process: ProcessMetrics) -> None:
    """With the task's two in front, where a series is of a task."""
    for family in SnapshotCollector(snapshot, TaskLines(())).collect():
        for sample in family.samples:
            own = DISCOVERY_METRICS.get(family.name) or ("task_id", "task", *TASK_METRICS[family.name])
            assert tuple(sample.labels) == own
    for family in process.collect():
        for sample in family.samples:
            if sample.name.startswith("ninedata_"):
                name = sample.name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
                assert tuple(label for label in sample.labels if label != "le") == PROCESS_METRICS[name]


def test_the_documentation_is_made_from_the_declarations() -> None:
    """docs/metrics.md is what `make docs` writes."""
    assert (ROOT / "docs/metrics.md").read_text("utf-8") == docs.markdown()


@pytest.mark.parametrize("name", [*TASK_METRICS, *DISCOVERY_METRICS, *PROCESS_METRICS])
def test_every_metric_is_documented(name: str) -> None:
    """Each has a section of its own."""
    assert f"\n### `{name}`\n" in docs.markdown()


def promtool() -> str:
    found = shutil.which("promtool", path=f"{ROOT / '.components'}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None and os.environ.get("CI"):
        pytest.fail("promtool is missing: make components")
    if found is None:
        pytest.skip("promtool is missing: make components")
    return found


@pytest.mark.parametrize("part", ["tasks", "process"])
def test_promtool_has_nothing_to_say(snapshot: Snapshot, process: ProcessMetrics, part: str) -> None:
    """Prometheus' own linter finds the text well-formed and the names well-chosen."""
    collector = process if part == "process" else SnapshotCollector(snapshot, TaskLines(("env", "team")))
    text = expose((collector,), "", "").body
    done = subprocess.run([promtool(), "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)  # noqa: S603 - the project's own tool
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
