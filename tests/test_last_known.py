"""What is remembered of each task, and the log lines about what changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from exporter.config import Task
from exporter.last_known import LastKnown
from exporter.ninedata import ADVICE, CheckItem, Precheck, Reason, Status, TaskRef
from exporter.snapshot import QueryFailure, TaskResult

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
TASK = Task(TaskRef("data_compare", "cd-1", "pcte-1"), "orders-prod", {"team": "dba"})
OTHER = Task(TaskRef("data_compare", "cd-2", "pcte-2"), "stock-prod")
STARTED_AGAIN = Task(TaskRef("data_compare", "cd-1", "pcte-9"), "orders-prod", {"team": "dba"})

ITEMS = (
    CheckItem("targetCheck", "Target", "", Status.FAILED, "Add the columns."),
    CheckItem("sourceCheck", "Source", "", Status.SUCCESS, ""),
    CheckItem("charsetCheck", "Character set", "", Status.WARNING, ""),
)
SUCCESS = Precheck(Status.SUCCESS, ())
FAILED = Precheck(Status.FAILED, ITEMS, request_id="r-1")
TIMEOUT = QueryFailure(Reason.TIMEOUT, "no complete answer within 5 s")
NOT_FOUND = QueryFailure(Reason.NOT_FOUND, "the API refused the query: gone", "r-2")

Lines = Callable[[], list[dict[str, object]]]


class Scrapes:
    """Records results, each half a minute after the one before."""

    def __init__(self) -> None:
        self.known = LastKnown()
        self.count = 0

    def __call__(self, outcome: Precheck | QueryFailure, task: Task = TASK, *, asked: bool = True) -> TaskResult:
        self.count += 1
        at = NOON + timedelta(seconds=30 * self.count)
        if isinstance(outcome, QueryFailure):
            outcome = replace(outcome, asked=asked)
        result = TaskResult(task, outcome, 0.1, at)
        self.known.record(result, self.count)
        return result


@pytest.fixture
def record() -> Scrapes:
    return Scrapes()


def test_before_the_first_scrape_nothing_is_known(record: Scrapes) -> None:
    assert record.known.get("cd-1") is None


def test_a_first_status_is_logged(record: Scrapes, lines: Lines) -> None:
    record(SUCCESS)
    assert lines() == [
        {
            "msg": "precheck status first seen",
            "level": "INFO",
            "task": "orders-prod",
            "task_id": "cd-1",
            "status": "Success",
        }
    ]


def test_a_status_that_stays_is_logged_once(record: Scrapes, lines: Lines) -> None:
    """However often it is scraped, and whatever becomes of its items."""
    record(FAILED)
    assert len(lines()) == 1
    for items in (ITEMS, ITEMS[:1], ()):
        record(Precheck(Status.FAILED, items, request_id="another"))
    assert lines() == []


def test_a_status_that_changes_is_logged(record: Scrapes, lines: Lines) -> None:
    """With what it was before, the items that need attention by their identifiers, and the request's id."""
    record(SUCCESS)
    lines()
    record(FAILED)
    assert lines() == [
        {
            "msg": "precheck status changed",
            "level": "WARNING",
            "task": "orders-prod",
            "task_id": "cd-1",
            "status": "Failed",
            "before": "Success",
            "failing_items": "targetCheck,charsetCheck",
            "request_id": "r-1",
        }
    ]
    record(SUCCESS)
    assert [(line["level"], line["status"], line["before"]) for line in lines()] == [("INFO", "Success", "Failed")]


@pytest.mark.parametrize(
    ("status", "level"),
    [
        (Status.UNSTARTED, "INFO"),
        (Status.RUNNING, "INFO"),
        (Status.SUCCESS, "INFO"),
        (Status.UNKNOWN, "INFO"),
        (Status.WARNING, "WARNING"),
        (Status.FAILED, "WARNING"),
    ],
)
def test_what_needs_attention_is_a_warning(record: Scrapes, lines: Lines, status: Status, level: str) -> None:
    record(Precheck(status, ()))
    assert [line["level"] for line in lines()] == [level]


def test_an_unknown_status_is_logged_with_the_apis_own_word(record: Scrapes, lines: Lines) -> None:
    record(Precheck(Status.UNKNOWN, (), status_word="Paused"))
    assert [(line["status"], line["status_word"]) for line in lines()] == [("Unknown", "Paused")]


def test_a_query_that_fails_is_logged_once(record: Scrapes, lines: Lines) -> None:
    """With its reason and message."""
    for _ in range(3):
        record(NOT_FOUND)
    assert lines() == [
        {
            "msg": "query fails",
            "level": "WARNING",
            "task": "orders-prod",
            "task_id": "cd-1",
            "reason": "not_found",
            "error": "the API refused the query: gone",
            "advice": ADVICE[Reason.NOT_FOUND],
            "request_id": "r-2",
        }
    ]


