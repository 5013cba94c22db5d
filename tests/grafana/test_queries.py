"""Every query of every panel, variable and annotation, against a real Prometheus."""

from collections import Counter
from typing import Any

import pytest

from exporter.ninedata import Precheck, Status
from grafana.reading import panels_of, queries_of_panel
from tests.grafana.ask import ask, problems_of
from tests.grafana.history import CRAFTED, END, INVENTORY, WITHOUT_RULE, results
from tests.grafana.server import Prometheus, Series


def answer(document: dict[str, Any], title: str, server: Prometheus, **choice: list[str]) -> list[Series]:
    """What the first query of the panel with a title gives."""
    panel = next(panel for panel in panels_of(document) if panel["title"] == title)
    return ask(queries_of_panel(panel)[0], document, server, choice)


def number(document: dict[str, Any], title: str, server: Prometheus) -> float:
    (series,) = answer(document, title, server)
    return series.value


def test_every_query_of_the_overview_gives_what_its_panel_names(overview: dict[str, Any], server: Prometheus) -> None:
    assert problems_of(overview, server, {}) == []


def test_every_query_of_the_task_gives_what_its_panel_names(task: dict[str, Any], server: Prometheus) -> None:
    assert problems_of(task, server, {"task": [INVENTORY]}) == []


@pytest.mark.parametrize("tasks", [["orders.v2 (eu)"], ["orders.v2 (eu)", INVENTORY]])
def test_several_chosen_tasks_are_those_that_are_shown(
    overview: dict[str, Any], server: Prometheus, tasks: list[str]
) -> None:
    shown = answer(overview, "Status of every task", server, task=tasks)
    assert {series.labels["task"] for series in shown} == set(tasks)


def test_a_chosen_exporter_is_the_only_one_that_is_shown(overview: dict[str, Any], server: Prometheus) -> None:
    shown = answer(overview, "Exporters", server, instance=["a:10199"])
    assert [series.labels["instance"] for series in shown] == ["a:10199"]


def test_two_exporters_of_one_task_count_it_once(overview: dict[str, Any], server: Prometheus) -> None:
    found = {result.task.name: result for instance in ("b", "a", "quiet") for result in results(instance, END)}
    answered = [result.outcome for result in found.values() if isinstance(result.outcome, Precheck)]
    statuses = Counter(precheck.status for precheck in answered)
    assert number(overview, "Failed", server) == statuses[Status.FAILED] > 1
    assert number(overview, "Running", server) == statuses[Status.RUNNING] > 0
    assert number(overview, "Unknown", server) == 1
    assert number(overview, "Warning", server) == sum(map(warns, answered)) > 1
    assert number(overview, "Watched", server) == len(found)
    assert number(overview, "Cannot be queried", server) == len(found) - len(answered) == 1


def warns(precheck: Precheck) -> bool:
    """Whether it, or one of its check items, is in status Warning."""
    return Status.WARNING in (precheck.status, *(item.status for item in precheck.items))


def test_a_task_that_one_of_two_exporters_reaches_has_its_status(overview: dict[str, Any], server: Prometheus) -> None:
    codes = {series.labels["task"]: series.value for series in answer(overview, "Status of every task", server)}
    assert codes["billing-eu"] == 3
    assert codes["legacy-erp"] == 7
    assert codes["orders.v2 (eu)"] == 4


def test_failing_items_stand_once_each(overview: dict[str, Any], server: Prometheus) -> None:
    rows = answer(overview, "What fails and why", server)
    assert len(rows) == len({(row.labels["task"], row.labels["item"]) for row in rows})
    assert {row.value for row in rows} == {4, 5}
    reasons = {row.labels["task"]: row.labels.get("reason") for row in rows}
    assert reasons["orders.v2 (eu)"] == "Mend it."
    assert reasons["members-cn"]


def test_failing_items_stand_without_reasons_where_the_exporter_gives_none(
    overview: dict[str, Any], server: Prometheus
) -> None:
    (row,) = answer(overview, "What fails and why", server, task=["quiet-prod"])
    assert row.value == 5
    assert row.labels["item"] == "srcDataSourceCheck"
    assert "reason" not in row.labels


def test_failing_items_of_every_kind_of_task_are_told_with_the_kind(
    overview: dict[str, Any], server: Prometheus
) -> None:
    kinds = {row.labels["task"]: row.labels["kind"] for row in answer(overview, "What fails and why", server)}
    assert kinds[INVENTORY] == "data_compare"
    assert kinds["inventory-schema"] == "schema_compare"
    assert kinds["orders-standby"] == "replication"


def test_tasks_are_counted_once_by_kind(overview: dict[str, Any], server: Prometheus) -> None:
    counts = {row.labels["kind"]: row.value for row in answer(overview, "Watched tasks by kind", server)}
    assert counts == {"data_compare": 14, "schema_compare": 2, "replication": 3}
    assert sum(counts.values()) == number(overview, "Watched", server)


def test_a_failing_discovery_is_told_with_its_reason(overview: dict[str, Any], server: Prometheus) -> None:
    panel = next(panel for panel in panels_of(overview) if panel["title"] == "Discovery")
    up, failure, tasks, _ = (ask(query, overview, server, {}) for query in queries_of_panel(panel))
    assert {row.labels["instance"]: row.value for row in up} == {"a:10199": 0, "b:10199": 1}
    assert [(row.labels["instance"], row.labels["reason"]) for row in failure] == [("a:10199", "auth")]
    assert {row.value for row in tasks} == {3}


def test_a_task_file_with_a_fault_is_told(overview: dict[str, Any], server: Prometheus) -> None:
    rows = answer(overview, "Task files", server, instance=["b:10199"])
    assert {row.labels["file"]: row.value for row in rows} == {
        "/etc/tasks.d/orders.yaml": 1,
        "/etc/tasks.d/broken.yaml": 0,
    }


def test_a_failed_check_is_counted_once_per_task(overview: dict[str, Any], server: Prometheus) -> None:
    rows = answer(overview, "Which checks fail most", server)
    failed = {row.labels["item"]: row.value for row in rows if row.labels["status"] == "Failed"}
    assert failed["srcDataSourceCheck"] == 3
    assert CRAFTED["quiet-prod"] is Status.FAILED


def test_since_when_a_task_has_its_status_is_known_without_the_recording_rule(
    task: dict[str, Any], server: Prometheus
) -> None:
    (series,) = answer(task, "In this status", server, task=[WITHOUT_RULE])
    assert END - 300 <= series.value / 1000 < END


def test_the_overview_is_empty_and_not_zero_where_nothing_is_watched(
    overview: dict[str, Any], server: Prometheus
) -> None:
    for title in ("Failed", "Warning", "Running", "Unknown", "Cannot be queried", "Watched"):
        assert answer(overview, title, server, task=["no such task"]) == []
