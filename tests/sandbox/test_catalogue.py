"""The demonstration shows every state worth seeing."""

from itertools import pairwise

from exporter.sandbox import SandboxTask, demo_tasks
from exporter.sandbox.scripts import ScriptState

TASKS = {task.name: task for task in demo_tasks()}


def state(task: SandboxTask, after: float = 0.0) -> ScriptState:
    assert task.script
    return task.script.state_at(task.started_seconds_ago + after)


def statuses(name: str) -> list[str]:
    return [status for _, status in state(TASKS[name]).items]


def test_ids_and_names_are_unique_and_all_tasks_have_the_same_labels() -> None:
    tasks = demo_tasks()
    assert len(TASKS) == len({task.task_id for task in tasks}) == len(tasks) == 20
    assert len({task.precheck_task_id for task in tasks if task.kind != "replication"}) == 15
    assert {tuple(task.labels) for task in tasks} == {("team", "env")}


def test_every_status_shows_from_the_start() -> None:
    shown = {name: state(task).status.value for name, task in TASKS.items() if task.script}
    assert shown == {
        "orders-prod": "Success",
        "billing-eu": "Success",
        "customers-us": "Success",
        "inventory-prod": "Failed",
        "members-cn": "Failed",
        "ledger-eu": "Success",
        "warehouse-archive": "Running",
        "sessions-stage": "Unstarted",
        "payments-prod": "Unstarted",
        "search-dev": "Running",
        "orders-schema": "Success",
        "inventory-schema": "Failed",
        "billing-schema": "Success",
        "search-schema": "Success",
        "orders-standby": "Failed",
        "customers-dwh": "Success",
        "ledger-failover": "Success",
        "billing-dwh": "Success",
        "members-archive": "Success",
    }
    assert set(TASKS) - set(shown) == {"legacy-erp"}
    assert statuses("ledger-eu").count("Warning") == statuses("ledger-failover").count("Warning") == 1


def test_one_precheck_waits_for_hours_and_one_runs_for_most_of_an_hour() -> None:
    """Alerts about stuck prechecks need one that is stuck."""
    assert state(TASKS["sessions-stage"], 5 * 3600).status == "Unstarted"
    assert state(TASKS["warehouse-archive"], 1800).status == "Running"


def test_one_precheck_fails_and_passes_within_minutes_again_and_again() -> None:
    seen = [state(TASKS["payments-prod"], seconds).status.value for seconds in range(2 * 238)]
    changes = [after for before, after in pairwise(seen) if before != after]
    assert changes == (["Running", "Failed", "Unstarted", "Running", "Success", "Unstarted"] * 2)[:-1]


def test_items_run_one_by_one() -> None:
    assert statuses("search-dev") == [*["Success"] * 3, "Running", *["Unstarted"] * 8]


def test_failure_texts_hold_what_must_be_escaped_and_masked() -> None:
    """Quotes, line breaks, Chinese, great length, a password, and a login beside a host."""
    text = "".join(item.error_message for item, _ in state(TASKS["members-cn"]).items)
    for part in ('"', "\n", "预检查", "password=Sandbox-Pa55word", "ninedata:Sandbox-Pa55word@10.8.3.21:3306"):
        assert part in text
    assert len(text) > 1500
