"""One scrape that has something of everything."""

from datetime import UTC, datetime

import pytest
from prometheus_client.registry import Collector

from exporter.config import Task
from exporter.metrics import OwnMetrics
from exporter.ninedata import CheckItem, Precheck, Reason, Status, TaskRef
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, Snapshot, TaskResult
from exporter.scraping.task_files import TaskFile
from tests.scraping.fakes import empty_watch_list, tasks

AT = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)

ITEMS = (
    CheckItem("sourceCheck", "Source connection check", "", Status.SUCCESS, ""),
    CheckItem("targetCheck", 'Target "check"', "", Status.FAILED, "Column \"a\" \\ 'b'\nsecond line\ttab"),
    CheckItem("库存", "库存检查", "", Status.WARNING, "库存表缺少主键 😀"),
)


@pytest.fixture
def snapshot() -> Snapshot:
    answered = Task(TaskRef("data_compare", "cd-1", "pcte-1"), 'orders "prod"', {"team": "dba", "env": "prod\\eu"})
    failing = Task(TaskRef("schema_compare", "cc-1", "pcte-2"), "schema", {"team": "platform"})
    empty = Task(TaskRef("replication", "rp-1", ""), "rp-1")
    return Snapshot(
        (
            TaskResult(answered, Precheck(Status.FAILED, ITEMS), 0.25, AT),
            TaskResult(failing, QueryFailure(Reason.TIMEOUT, "no complete answer within 5 s"), 5.0, AT),
            TaskResult(empty, Precheck(Status.UNKNOWN, ()), 0.001, AT),
        ),
        DiscoveryResult(tasks("rp-1"), QueryFailure(Reason.AUTH, "HTTP 401"), 0.5),
    )


@pytest.fixture
def own() -> Collector:
    metrics = OwnMetrics(Shard(1, 3), clock=lambda: 1767355200.0, external_url="https://example.com/ninedata")
    metrics.clock_skew(-1.5)
    metrics.reload_ended(successful=True)
    metrics.web_config_successful = lambda: False
    metrics.request_sent("replication")
    metrics.request_ended("replication", 0.03, Reason.AUTH)
    watch_list = empty_watch_list()
    watch_list.task_files.current = (
        TaskFile("/tasks.d/good.yaml", tasks("cd-1", "cd-2"), (), 1767355100.0),
        TaskFile("/tasks.d/never-good.yaml", (), ("/tasks.d/never-good.yaml: is empty",), None),
        TaskFile("/tasks.d/repeats.yaml", tasks("cd-2"), (), 1767355150.0),
    )
    return metrics.collector(watch_list)
