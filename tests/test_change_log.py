"""What the log says of a whole fleet: not a line per task."""

import logging
from datetime import UTC, datetime

import pytest

from exporter.change_log import MAX_LINES
from exporter.config import Task
from exporter.last_known import LastKnown
from exporter.ninedata import Precheck, Reason, Status, TaskRef
from exporter.snapshot import QueryFailure, TaskResult

FLEET = [Task(TaskRef("data_compare", f"cd-{n}", f"pcte-{n}"), f"task-{n}") for n in range(100)]
DOWN = QueryFailure(Reason.CONNECT, "cannot connect: Connection refused")
NO_TURN = QueryFailure(Reason.RATE_LIMITED, "api.rate_limit leaves no time", asked=False)
PASSED = Precheck(Status.SUCCESS, ())
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class Fleet:
    """Scrapes of all tasks at once."""

    def __init__(self) -> None:
        self.known = LastKnown()
        self.count = 0

    def probe(self, number: int, outcome: Precheck | QueryFailure) -> None:
        """A scrape of one task."""
        self.count += 1
        self.known.record(TaskResult(FLEET[number], outcome, 0.1, NOON), self.count)
        self.known.end_scrape()

    def scrape(self, outcome: Precheck | QueryFailure, *, turns: range = range(100)) -> None:
        self.count += 1
        results = [TaskResult(task, outcome if n in turns else NO_TURN, 0.1, NOON) for n, task in enumerate(FLEET)]
        for result in results:
            self.known.record(result, self.count)
        self.known.end_scrape()


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def test_an_outage_is_told_of_some_tasks_and_counted_of_the_rest(
    fleet: Fleet, messages: pytest.LogCaptureFixture
) -> None:
    """And once, however long it lasts."""
    fleet.scrape(PASSED)
    messages.clear()
    fleet.scrape(DOWN)
    fleet.scrape(DOWN)
    assert messages.messages == ["query fails"] * MAX_LINES + ["query fails: more tasks"]
    assert vars(messages.records[-1])["fields"] == {"about": "connect", "more": 80}
    messages.clear()
    fleet.scrape(PASSED)
    assert messages.messages == ["query works again"] * MAX_LINES + ["query works again: more tasks"]


def test_tasks_without_a_turn_are_told_once_for_the_scrape(fleet: Fleet, messages: pytest.LogCaptureFixture) -> None:
    """Which they are changes with every scrape; that some are left out is the news, and that none is any more."""
    fleet.scrape(PASSED)
    messages.clear()
    for begin in (0, 10, 20):
        fleet.scrape(PASSED, turns=range(begin, begin + 10))
    assert messages.messages == ["tasks had no turn in a scrape"]
    assert vars(messages.records[0])["fields"] == {"left_out": 90, "tasks": 100}
    messages.clear()
    fleet.scrape(PASSED)
    assert messages.messages == ["every task has its turn again"]


def test_probes_without_a_turn_are_told_once_for_all(fleet: Fleet, messages: pytest.LogCaptureFixture) -> None:
    """Where each task is a scrape of its own, some having a turn says nothing about those that had none."""
    fleet.scrape(PASSED)
    messages.clear()
    for number in range(20):
        fleet.probe(number, PASSED if number % 2 else NO_TURN)
    assert messages.messages == ["tasks had no turn in a scrape"]
    messages.clear()
    for number in range(18):
        fleet.probe(number, PASSED)
    assert messages.messages == []
    fleet.probe(18, PASSED)
    assert messages.messages == ["every task has its turn again"]


def test_a_task_that_is_no_longer_watched_waits_for_no_turn(fleet: Fleet, messages: pytest.LogCaptureFixture) -> None:
    fleet.scrape(PASSED)
    fleet.probe(0, NO_TURN)
    messages.clear()
    fleet.known.retain({task.task_id for task in FLEET[1:]})
    fleet.probe(1, PASSED)
    assert messages.messages == ["every task has its turn again"]


def test_a_failure_is_told_once_across_scrapes_without_a_turn(fleet: Fleet, messages: pytest.LogCaptureFixture) -> None:
    """To have no turn neither ends a failure nor begins one."""
    fleet.scrape(DOWN, turns=range(1))
    fleet.scrape(DOWN, turns=range(1, 2))
    fleet.scrape(DOWN, turns=range(1))
    assert messages.messages.count("query fails") == 2
    fleet.scrape(PASSED, turns=range(1))
    assert messages.messages.count("query works again") == 1
