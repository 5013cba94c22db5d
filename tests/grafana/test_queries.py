"""The queries of the dashboards, against a real Prometheus."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from grafana.check import panels_of
from grafana.frame import OVERVIEW_UID, TASK_UID
from grafana.states import NOT_KNOWN, STATUSES, WORST_FIRST, own_words, words
from tests.grafana.conftest import Board
from tests.grafana.history import END, FAILURE, LONG, OWN, REASON, START, TASKS, WITHOUT_REASONS, openmetrics
from tests.programs import ROOT

CASES = ("ninedata", "ninedata-empty", "ninedata-away", "ninedata-down", "no such job")
"""Values of the label `job`."""

UNHEALTHY = {
    "inventory-prod": "Failed",
    'the "best" one': "Failed",
    "it's here": "Failed",
    r"win\share": "Failed",
    "orders.v2 (eu)": "Warning",
    "warned-item": "Warning",
    "waits": "Warning",
    "own-success": "Warning",
    "members-cn": "Unknown",
    "billing-eu": "Failed",
    "runs": "Failed",
    "legacy-erp": "Query failing",
    "own-query-fails": "Query failing",
    "own-half-known": "Query failing",
    "list-fails": "Query failing",
    "own-suspended": "Stopped",
    "runs-too-long": "Running",
    "waits-too-long": "Unstarted",
}


def of_job(board: Board, job: str, **choice: str) -> Board:
    return replace(board, choice={**board.choice, "job": job, **choice})


def word(code: float) -> str:
    return str(words().options[f"{code:.0f}"].text)


def counts(board: Board) -> dict[str, float]:
    """The numbers of the first row by name."""
    targets = [target for title in ("Tasks by state", "Exporters") for target in board.panel(title)["targets"]]
    return {target["legendFormat"]: found[0].value for target in targets if (found := board.ask(target))}


def test_the_history_is_what_the_exporter_exports() -> None:
    documented = set(
        re.findall(r"^### `(\w+)`", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    used = {name.removesuffix("_bucket") for name in re.findall(r"^(ninedata_\w+){", openmetrics(), re.MULTILINE)}
    assert used - documented <= {"ninedata_exporter_info"}


def problems_of(panel: Mapping[str, Any], board: Board) -> Iterator[str]:
    """Queries without data, and names that a panel gives to fields that its answers do not have."""
    fields: set[str] = set()
    for target in panel["targets"]:
        series = board.ask(target) or of_job(board, "ninedata", task="waits").ask(target)
        if not series:
            yield f"{target['refId']}: no data"
        labels = [set(one.labels) for one in series]
        fields |= {"Value", f"Value #{target['refId']}"}.union(*labels)
        for label in re.findall(r"{{(\w+)}}", target.get("legendFormat", "")):
            if any(label not in found for found in labels):
                yield f"{target['refId']}: no label {label}"
    steps = {step["id"]: step["options"] for step in panel.get("transformations", ())}
    if grouped := steps.get("groupBy", {}).get("fields"):
        yield from (f"not grouped by {name}" for name in fields - grouped.keys() if "Value" not in name)
        fields = {name + " (lastNotNull)" * name.startswith("Value") for name in fields}
    renamed = steps.get("organize", {}).get("renameByName", {})
    sorted_by = {by["displayName"] for by in panel["options"].get("sortBy", ())}
    yield from (f"no field {name}" for name in renamed.keys() - fields)
    yield from (f"no column {name}" for name in sorted_by - set(renamed.values()))
    linked = set(re.findall(r"__data\.fields\.(\w+)", str(panel)))
    yield from (f"a link has no field {name}" for name in linked - fields)


@pytest.mark.parametrize("name", ["overview", "task"])
def test_every_query_gives_what_its_panel_names(name: str, request: pytest.FixtureRequest) -> None:
    board: Board = request.getfixturevalue(name)
    problems = {panel["title"]: list(problems_of(panel, board)) for panel in panels_of(board.document)}
    assert not any(problems.values()), problems


def test_the_first_row_adds_up_to_the_watched_tasks_of_two_exporters(overview: Board) -> None:
    found = counts(of_job(overview, "ninedata"))
    expected = {state: list(UNHEALTHY.values()).count(state) for state in UNHEALTHY.values()}
    expected |= {"Running": 1, "Unstarted": 2, "Success": 1, "Up": 2}
    assert found == expected
    assert sum(found[state.word] for state in WORST_FIRST) == len(TASKS | OWN)


@pytest.mark.parametrize(
    ("job", "tasks", "up", "down"),
    [("ninedata-empty", 0, 1, None), ("ninedata-down", NOT_KNOWN, 0, 1), ("no such job", NOT_KNOWN, 0, None)],
)
def test_counts_are_0_only_where_an_exporter_says_so(
    overview: Board, job: str, tasks: int, up: int, down: int | None
) -> None:
    found = counts(of_job(overview, job))
    assert {found[state.word] for state in WORST_FIRST} == {tasks}
    assert (found["Up"], found.get("Down")) == (up, down)


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ("ninedata", UNHEALTHY),
        ("ninedata-empty", {}),
        ("ninedata-away", {"inventory-prod": "Query failing"}),
        ("ninedata-down", {"down:10199": "Exporter down"}),
        ("no such job", {"All": "No exporter"}),
    ],
)
def test_tasks_that_need_attention(overview: Board, job: str, expected: dict[str, str]) -> None:
    board = of_job(overview, job)
    assert {row.labels["task"]: word(row.value) for row in board.show("Tasks that need attention")} == expected
    assert {row.labels["task"] for row in board.show("Tasks that need attention", "E")} == expected.keys()


def test_each_unhealthy_task_has_a_reason_and_a_time(overview: Board) -> None:
    board = of_job(overview, "ninedata")
    why = {row.labels["task"]: row.labels["why"] for row in board.show("Tasks that need attention", "E")}
    assert why["inventory-prod"].endswith(REASON)
    assert why[WITHOUT_REASONS] == "source"
    assert why[LONG] == f"Check of the source: {REASON}{REASON}"[:75] + " ..."
    assert why["legacy-erp"] == "Query of the precheck: Reason: not_found"
    assert why["runs-too-long"] == "The precheck is Running for more than 1h."
    assert why["billing-eu"] == f"Task itself: {FAILURE}"
    assert why["own-half-known"] == "Query of the task itself: Reason: auth"
    assert why["waits"] == "Replication delay: inc_writer is over 5 minutes behind its source for more than 10m."
    assert why["own-success"] == "Comparison: The latest execution found rows that differ."
    assert why["own-suspended"] == "Task itself: The status is Suspended."
    since = {row.labels["task"]: (END - row.value / 1000) / 60 for row in board.show("Tasks that need attention", "B")}
    later = {"inventory-prod": 40, "legacy-erp": 21, "runs-too-long": 70, "waits-too-long": 40, "billing-eu": 51}
    later |= {"own-query-fails": 16, "list-fails": 11, "own-success": 11}
    assert since == pytest.approx({**dict.fromkeys(UNHEALTHY, 90), **later})


@pytest.mark.parametrize(
    ("job", "task", "place"),
    [
        ("ninedata", "inventory-prod", (TASK_UID, "task", "https://nd.example/a/tasks/cd-0")),
        ("ninedata-down", "down:10199", (OVERVIEW_UID, "instance", "http://down:10199")),
        ("no such job", "All", (OVERVIEW_UID, "instance", None)),
    ],
)
def test_links_of_what_needs_attention(
    overview: Board, job: str, task: str, place: tuple[str, str, str | None]
) -> None:
    rows = {row.labels["task"]: row.labels for row in of_job(overview, job).show("Tasks that need attention", "F")}
    assert tuple(rows[task].get(label) for label in ("board", "sets", "page")) == place


def test_the_reasons_of_failing_queries_are_of_the_tasks_that_the_first_row_counts(overview: Board) -> None:
    found = {row.labels["reason"]: row.value for row in of_job(overview, "ninedata").show("Query failing, by reason")}
    assert found == {"not_found": 1, "timeout": 1, "auth": 1}
    of_a_list = 1
    assert sum(found.values()) + of_a_list == counts(of_job(overview, "ninedata"))["Query failing"]


def test_where_no_rule_says_since_when_the_time_range_does(task: Board) -> None:
    unruled = of_job(task, "ninedata", task="members-cn")
    assert unruled.show("Since")[0].value / 1000 == START
    assert of_job(task, "ninedata-down").show("Since") == []


def test_a_timeline_has_a_series_in_every_case(overview: Board, task: Board) -> None:
    for job in CASES:
        for board in (overview, task):
            for panel in panels_of(board.document):
                if panel["type"] == "state-timeline":
                    assert all(of_job(board, job).ask(target) for target in panel["targets"]), (job, panel["title"])


def test_a_timeline_of_items_or_subtasks_says_why_none_is_known(task: Board) -> None:
    (items,) = of_job(task, "ninedata-away").show("Status of every check item")
    assert (items.labels["item"], word(items.value)) == ("no check item", "Query failing")
    (subtasks,) = of_job(task, "ninedata-down").show("Status of every subtask")
    assert (subtasks.labels["subtask"], word(subtasks.value)) == ("no subtask", "Exporter down")


def test_the_timeline_shows_the_worst_tasks_first(overview: Board) -> None:
    order = [series.labels["task"] for series in of_job(overview, "ninedata").show("Status of every task")]
    bad = [task for task, state in UNHEALTHY.items() if state not in {"Failed", "Stopped", "Running", "Unstarted"}]
    failed = [task for task, state in UNHEALTHY.items() if state == "Failed"]
    assert order == sorted(failed) + sorted(bad) + sorted((TASKS | OWN).keys() - {*failed, *bad})


def test_a_failure_of_two_minutes_is_seen_in_intervals_of_half_an_hour(overview: Board) -> None:
    (series,) = replace(of_job(overview, "ninedata", task="failed-shortly"), interval=1800).show("Status of every task")
    assert "Failed" in {word(code) for code in series.values}
    assert word(series.value) == "Success"


@pytest.mark.parametrize("name", ['the "best" one', "it's here", r"win\share", "orders.v2 (eu)"])
def test_a_task_can_have_any_name(overview: Board, task: Board, name: str) -> None:
    (state,) = of_job(task, "ninedata", task=name).show("Status over time")
    assert word(state.value) == UNHEALTHY[name]
    assert [row.labels["task"] for row in of_job(overview, "ninedata", task=name).show("What fails and why")] == [name]


def test_failing_items_stand_once_each_and_queries_that_fail_beside_them(overview: Board) -> None:
    rows = of_job(overview, "ninedata").show("What fails and why")
    found = sorted((row.labels["task"], row.labels.get("item", ""), word(row.value)) for row in rows)
    assert ("inventory-prod", "target", "Failed") in found
    assert ("warned-item", "target", "Warning") in found
    assert ("legacy-erp", "", "Query failing") in found
    assert ("billing-eu", "(Task itself)", "Failed") in found
    assert len(found) == len(set(found)) == 16
    assert {row.labels.get("reason") for row in rows if row.labels["task"] == WITHOUT_REASONS} == {None}


def test_half_a_failure_and_a_list_that_fails_leave_what_is_known(overview: Board) -> None:
    rows = of_job(overview, "ninedata").show("Comparisons")
    own = {row.labels["task"]: row.labels["status"] for row in rows}
    assert own["own-half-known"] == "Running"
    assert own["own-query-fails"] == own["list-fails"] == "Query failing"
    different = {row.labels["task"]: row.value for row in of_job(overview, "ninedata").show("Comparisons", "E")}
    assert different == dict.fromkeys(("inventory-prod", "billing-eu", "own-success"), 2)


def test_a_replication_stands_with_its_precheck_status_delay_and_what_it_copies(overview: Board) -> None:
    board = of_job(overview, "ninedata")
    shown = [{row.labels["task"]: row for row in board.show("Replications", ref)} for ref in "ABCDE"]
    own, precheck, delay, progress, subtask = (found["waits"] for found in shown)
    assert (own.labels["status"], word(precheck.value), subtask.labels["subtask"]) == ("Running", "Unstarted", "full")
    assert (delay.value, progress.value) == (5400, 0.9)


def test_the_own_status_says_why_it_is_not_known(task: Board) -> None:
    texts = {**own_words("off").options}
    shown = {
        name: str(texts[f"{of_job(task, job, task=name).show('Own status')[0].value:.0f}"].text)
        for job, name in (
            ("ninedata", "inventory-prod"),
            ("ninedata", "own-half-known"),
            ("ninedata", "own-query-fails"),
            ("ninedata", "warned-item"),
            ("ninedata-down", "billing-eu"),
        )
    }
    assert list(shown.values()) == ["Stopped", "Running", "Query failing", "off", "Exporter down"]
    assert of_job(task, "ninedata", task="warned-item").show("Delay") == []


def test_check_items_of_the_task_are_counted(task: Board) -> None:
    numbers = [task.ask(target)[0].value for target in task.panel("Check items")["targets"]]
    assert numbers == [2 if state.word == "Failed" else 0 for state in STATUSES]


def test_the_page_is_at_the_exported_address_or_else_at_the_instance(task: Board) -> None:
    pages = {row.labels["instance"]: row.labels["page"] for row in task.show("Exporters of this task", "C")}
    assert pages == {"a:10199": "https://nd.example/a/tasks/cd-0", "b:10199": "http://b:10199/tasks/cd-0"}
    (variable,) = (one for one in task.document["templating"]["list"] if one["name"] == "page")
    expr = variable["query"]["query"].removeprefix("query_result(").removesuffix(")")
    (page,) = task.ask({"expr": expr, "instant": True})
    assert page.labels["page"] in pages.values()


def test_an_alert_of_several_items_and_exporters_is_one_mark_at_its_start(overview: Board) -> None:
    marks = of_job(overview, "ninedata").ask(overview.document["annotations"]["list"][0])
    failed = ["inventory-prod", 'the "best" one', "it's here", r"win\share", "failed-shortly"]
    assert sorted((mark.labels["of"], len(mark.values)) for mark in marks) == sorted((task, 1) for task in failed)


def test_only_exporters_are_exporters(overview: Board) -> None:
    found = {row.labels["instance"]: row.value for row in overview.show("Each exporter")}
    assert found == {"a:10199": 1, "b:10199": 1, "empty:10199": 1, "away:10199": 1, "down:10199": 0}
