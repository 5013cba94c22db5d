"""The series of the watched tasks and of discovery, as text.

The text is written here and not by prometheus-client, which takes ten times as long for the thousands of series of a
large scrape. Tests compare it with what prometheus-client reads and writes. All families are gauges, whose lines are
the same in the text format and in OpenMetrics.
"""

import functools
from collections import Counter
from collections.abc import Iterator

from exporter.config import Task
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.ninedata import KINDS, Execution, Precheck, Status, Subtask, TaskState, TaskStatus
from exporter.ninedata.text import cut_middle
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, QueryResult, Snapshot

Ends = tuple[Family, list[str]]
"""A family, and the ends of its lines for one task: what follows the task's own labels, as in `,item="a"} 1.0`."""


def task_series(snapshot: Snapshot, reason_bytes: int) -> list[bytes | bytearray]:
    """The families of a snapshot that have series, one text each, in the order of their declaration.

    `reason_bytes` limits each failure text; 0 leaves them out.
    """
    tasks = [*(precheck.task for precheck in snapshot.prechecks), *(state.task for state in snapshot.states)]
    names = sorted({name for task in tasks for name in task.labels})
    # Bytes, because the lines of a large scrape as strings would take several times the memory.
    texts = {family: bytearray() for family in (*families.TASK_FAMILIES, *families.DISCOVERY_FAMILIES)}

    def add(task: Task, lines: Iterator[Ends]) -> None:
        shared = f'task_id="{_escaped(task.task_id)}",task="{_escaped(task.name)}"' + "".join(
            f',{name}="{_escaped(task.labels.get(name, ""))}"' for name in names
        )
        for family, ends in lines:
            start = f"{family.name}{{{shared}"
            texts[family] += (start + start.join(ends)).encode() if ends else b""

    for precheck in snapshot.prechecks:
        add(precheck.task, _precheck_ends(precheck, reason_bytes))
    for state in snapshot.states:
        add(state.task, _state_ends(state, reason_bytes))
    for discovery in snapshot.discoveries:
        for family, ends in _discovery_ends(discovery):
            texts[family] += f"{family.name}{{{ends[0][1:]}".encode()  # no task's labels, so no comma
    return [
        part
        for family, text in texts.items()
        if text
        for part in (f"# HELP {family.name} {family.help}\n# TYPE {family.name} gauge\n".encode(), text)
    ]


def _precheck_ends(result: QueryResult[Precheck], reason_bytes: int) -> Iterator[Ends]:
    """The lines of the query of a task's precheck."""
    ref, outcome = result.task.ref, result.outcome
    yield families.UP, [f"}} {float(result.up)}\n"]
    yield families.QUERY_DURATION, [f"}} {float(result.seconds or 0)}\n"]
    yield families.INFO, [_end(families.INFO, 1, ref.kind, ref.precheck_task_id)]
    if isinstance(outcome, QueryFailure):
        yield families.QUERY_FAILURE_INFO, [_end(families.QUERY_FAILURE_INFO, 1, outcome.reason)]
        return
    yield from _answer_ends(outcome.status, tuple([(item.item, item.status) for item in outcome.items]))
    if reason_bytes:
        failing = [item for item in outcome.items if item.status.needs_attention]
        texts = ((item.item, item.name, cut_middle(item.message, reason_bytes)) for item in failing)
        yield families.ITEM_FAILURE_INFO, [_end(families.ITEM_FAILURE_INFO, 1, *labels) for labels in texts]


@functools.lru_cache(maxsize=100)  # most tasks have the same check items
def _answer_ends(status: Status, items: tuple[tuple[str, Status], ...]) -> tuple[Ends, ...]:
    counts = Counter(each for _, each in items)
    return (
        (families.STATUS, [_end(families.STATUS, each is status, each) for each in Status]),
        (families.ITEMS, [_end(families.ITEMS, counts[each], each) for each in Status]),
        (families.ITEM_STATUS, [_end(families.ITEM_STATUS, 1, *labels) for labels in items]),
    )


