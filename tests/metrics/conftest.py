"""A scrape made by hand, with everything that one can find."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from exporter.config import Task
from exporter.metrics import ProcessMetrics, WatchedFile
from exporter.ninedata import CheckItem, Precheck, Reason, Status, TaskRef
from exporter.snapshot import Discovered, QueryFailure, Snapshot, TaskResult

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def watched(number: int, name: str, **labels: str) -> Task:
    return Task(TaskRef("data_compare", f"cd-{number}", f"pcte-{number}"), name, labels)


def result(task: Task, outcome: Precheck | QueryFailure, seconds: float = 0.25) -> TaskResult:
    return TaskResult(task, outcome, seconds, AT)


def check(item: str, status: Status, message: str = "", name: str = "") -> CheckItem:
    return CheckItem(item, name or f"The {item}", f"Checks the {item}", status, message)


@pytest.fixture
def snapshot() -> Snapshot:
    """Every status of a precheck and of a check item, failed queries, awkward texts, labels that only some have."""
    missing_columns = (
        "Target tables are missing _sign and _version columns. Add the columns and run the precheck again."
    )
    every_status = (
        check("targetDataExistCheck", Status.FAILED, missing_columns, "Target object existence check"),
        check("charsetCheck", Status.WARNING, "The character sets differ."),
        check("privilegeCheck", Status.SUCCESS, "a message of a passed item is no failure"),
        check("sourceCheck", Status.RUNNING),
        check("targetCheck", Status.UNSTARTED),
        check("newCheck", Status.UNKNOWN),
        check("silentCheck", Status.FAILED),
    )
    awkward = (
        check("quotes\"'", Status.FAILED, "Column \"a\" \\ 'b'\nsecond line\ttab", 'Check "it"'),
        check("emoji😀", Status.WARNING, "库存表缺少主键 😀 \N{COMBINING ACUTE ACCENT}", "主键检查"),
        check("back\\slash", Status.FAILED, "ends in a backslash\\"),
        check("long", Status.FAILED, f"{'Why. ' * 200}Add the columns and run the precheck again."),
    )
    return Snapshot(
        (
            result(watched(1, "orders-prod", team="dba"), Precheck(Status.SUCCESS, (check("a", Status.SUCCESS),))),
            result(watched(2, "stock-prod", env="prod"), Precheck(Status.FAILED, every_status, request_id="r-2"), 1.5),
            result(watched(3, "cd-3"), Precheck(Status.UNSTARTED, ())),
            result(watched(4, "cd-4", env="", team="ops"), Precheck(Status.RUNNING, (check("a", Status.RUNNING),))),
            result(watched(5, "cd-5"), Precheck(Status.WARNING, (check("a", Status.WARNING, "Look."),)), 0.0),
            result(watched(6, "cd-6"), Precheck(Status.UNKNOWN, (), status_word="Paused")),
            result(watched(7, "cd-7"), QueryFailure(Reason.TIMEOUT, "no complete answer within 5 s"), 5.0),
            result(watched(8, "cd-8", team="dba"), QueryFailure(Reason.DEADLINE, "nothing was sent"), 0.0),
            result(watched(9, 'a "name" \\ with\\n ä 😀', team='"\\'), Precheck(Status.FAILED, awkward)),
        ),
        Discovered((watched(4, "cd-4"), watched(5, "cd-5")), QueryFailure(Reason.HTTP_ERROR, "HTTP 502"), 0.5),
    )


@dataclass
class WebConfigState:
    """A web configuration, as far as there is a metric of it."""

    last_reload_successful: bool


@pytest.fixture
def process() -> ProcessMetrics:
    """The exporter's own metrics after a few requests."""
    metrics = ProcessMetrics(lambda: 1767323045.5)
    metrics.config_loaded()
    files = (
        WatchedFile("tasks.d/a.yaml", 2, successful=True, loaded_at=1767323000.0),
        WatchedFile('tasks.d/"b" \\.yaml', 0, successful=False, loaded_at=None),
    )
    metrics.watching({"data_compare": 9}, files)
    metrics.sharded(0, 3)
    for seconds, failure in ((0.02, None), (0.25, None), (30.0, Reason.TIMEOUT)):
        metrics.request_sent("data_compare")
        metrics.request_ended("data_compare", seconds, failure)
    metrics.clock_skew(-1.25)
    metrics.watch_web_config(WebConfigState(last_reload_successful=True))
    return metrics
