"""The history of tasks: what pages show, what the log says, and the order of the next scrape."""

from dataclasses import replace

import pytest

from exporter.ninedata import CheckItem, Precheck, Reason, Status, TaskState, TaskStatus
from exporter.scraping.changes import MAX_LINES, record_and_log
from exporter.scraping.history import History
from exporter.scraping.snapshot import QueryFailure, QueryResult, Snapshot
from tests.conftest import Lines
from tests.scraping.fakes import GOOD, NOON, RUNNING, history_of, result, tasks

FAILED = Precheck(
    Status.FAILED, (CheckItem("sourceCheck", "Source check", "", Status.FAILED, "no grant"),), request_id="r-2"
)
TIMEOUT = QueryFailure(Reason.TIMEOUT, "no complete answer within 5 s")
SKIPPED = QueryFailure(Reason.DEADLINE, "not queried", sent=False)


def record(history: History, *results: QueryResult[Precheck]) -> None:
    record_and_log(Snapshot(results), history)


@pytest.fixture
def history() -> History:
    return History()


def test_keeps_the_last_answer_while_queries_fail(history: History) -> None:
    record(history, result("a", FAILED, minute=0))
    record(history, result("a", TIMEOUT, minute=1))
    record(history, result("a", TIMEOUT, minute=2))
    task = history_of(history.prechecks, *tasks("a"))
    assert (task.answer, task.answered_at, task.failing_since) == (FAILED, NOON, result("a", TIMEOUT, minute=1).at)
    assert task.last.outcome is TIMEOUT
    record(history, result("a", GOOD, minute=3))
    task = history_of(history.prechecks, *tasks("a"))
    assert (task.answer, task.failing_since) == (GOOD, None)


def test_a_new_precheck_of_a_task_starts_a_new_history(history: History) -> None:
    """Of the precheck; the task itself is the same."""
    (old,) = tasks("a")
    new = replace(old, ref=replace(old.ref, precheck_task_id="pcte-new"))
    record_and_log(Snapshot((result("a", FAILED),), (QueryResult(old, RUNNING, 0.1, NOON),)), history)
    assert history.prechecks.of(new) is None
    assert history_of(history.states, new).answer is RUNNING
    record(history, QueryResult(new, TIMEOUT, 0.1, NOON))
    assert history_of(history.prechecks, new).answer is None


def test_forgets_what_is_no_longer_watched(history: History, lines: Lines) -> None:
    """A task, or only its precheck, or only the task itself; and that there was no time for it."""
    state = QueryResult(tasks("b")[0], TaskState(TaskStatus.RUNNING), 0.1, NOON)
    record_and_log(Snapshot((result("a", SKIPPED), result("b", GOOD)), (state,)), history)
    history.retain({"b"}, set())
    assert history.prechecks.of(*tasks("a")) is history.states.of(*tasks("b")) is None
    assert history.prechecks.of(*tasks("b"))
    lines()
    record(history, result("b", SKIPPED))
    assert [line["skipped"] for line in lines()] == [1]


def test_logs_the_status_once_and_then_its_changes(history: History, lines: Lines) -> None:
    for outcome in (GOOD, replace(GOOD, request_id="r-1"), FAILED, replace(FAILED, request_id="r-3")):
        record(history, result("a", outcome))
    assert lines() == [
        {"msg": "precheck status", "level": "INFO", "task": "a", "task_id": "a", "status": "Success"},
        {
            "msg": "precheck status changed",
            "level": "WARNING",
            "task": "a",
            "task_id": "a",
            "status": "Failed",
            "before": "Success",
            "failing_items": "sourceCheck",
            "request_id": "r-2",
        },
    ]


def test_logs_the_status_of_a_task_itself(history: History, lines: Lines) -> None:
    """With the API's error, and with its word for a status that is not known."""
    for state in (TaskState(TaskStatus.UNKNOWN, "paused"), TaskState(TaskStatus.ABNORMAL, "abnormal", "full " * 200)):
        record_and_log(Snapshot((), (QueryResult(tasks("a")[0], state, 0.1, NOON),)), history)
    first, second = lines()
    assert (first["msg"], first["level"], first["status_word"]) == ("task status", "INFO", "paused")
    assert (second["msg"], second["level"], second["status"]) == ("task status changed", "WARNING", "Abnormal")
    assert (len(str(second["error"])) <= 500, "status_word" in second) == (True, False)


def test_logs_a_failing_query_once_per_reason_and_its_recovery(history: History, lines: Lines) -> None:
    refused = QueryFailure(Reason.AUTH, "HTTP 401", "r-3")
    for minute, outcome in enumerate((GOOD, TIMEOUT, TIMEOUT, refused, GOOD)):
        record(history, result("a", outcome, minute=minute))
    found = [(line["msg"], line.get("reason"), line.get("failed_for_seconds")) for line in lines()[1:]]
    assert found == [
        ("query failed", Reason.TIMEOUT, None),
        ("query failed", Reason.AUTH, None),
        ("query succeeded again", None, 180.0),
    ]


def test_an_outage_of_many_tasks_is_a_few_lines_and_a_count(history: History, lines: Lines) -> None:
    record(history, *(result(f"cd-{number}", TIMEOUT) for number in range(100)))
    found = lines()
    assert len(found) == MAX_LINES + 1
    assert found[-1] == {"msg": "query failed: more tasks", "level": "WARNING", "about": "timeout", "more": 80}


def test_logs_skipped_tasks_once_per_scrape_and_not_one_by_one(history: History, lines: Lines) -> None:
    record(history, result("a", GOOD), result("b", GOOD), result("c", GOOD))
    lines()
    for _ in range(2):
        record(history, result("a", GOOD), result("b", SKIPPED), result("c", SKIPPED))
    record(history, result("a", GOOD))  # a probe of one task says nothing about the others
    record(history, result("b", GOOD), result("c", GOOD))
    limited = QueryFailure(Reason.RATE_LIMITED, "no turn", sent=False)
    record_and_log(Snapshot((), (QueryResult(tasks("a")[0], limited, 0.1, NOON),)), history)
    assert [(line["msg"], line.get("skipped"), line["tasks"]) for line in lines()] == [
        ("scrape ran out of time before querying all tasks", 2, 3),
        ("scrape queried all tasks again", None, 2),
        ("scrape left out tasks because of a rate limit", 1, 1),
    ]