def test_another_reason_is_logged(record: Scrapes, lines: Lines) -> None:
    """The same reason in other words is not."""
    record(TIMEOUT)
    record(QueryFailure(Reason.TIMEOUT, "no complete answer within 4 s"))
    record(NOT_FOUND)
    assert [line["reason"] for line in lines()] == ["timeout", "not_found"]


def test_a_query_that_works_again_is_logged(record: Scrapes, lines: Lines) -> None:
    """With how long it failed, from its first failure; a status that is what it was is not logged again."""
    record(SUCCESS)
    record(TIMEOUT)
    record(NOT_FOUND)
    lines()
    record(SUCCESS)
    record(SUCCESS)
    assert lines() == [
        {
            "msg": "query works again",
            "level": "INFO",
            "task": "orders-prod",
            "task_id": "cd-1",
            "failed_for_seconds": 60.0,
        }
    ]


def test_a_status_that_changed_meanwhile_is_logged_too(record: Scrapes, lines: Lines) -> None:
    record(SUCCESS)
    record(TIMEOUT)
    lines()
    record(FAILED)
    assert [line["msg"] for line in lines()] == ["query works again", "precheck status changed"]


def test_a_first_answer_after_failures(record: Scrapes, lines: Lines) -> None:
    record(TIMEOUT)
    lines()
    record(FAILED)
    assert [line["msg"] for line in lines()] == ["query works again", "precheck status first seen"]


def test_tasks_are_logged_each_on_its_own(record: Scrapes, lines: Lines) -> None:
    for _ in range(2):
        record(SUCCESS)
        record(SUCCESS, OTHER)
    assert [line["task"] for line in lines()] == ["orders-prod", "stock-prod"]


def test_the_last_answer_outlives_failures(record: Scrapes) -> None:
    """With its own time, beside the latest query and the beginning of the failures."""
    answer = record(FAILED)
    first = record(TIMEOUT)
    latest = record(NOT_FOUND)
    knowledge = record.known.get("cd-1")
    assert knowledge is not None
    assert (knowledge.precheck, knowledge.precheck_at) == (FAILED, answer.at)
    assert knowledge.last is latest
    assert knowledge.failing_since == first.at
    record(SUCCESS)
    knowledge = record.known.get("cd-1")
    assert knowledge is not None
    assert (knowledge.precheck, knowledge.failing_since) == (SUCCESS, None)


def test_a_precheck_that_was_started_again_forgets_the_old_one(record: Scrapes, lines: Lines) -> None:
    """Under its new id it is first seen, not changed; and what failed before was the other one's."""
    record(FAILED)
    record(NOT_FOUND)
    lines()
    record(TIMEOUT, STARTED_AGAIN)
    knowledge = record.known.get("cd-1")
    assert knowledge is not None
    assert knowledge.precheck is None
    assert knowledge.failing_since == knowledge.last.at
    record(FAILED)
    record(SUCCESS, STARTED_AGAIN)
    assert [(line["msg"], line.get("before")) for line in lines()] == [
        ("query fails", None),
        ("precheck status first seen", None),
        ("precheck status first seen", None),
    ]


def test_a_new_name_or_label_forgets_nothing(record: Scrapes, lines: Lines) -> None:
    record(SUCCESS)
    lines()
    record(SUCCESS, Task(TASK.ref, "another name", {}))
    assert lines() == []


@pytest.mark.parametrize(
    ("outcome", "asked", "hung"),
    [
        (SUCCESS, True, False),
        (TIMEOUT, True, True),
        (QueryFailure(Reason.DEADLINE, ""), True, True),
        (QueryFailure(Reason.DEADLINE, ""), False, False),
        (NOT_FOUND, True, False),
        (QueryFailure(Reason.RATE_LIMITED, ""), False, False),
    ],
)
def test_hung_is_what_was_asked_and_did_not_answer(
    record: Scrapes, outcome: Precheck | QueryFailure, *, asked: bool, hung: bool
) -> None:
    """Not what failed at once, nor what was never asked."""
    record(outcome, asked=asked)
    knowledge = record.known.get("cd-1")
    assert knowledge is not None
    assert knowledge.hung is hung


def test_a_query_that_never_left_does_not_count_as_a_turn(record: Scrapes) -> None:
    """The number of the scrape in which the task was last asked stays."""
    asked = []
    for outcome, sent in ((TIMEOUT, False), (SUCCESS, True), (TIMEOUT, False), (NOT_FOUND, True)):
        record(outcome, asked=sent)
        knowledge = record.known.get("cd-1")
        assert knowledge is not None
        asked.append(knowledge.asked)
    assert asked == [0, 2, 2, 4]
