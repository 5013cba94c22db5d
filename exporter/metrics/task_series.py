"""The series of the watched tasks and of discovery, as text.

The text is written here and not by prometheus-client, which takes ten times as long for the thousands of series of a
large scrape. Tests compare it with what prometheus-client reads and writes. All families are gauges, whose lines are
the same in the text format and in OpenMetrics.
"""

import functools
from collections import Counter
from collections.abc import Iterator

from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.ninedata import DISCOVERED_KIND, Status
from exporter.ninedata.text import cut_middle
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, Snapshot, TaskResult

Ends = tuple[Family, list[str]]
"""A family, and the ends of its lines for one task: the family's own labels, and the value."""


def task_series(snapshot: Snapshot, reason_bytes: int) -> list[bytes | bytearray]:
    """The families of a snapshot that have series, one text each, in the order of their declaration.

    `reason_bytes` limits each failure text; 0 leaves them out.
    """
    names = sorted({name for result in snapshot.results for name in result.task.labels})
    # Bytes, because the lines of a large scrape as strings would take several times the memory.
    texts = {family: bytearray() for family in (*families.TASK_FAMILIES, *families.DISCOVERY_FAMILIES)}
    for result in snapshot.results:
        task = result.task
        shared = f'task_id="{_escaped(task.task_id)}",task="{_escaped(task.name)}"' + "".join(
            f',{name}="{_escaped(task.labels.get(name, ""))}"' for name in names
        )
        for family, ends in _ends(result, reason_bytes):
            start = f"{family.name}{{{shared}"
            texts[family] += (start + start.join(ends)).encode() if ends else b""
    for family, ends in _discovery_ends(snapshot.discovery):
        texts[family] += f"{family.name}{{{ends[0][1:]}".encode()
    return [
        part
        for family, text in texts.items()
        if text
        for part in (f"# HELP {family.name} {family.help}\n# TYPE {family.name} gauge\n".encode(), text)
    ]


def _ends(result: TaskResult, reason_bytes: int) -> Iterator[Ends]:
    """The lines of one task's result."""
    ref, outcome = result.task.ref, result.outcome
    yield families.UP, [f"}} {float(result.up)}\n"]
    yield families.QUERY_DURATION, [f"}} {float(result.seconds)}\n"]
    yield families.INFO, [_end(families.INFO, 1, ref.kind, ref.precheck_task_id)]
    if isinstance(outcome, QueryFailure):
        yield families.QUERY_FAILURE_INFO, [_end(families.QUERY_FAILURE_INFO, 1, outcome.reason)]
        return
    yield from _precheck_ends(outcome.status, tuple([(item.item, item.status) for item in outcome.items]))
    if reason_bytes:
        failing = [item for item in outcome.items if item.status.needs_attention]
        texts = ((item.item, item.name, cut_middle(item.message, reason_bytes)) for item in failing)
        yield families.ITEM_FAILURE_INFO, [_end(families.ITEM_FAILURE_INFO, 1, *labels) for labels in texts]


@functools.lru_cache(maxsize=100)  # most tasks have the same check items
def _precheck_ends(status: Status, items: tuple[tuple[str, Status], ...]) -> tuple[Ends, ...]:
    counts = Counter(each for _, each in items)
    return (
        (families.STATUS, [_end(families.STATUS, each is status, each) for each in Status]),
        (families.ITEMS, [_end(families.ITEMS, counts[each], each) for each in Status]),
        (families.ITEM_STATUS, [_end(families.ITEM_STATUS, 1, *labels) for labels in items]),
    )


def _discovery_ends(discovery: DiscoveryResult | None) -> Iterator[Ends]:
    if discovery is None:
        return
    kind, failure = DISCOVERED_KIND, discovery.failure
    yield families.DISCOVERY_UP, [_end(families.DISCOVERY_UP, failure is None, kind)]
    if failure is not None:
        yield families.DISCOVERY_FAILURE_INFO, [_end(families.DISCOVERY_FAILURE_INFO, 1, kind, failure.reason)]
    yield families.DISCOVERY_DURATION, [_end(families.DISCOVERY_DURATION, discovery.seconds, kind)]
    if discovery.complete:
        yield families.DISCOVERY_TASKS, [_end(families.DISCOVERY_TASKS, len(discovery.tasks), kind)]


def _end(family: Family, value: float, *labels: str) -> str:
    own = "".join([f',{name}="{_escaped(label)}"' for name, label in zip(family.labels, labels, strict=True)])
    return f"{own}}} {float(value)}\n"


def _escaped(value: str) -> str:
    """A label's value as both formats write it."""
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return value
