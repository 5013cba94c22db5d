"""One scrape that has something of everything."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from prometheus_client.registry import Collector

from exporter.config import Task
from exporter.metrics import OwnMetrics
from exporter.ninedata import CheckItem, Execution, Precheck, Reason, Status, Subtask, TaskRef, TaskState, TaskStatus
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, QueryResult, Snapshot
from exporter.scraping.task_files import TaskFile, TaskFiles
from exporter.scraping.watch_list import WatchList
from tests.scraping.fakes import NOON, config_of, tasks

EXECUTION = Execution(TaskStatus.SUCCESS, None, 3, 12345678, 0, NOON, NOON + timedelta(seconds=90))
SUBTASKS = (
    Subtask("full", TaskStatus.SUCCESS, progress=1.0),
    Subtask("inc_writer", TaskStatus.RUNNING, progress=0.0, delay_seconds=0.672),
    Subtask("subtask_3", TaskStatus.UNKNOWN),
)

ITEMS = (
    CheckItem("sourceCheck", "Source connection check", "", Status.SUCCESS, ""),
    CheckItem("targetCheck", 'Target "check"', "", Status.FAILED, "Column \"a\" \\ 'b'\nsecond line\ttab"),
    CheckItem("库存", "库存检查", "", Status.WARNING, "库存表缺少主键 😀"),
)


@pytest.fixture
def snapshot() -> Snapshot:
    answered = Task(TaskRef("data_compare", "cd-1", "pcte-1"), 'orders "prod"', {"team": "dba\\eu"})
    failing = Task(TaskRef("schema_compare", "cc-1", "pcte-2"), "schema", {"team": "platform"})
    empty = Task(TaskRef("replication", "rp-1", ""), "rp-1")
    return Snapshot(
        (
            QueryResult(answered, Precheck(Status.FAILED, ITEMS), 0.25, NOON),
            QueryResult(failing, QueryFailure(Reason.TIMEOUT, "no complete answer within 5 s"), 5.0, NOON),
            QueryResult(empty, Precheck(Status.UNKNOWN, ()), 0.001, NOON),
        ),
        tuple(states(answered, empty)),
        (
            DiscoveryResult("replication", tasks("rp-1"), QueryFailure(Reason.AUTH, "HTTP 401"), 0.5),
            DiscoveryResult("schema_compare", tasks("cc-3"), None, 0.25),
            DiscoveryResult("data_compare", (), QueryFailure(Reason.DEADLINE, "no time"), 0.75, complete=False),
        ),
    )


def states(compared: Task, replicated: Task) -> Iterator[QueryResult[TaskState]]:
    """Complete answers, one without its results, none at all, and two of a list."""
    yield QueryResult(compared, TaskState(TaskStatus.SUCCESS, execution=EXECUTION), 0.5, NOON)
    yield QueryResult(replicated, TaskState(TaskStatus.RUNNING, subtasks=SUBTASKS), 0.125, NOON)
    alone = Task(TaskRef("data_compare", "cd-2", ""), "alone", {"env": "prod"})
    failed = TaskState(TaskStatus.FAILED, error='Table "a" is gone.')
    yield QueryResult(alone, QueryFailure(Reason.HTTP_ERROR, "HTTP 500"), 0.75, NOON, failed)
    unknown = Task(TaskRef("schema_compare", "cc-2", ""), "unknown")
    yield QueryResult(unknown, QueryFailure(Reason.NOT_FOUND, "no such task"), 0.0625, NOON)
    listed = Task(TaskRef("schema_compare", "cc-3", ""), "listed")
    yield QueryResult(listed, TaskState(TaskStatus.STOPPED), None, NOON)
    missing = Task(TaskRef("replication", "rp-2", ""), "missing")
    yield QueryResult(missing, QueryFailure(Reason.AUTH, "HTTP 401"), None, NOON)


@pytest.fixture
def own() -> Collector:
    metrics = OwnMetrics(Shard(1, 3), clock=lambda: 1767355200.0, external_url="https://example.com/ninedata")
    metrics.clock_skew(-1.5)
    metrics.reload_ended(successful=True)
    metrics.web_config_faults = lambda: ("web.yaml:1: is empty",)
    metrics.request_sent("replication")
    metrics.request_ended("replication", 0.03, Reason.AUTH)
    task_files = TaskFiles(())
    task_files.current = (
        TaskFile("/tasks.d/good.yaml", tasks("cd-1", "cd-2"), (), 1767355100.0),
        TaskFile("/tasks.d/never-good.yaml", (), ("/tasks.d/never-good.yaml: is empty",), None),
        TaskFile("/tasks.d/repeats.yaml", tasks("cd-2"), (), 1767355150.0),
    )
    return metrics.collector(WatchList(config_of(), Shard(), task_files, ()))
