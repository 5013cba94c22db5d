"""The series of the watched tasks and of discovery, as text.

The text is written here and not by prometheus-client, which takes ten times as long for the thousands of series of a
large scrape. Tests compare it with what prometheus-client reads and writes. All families are gauges, whose lines are
the same in the text format and in OpenMetrics.
"""

import functools
from collections import Counter, defaultdict
from collections.abc import Iterator

from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.ninedata import DISCOVERED_KIND, Precheck, Status
from exporter.ninedata.text import cut_middle
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, Snapshot, TaskResult

Sample = tuple[Family, tuple[str, ...], float]
"""A family, the values of its own labels, and the sample's value."""


def task_series(snapshot: Snapshot, *, failure_reasons: bool = True) -> list[bytes | bytearray]:
    """The families of a snapshot that have series, one text each, in the order of their declaration."""
    names = sorted({name for result in snapshot.results for name in result.task.labels})
    # Bytes, because the lines of a large scrape as strings would take several times the memory.
    texts = {family: bytearray() for family in (*families.TASK_FAMILIES, *families.DISCOVERY_FAMILIES)}
    for result in snapshot.results:
        task = result.task
        shared = f'task_id="{_escaped(task.task_id)}",task="{_escaped(task.name)}"' + "".join(
            f',{name}="{_escaped(task.labels.get(name, ""))}"' for name in names
        )
        ends: defaultdict[Family, list[str]] = defaultdict(list)
        for family, values, value in samples_of(result, failure_reasons=failure_reasons):
            ends[family].append(_end(family, values, value) if family in _REPEATED else _new_end(family, values, value))
        for family, its_ends in ends.items():
            start = f"{family.name}{{{shared}"
            texts[family] += (start + start.join(its_ends)).encode()
    for family, values, value in _discovery_samples(snapshot.discovery):
        texts[family] += f"{family.name}{{{_new_end(family, values, value)[1:]}".encode()
    return [
        part
        for family, text in texts.items()
        if text
        for part in (f"# HELP {family.name} {family.help}\n# TYPE {family.name} gauge\n".encode(), text)
    ]


def samples_of(result: TaskResult, *, failure_reasons: bool = True) -> Iterator[Sample]:
    """The samples of one task's result."""
    ref, outcome = result.task.ref, result.outcome
    yield families.UP, (), float(result.up)
    yield families.QUERY_DURATION, (), float(result.seconds)
    yield families.INFO, (ref.kind, ref.precheck_task_id), 1.0
    if isinstance(outcome, QueryFailure):
        yield families.QUERY_FAILURE_INFO, (outcome.reason,), 1.0
        return
    yield from _precheck_samples(outcome, failure_reasons=failure_reasons)


def _precheck_samples(precheck: Precheck, *, failure_reasons: bool) -> Iterator[Sample]:
    counts = Counter(item.status for item in precheck.items)
    for status in Status:
        yield families.STATUS, (status,), float(status is precheck.status)
        yield families.ITEMS, (status,), float(counts[status])
    for item in precheck.items:
        yield families.ITEM_STATUS, (item.item, item.status), 1.0
        if failure_reasons and item.status.needs_attention:
            yield families.ITEM_FAILURE_INFO, (item.item, item.name, cut_middle(item.message, 500)), 1.0


def _discovery_samples(discovery: DiscoveryResult | None) -> Iterator[Sample]:
    if discovery is None:
        return
    kind, failure = DISCOVERED_KIND, discovery.failure
    yield families.DISCOVERY_UP, (kind,), float(failure is None)
    if failure is not None:
        yield families.DISCOVERY_FAILURE_INFO, (kind, failure.reason), 1.0
    yield families.DISCOVERY_DURATION, (kind,), float(discovery.seconds)
    yield families.DISCOVERY_TASKS, (kind,), float(len(discovery.tasks))


def _new_end(family: Family, values: tuple[str, ...], value: float) -> str:
    """The end of a line: the labels of the family's own, and the value."""
    labels = "".join(f',{name}="{_escaped(label)}"' for name, label in zip(family.labels, values, strict=True))
    return f"{labels}}} {value}\n"


_REPEATED = {families.STATUS, families.ITEMS, families.ITEM_STATUS}
_end = functools.lru_cache(maxsize=2048)(_new_end)  # most tasks have the same check items


def _escaped(value: str) -> str:
    """A label's value as both formats write it."""
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return value
