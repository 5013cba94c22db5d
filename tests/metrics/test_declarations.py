"""The names that dashboards and alert rules rely on, and their documentation."""

from pathlib import Path

from prometheus_client.registry import Collector

from exporter.metrics import choose_format, render
from exporter.metrics.families import DISCOVERY_FAMILIES, OWN_FAMILIES, TASK_FAMILIES
from exporter.scraping.snapshot import Snapshot
from tools import metrics_page

TASK_METRICS = {
    "ninedata_precheck_up": (),
    "ninedata_precheck_query_failure_info": ("reason",),
    "ninedata_precheck_query_duration_seconds": (),
    "ninedata_precheck_info": ("kind", "precheck_task_id"),
    "ninedata_precheck_status": ("status",),
    "ninedata_precheck_items": ("status",),
    "ninedata_precheck_item_status": ("item", "status"),
    "ninedata_precheck_item_failure_info": ("item", "item_name", "reason"),
    "ninedata_task_up": (),
    "ninedata_task_query_failure_info": ("reason",),
    "ninedata_task_query_duration_seconds": (),
    "ninedata_task_info": ("kind",),
    "ninedata_task_status": ("status",),
    "ninedata_task_failure_info": ("reason",),
    "ninedata_comparison_different_rows": ("difference",),
    "ninedata_comparison_skipped_tables": (),
    "ninedata_comparison_execution_start_timestamp_seconds": (),
    "ninedata_comparison_execution_update_timestamp_seconds": (),
    "ninedata_replication_delay_seconds": ("subtask",),
    "ninedata_replication_progress_ratio": ("subtask",),
    "ninedata_replication_subtask_status": ("subtask", "status"),
}
DISCOVERY_METRICS = {
    "ninedata_discovery_up": ("kind",),
    "ninedata_discovery_failure_info": ("kind", "reason"),
    "ninedata_discovery_duration_seconds": ("kind",),
    "ninedata_discovery_tasks": ("kind",),
}
OWN_METRICS = {
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
    "ninedata_exporter_info": ("external_url",),
    "ninedata_exporter_build_info": ("version", "python_version"),
}
"""The interface: each name with the labels that it has beside those of every task."""


def test_the_families_are_those_of_the_public_interface() -> None:
    assert {family.name: family.labels for family in TASK_FAMILIES} == TASK_METRICS
    assert {family.name: family.labels for family in DISCOVERY_FAMILIES} == DISCOVERY_METRICS
    assert {family.name: family.labels for family in OWN_FAMILIES} == OWN_METRICS


def test_every_family_is_exposed_as_declared(snapshot: Snapshot, own: Collector) -> None:
    text = render(snapshot, own, choose_format("")).decode()
    for family in (*TASK_FAMILIES, *DISCOVERY_FAMILIES, *OWN_FAMILIES):
        assert f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.type}\n" in text
    exposed = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ninedata_")}
    assert exposed == TASK_METRICS.keys() | DISCOVERY_METRICS.keys() | OWN_METRICS.keys()


def test_the_documentation_is_generated_from_the_declarations() -> None:
    text = metrics_page.markdown()
    assert (Path(__file__).parents[2] / "docs/metrics.md").read_text("utf-8") == text
    for name in (*TASK_METRICS, *DISCOVERY_METRICS, *OWN_METRICS):
        assert f"\n### `{name}`\n" in text
