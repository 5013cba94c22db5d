"""The demo shows every state worth seeing; fleets are plain."""

from itertools import pairwise

import pytest

from exporter.sandbox import Task, demo_tasks, fleet
from exporter.sandbox.catalogue import HOUR
from exporter.sandbox.families import KINDS, family_of
from exporter.sandbox.prechecks import State


def state(task: Task, after: float = 0.0) -> State:
    assert task.script
    return task.script.state_at(task.started_seconds_ago + after)


def by_name() -> dict[str, Task]:
    return {task.name: task for task in demo_tasks()}


def failures(task: Task) -> list[str]:
    return [item.error_message for item, status in state(task).items if status == "Failed"]


def test_all_ids_and_names_are_distinct() -> None:
    """A duplicate task id would be a fault of configuration."""
    tasks = demo_tasks()
    assert len({task.task_id for task in tasks}) == len(tasks)
    precheck_ids = [task.precheck_task_id for task in tasks if task.kind != "replication"]
    assert len(set(precheck_ids)) == len(precheck_ids)
    assert len({task.name for task in tasks}) == len(tasks)


def test_all_tasks_have_the_same_labels() -> None:
    """A team to call and an environment to sort by."""
    assert {tuple(task.labels) for task in demo_tasks()} == {("team", "env")}


def test_the_demo_has_every_status_from_its_start() -> None:
    """One look is enough."""
    tasks = by_name()
    assert state(tasks["billing-eu"]).status == "Success"
    assert state(tasks["inventory-prod"]).status == "Failed"
    assert state(tasks["warehouse-archive"]).status == "Running"
    assert state(tasks["sessions-stage"]).status == "Unstarted"
    assert [status for _, status in state(tasks["ledger-eu"]).items].count("Warning") == 1
    assert tasks["legacy-erp"].script is None


def test_one_precheck_waits_for_hours_and_one_runs_for_most_of_an_hour() -> None:
    """Alerts on what is stuck need something that is."""
    tasks = by_name()
    assert state(tasks["sessions-stage"], 5 * HOUR).status == "Unstarted"
    assert state(tasks["warehouse-archive"], 0.5 * HOUR).status == "Running"


def test_one_precheck_fails_and_is_mended_within_minutes() -> None:
    """An alert fires and resolves while one watches."""
    task = by_name()["payments-prod"]
    ends = [state(task, seconds).status for seconds in range(600)]
    changes = [after for before, after in pairwise(ends) if before != after]
    assert changes[:6] == ["Running", "Failed", "Unstarted", "Running", "Success", "Unstarted"]


def test_failure_texts_hold_what_must_be_escaped_and_masked() -> None:
    """Quotes, line breaks, Chinese, great length, a password, and a login beside a host."""
    texts = failures(by_name()["members-cn"])
    together = "".join(texts)
    assert '"' in together
    assert "\n" in together
    assert "预检查" in together
    assert "password=" in together
    assert "ninedata:Sandbox-Pa55word@10.8.3.21:3306" in together
    assert max(map(len, texts)) > 500


def test_several_items_can_fail_and_each_says_what_to_do() -> None:
    """A reason and a remediation each."""
    texts = failures(by_name()["inventory-prod"])
    assert len(texts) == 3
    assert all(text.count(". ") >= 1 for text in texts)


def test_the_demo_has_every_kind() -> None:
    """Each with a task that passed and one that did not."""
    assert {task.kind for task in demo_tasks()} == set(KINDS)
    tasks = by_name()
    assert state(tasks["orders-schema"]).status == state(tasks["customers-dwh"]).status == "Success"
    assert state(tasks["inventory-schema"]).status == state(tasks["orders-standby"]).status == "Failed"
    assert [status for _, status in state(tasks["ledger-failover"]).items].count("Warning") == 1


def test_the_reason_of_a_failed_replication_names_a_login_of_a_database() -> None:
    """As the documented one does."""
    assert "root@10.20.7.31:3306" in failures(by_name()["orders-standby"])[0]


@pytest.mark.parametrize(
    ("kind", "task_id", "precheck_id"),
    [
        ("data_compare", "cd-fleet-00001", "pcte-fleet-00001"),
        ("schema_compare", "cc-fleet-00001", "pcte-fleet-00001"),
        ("replication", "rp-fleet-00001", ""),
    ],
)
def test_a_fleet_is_of_any_kind(kind: str, task_id: str, precheck_id: str) -> None:
    """With ids and items of that kind."""
    (task,) = fleet(1, items=20, kind=kind)
    assert (task.kind, task.task_id, task.precheck_task_id) == (kind, task_id, precheck_id)
    items = [item for item, _ in state(task).items]
    assert len({item.item for item in items}) == 20
    assert items[0] == family_of(kind).checks[0]


def test_a_fleet_has_as_many_tasks_and_items_as_asked() -> None:
    """All passed; past the known items they repeat under other names."""
    tasks = fleet(3, items=30)
    assert [task.task_id for task in tasks] == ["cd-fleet-00001", "cd-fleet-00002", "cd-fleet-00003"]
    assert tasks[0].precheck_task_id == "pcte-fleet-00001"
    shown = state(tasks[0])
    assert shown.status == "Success"
    assert len({item.item for item, _ in shown.items}) == 30
