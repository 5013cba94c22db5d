"""The demonstration shows every state worth seeing."""

from itertools import pairwise

from exporter.ninedata import Precheck, Status
from exporter.sandbox import DEMO_TASKS, Sandbox

TASKS = {task.name: task for task in DEMO_TASKS}


def precheck(name: str, after: float = 0.0) -> Precheck:
    script = TASKS[name].precheck
    assert script
    _, run, elapsed = script.at(after)
    return run.at(elapsed)


def test_every_status_shows_from_the_start() -> None:
    """Of prechecks and of tasks; and one precheck cannot be queried."""
    assert len(TASKS) == len(Sandbox().served) == 20
    assert {precheck(task.name).status for task in DEMO_TASKS if task.precheck} == {*Status} - {Status.UNKNOWN}
    assert [task.name for task in DEMO_TASKS if not task.precheck] == ["legacy-erp"]
    own = {served.status for served in Sandbox().served.values()}
    assert own >= {"notStarted", "prechecking", "preCheckFailed", "preCheckSuccess", "running", "success", "failed"}
    assert own >= {"stopped", "abnormal"}


def test_one_precheck_waits_for_hours_and_one_runs_for_most_of_an_hour() -> None:
    """Alerts about stuck prechecks need one that is stuck."""
    assert precheck("sessions-stage", 5 * 3600).status is Status.UNSTARTED
    assert precheck("warehouse-archive", 1800).status is Status.RUNNING


def test_one_precheck_fails_and_passes_within_minutes_again_and_again() -> None:
    seen = [precheck("payments-prod", seconds).status.value for seconds in range(2 * 238)]
    changes = [after for before, after in pairwise(seen) if before != after]
    assert changes == (["Running", "Failed", "Unstarted", "Running", "Success", "Unstarted"] * 2)[:-1]


def test_items_run_one_by_one() -> None:
    statuses = [item.status.value for item in precheck("search-dev").items]
    assert statuses == [*["Success"] * 3, "Running", *["Unstarted"] * 8]