def _state_ends(result: QueryResult[TaskState], reason_bytes: int) -> Iterator[Ends]:
    """The lines of the query of a task itself."""
    kind, state = KINDS[result.task.ref.kind], result.answer
    yield families.TASK_INFO, [_known_end(families.TASK_INFO, 1, kind.name)]
    if result.seconds is not None:
        yield families.TASK_UP, [f"}} {float(result.up)}\n"]
        yield families.TASK_QUERY_DURATION, [f"}} {float(result.seconds)}\n"]
        if result.failure:
            yield families.TASK_QUERY_FAILURE_INFO, [_end(families.TASK_QUERY_FAILURE_INFO, 1, result.failure.reason)]
    if state is None:
        return
    yield families.TASK_STATUS, _status_ends(kind.statuses, state.status)
    if reason_bytes and state.error:
        yield families.TASK_FAILURE_INFO, [_end(families.TASK_FAILURE_INFO, 1, cut_middle(state.error, reason_bytes))]
    if state.execution:
        yield from _execution_ends(state.execution)
    if state.subtasks:
        yield from _subtask_ends(state.subtasks)


@functools.lru_cache
def _status_ends(statuses: tuple[TaskStatus, ...], status: TaskStatus) -> list[str]:
    return [_end(families.TASK_STATUS, each is status, each) for each in statuses]


def _execution_ends(found: Execution) -> Iterator[Ends]:
    """The lines of a comparison's latest execution; none for what the API does not tell."""
    differences = {"only_source": found.only_source, "only_target": found.only_target, "different": found.different}
    family = families.DIFFERENT_ROWS
    yield family, [_known_end(family, rows, name) for name, rows in differences.items() if rows is not None]
    if found.skipped_tables is not None:
        yield families.SKIPPED_TABLES, [f"}} {float(found.skipped_tables)}\n"]
    if found.started_at:
        yield families.EXECUTION_START, [f"}} {found.started_at.timestamp()}\n"]
    if found.updated_at:
        yield families.EXECUTION_UPDATE, [f"}} {found.updated_at.timestamp()}\n"]


def _subtask_ends(subtasks: tuple[Subtask, ...]) -> Iterator[Ends]:
    """The lines of a replication's subtasks."""
    delay, progress, status = families.REPLICATION_DELAY, families.REPLICATION_PROGRESS, families.SUBTASK_STATUS
    yield delay, [_end(delay, each.delay_seconds, each.name) for each in subtasks if each.delay_seconds is not None]
    yield progress, [_known_end(progress, each.progress, each.name) for each in subtasks if each.progress is not None]
    yield status, [_known_end(status, 1, each.name, each.status) for each in subtasks]


def _discovery_ends(discovery: DiscoveryResult) -> Iterator[Ends]:
    kind, failure = discovery.kind, discovery.failure
    yield families.DISCOVERY_UP, [_end(families.DISCOVERY_UP, failure is None, kind)]
    if failure is not None:
        yield families.DISCOVERY_FAILURE_INFO, [_end(families.DISCOVERY_FAILURE_INFO, 1, kind, failure.reason)]
    yield families.DISCOVERY_DURATION, [_end(families.DISCOVERY_DURATION, discovery.seconds, kind)]
    if discovery.complete:
        yield families.DISCOVERY_TASKS, [_end(families.DISCOVERY_TASKS, len(discovery.tasks), kind)]


def _end(family: Family, value: float, *labels: str) -> str:
    own = "".join([f',{name}="{_escaped(label)}"' for name, label in zip(family.labels, labels, strict=True)])
    return f"{own}}} {float(value)}\n"


_known_end = functools.lru_cache(maxsize=1024)(_end)  # for labels and values that many tasks have


def _escaped(value: str) -> str:
    """A label's value as both formats write it."""
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return value
