"""An hour and a half in which everything that dashboards show happens, as the exporter renders it.

Two exporters watch the same tasks, `a` and `b`: comparisons by name, replication by discovery, which at last fails for
`a`. A third one, `quiet`, discovers nothing and gives no reasons of failures.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from prometheus_client.samples import Sample

from exporter.config import Task
from exporter.metrics import ProcessMetrics, SnapshotCollector, TaskLines, WatchedFile
from exporter.ninedata import LIST_NAME, CheckItem, Precheck, Reason, Status, TaskRef
from exporter.sandbox import demo_tasks
from exporter.snapshot import Discovered, QueryFailure, Snapshot, TaskResult

STEP = 60
END = 236_112 * 7200 - STEP  # within one block of two hours
START = END - 90 * STEP

UNREACHED = range(START + 20 * STEP, START + 30 * STEP, STEP)
"""When no query of any task succeeded."""

INVENTORY = "inventory-prod"
"""The task of which everything is to be seen: it could not be queried for a time, and it fails."""

CRAFTED = {
    "orders.v2 (eu)": Status.WARNING,
    "refunds-prod": Status.UNKNOWN,
    "quiet-prod": Status.FAILED,
}
"""Tasks in states that the demo does not come to; the first one's name is hard on regular expressions."""

UNDISCOVERED = range(END - 10 * STEP, END + 1, STEP)
"""When `a` could not discover tasks."""

FILES = (
    WatchedFile("/etc/tasks.d/orders.yaml", 2, successful=True, loaded_at=float(START)),
    WatchedFile("/etc/tasks.d/broken.yaml", 0, successful=False, loaded_at=None),
)

STATUS_SINCE = "ninedata:precheck_status:since_timestamp_seconds"
WITHOUT_RULE = "payments-prod"
"""A task of which the recording rule has nothing."""


def openmetrics() -> str:
    """The text that promtool makes blocks from."""
    instances = {name: ProcessMetrics(lambda: float(START)) for name in ("a", "b", "quiet")}
    for name, process in instances.items():
        process.config_loaded()
        process.watching(Counter(task.ref.kind for task in _watched(name)), FILES)
    process.config_rejected()
    lines: list[str] = []
    for at in range(START, END + 1, STEP):
        for name, process in instances.items():
            target = {"job": "ninedata", "instance": f"{name}:10199"}
            lines += [_line(sample, target, at) for sample in _scrape(name, process, at)]
    return "\n".join([*lines, "# EOF\n"])


def results(instance: str, at: int) -> tuple[TaskResult, ...]:
    """What an exporter's scrape finds."""
    moment = datetime.fromtimestamp(at, UTC)
    return tuple(TaskResult(task, _outcome(task, instance, at), 0.25, moment) for task in _watched(instance))


def _watched(instance: str) -> list[Task]:
    demo = [
        Task(TaskRef(task.kind, task.task_id, task.precheck_task_id), task.name, task.labels) for task in demo_tasks()
    ]
    crafted = [
        Task(TaskRef("data_compare", f"cd-{number}", f"pcte-{number}"), name) for number, name in enumerate(CRAFTED)
    ]
    return crafted[2:] if instance == "quiet" else [*demo, *crafted[:2]]


def _discovered(instance: str, at: int) -> Discovered | None:
    if instance == "quiet":
        return None
    tasks = tuple(task for task in _watched(instance) if task.ref.kind == "replication")
    failure = QueryFailure(Reason.AUTH, "refused") if instance == "a" and at in UNDISCOVERED else None
    return Discovered(tasks, failure, 0.5)


def _outcome(task: Task, instance: str, at: int) -> Precheck | QueryFailure:
    if at in UNREACHED or (instance == "b" and task.name == "billing-eu"):
        return QueryFailure(Reason.TIMEOUT, "no answer")
    if task.name in CRAFTED:
        status = CRAFTED[task.name]
        return Precheck(status, (CheckItem("srcDataSourceCheck", "Source check", "", status, "Mend it."),))
    demo = next(demo for demo in demo_tasks() if demo.task_id == task.task_id)
    if demo.script is None:
        return QueryFailure(Reason.NOT_FOUND, "precheck task not found")
    state = demo.script.state_at(at - START + demo.started_seconds_ago)
    items = (
        CheckItem(item.item, item.name, item.description, Status.of_word(word), item.error_message)
        for item, word in state.items
    )
    return Precheck(Status.of_word(state.status), tuple(items))


def _scrape(instance: str, process: ProcessMetrics, at: int) -> Iterator[Sample]:
    found = results(instance, at)
    for result in found:
        _count(process, result.task.ref.kind, result.seconds, result.outcome)
    discovered = _discovered(instance, at)
    if discovered is not None:
        _count(process, LIST_NAME, discovered.seconds, discovered.failure)
    process.clock_skew(1.5)
    lines = TaskLines(("env", "team"), failure_reasons=instance != "quiet")
    tasks = SnapshotCollector(Snapshot(found, discovered), lines)
    for metric in (*tasks.collect(), *process.collect()):
        yield from (sample for sample in metric.samples if sample.name.startswith("ninedata"))
    yield Sample("up", {}, 1.0)
    yield Sample("scrape_duration_seconds", {}, 0.5)
    yield Sample("ALERTS", {"alertname": "NineDataConfigReloadFailed", "alertstate": "firing"}, 1.0)
    yield from _of_rules(found)


def _count(process: ProcessMetrics, kind: str, seconds: float, outcome: Precheck | QueryFailure | None) -> None:
    process.request_sent(kind)
    process.request_ended(kind, seconds, outcome.reason if isinstance(outcome, QueryFailure) else None)


def _of_rules(found: Iterable[TaskResult]) -> Iterator[Sample]:
    for result in found:
        if isinstance(result.outcome, Precheck) and result.task.name != WITHOUT_RULE:
            task = {"task_id": result.task.task_id, "task": result.task.name}
            yield Sample(STATUS_SINCE, {**task, "status": result.outcome.status.value}, float(START))
            if result.outcome.status is Status.FAILED:
                alert = {"alertname": "NineDataPrecheckFailed", "alertstate": "firing", "severity": "critical"}
                yield Sample("ALERTS", {**alert, **task}, 1.0)


def _line(sample: Sample, target: dict[str, str], at: int) -> str:
    labels = {**sample.labels, **target}
    text = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items() if value)
    return f"{sample.name}{{{text}}} {sample.value} {at}"


def _escaped(value: str) -> str:
    return re.sub(r'[\\"]', r"\\\g<0>", value).replace("\n", r"\n")
