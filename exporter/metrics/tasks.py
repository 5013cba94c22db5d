"""The per-task families of one snapshot."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import Metric
from prometheus_client.samples import Sample

from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.metrics.writer import Row, Writer, escaped
from exporter.ninedata import DISCOVERED_KIND, Precheck, Status
from exporter.ninedata.text import cut_middle
from exporter.snapshot import QueryFailure, Snapshot, TaskResult

MAX_REASON = 500
"""Characters of a failure reason in a label, as the interface promises."""


class TaskLines:
    """The lines of tasks' series.

    What is written when a result comes, while others are awaited, costs no time when all are there.
    """

    def __init__(self, label_names: Iterable[str], *, failure_reasons: bool = True) -> None:
        self.label_names = tuple(label_names)
        self.failure_reasons = failure_reasons
        self._labels = sorted((*families.TASK_LABELS, *self.label_names))
        self._writers = {family: Writer(family, self._labels) for family in families.TASK_FAMILIES}
        self._written: dict[str, tuple[TaskResult, dict[Family, str]]] = {}

    def write(self, result: TaskResult) -> None:
        """Write a result's lines now, and keep them."""
        self._written[result.task.task_id] = result, self._lines_of(result)

    def text(self, results: Iterable[TaskResult]) -> bytes:
        """All families with the lines of these results, in their order; those that were not yet written included."""
        lines: dict[Family, list[str]] = {family: [] for family in self._writers}
        for result in results:
            written, its_lines = self._written.get(result.task.task_id, (None, {}))
            for family, text in (its_lines if written is result else self._lines_of(result)).items():
                lines[family].append(text)
        return b"".join(writer.text(lines[family]) for family, writer in self._writers.items())

    def _lines_of(self, result: TaskResult) -> dict[Family, str]:
        base = _base_labels(result, self.label_names)
        shared = tuple(escaped(base[name]) for name in self._labels)
        rows = rows_of(result, failure_reasons=self.failure_reasons)
        return {family: self._writers[family].lines(tuple(its_rows), shared) for family, its_rows in rows.items()}


class SnapshotCollector:
    """Renders one snapshot, as text and as a custom collector of prometheus-client, any number of times.

    Two that render the same snapshot object in the same way are equal. `lines` may have been written already.
    """

    def __init__(self, snapshot: Snapshot, lines: TaskLines) -> None:
        self._snapshot = snapshot
        self._lines = lines
        # Not the snapshot's content, which can be large.
        self._identity = (id(snapshot), lines.label_names, lines.failure_reasons)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SnapshotCollector) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def tasks(self) -> int:
        """How many tasks it renders."""
        return len(self._snapshot.results)

    def text(self) -> bytes:
        """What prometheus-client makes of `collect()`, in either format, without the end that OpenMetrics has."""
        parts = [self._lines.text(self._snapshot.results)]
        for family, row in self._discovery_rows():
            writer = Writer(family)
            parts.append(writer.text((writer.lines((row,)),)))
        return b"".join(parts)

    def collect(self) -> Iterator[Metric]:
        """One metric per family that has samples, in the order of declaration."""
        metrics = {family: Metric(family.name, family.help, family.type) for family in families.TASK_FAMILIES}
        for result in self._snapshot.results:
            base = _base_labels(result, self._lines.label_names)
            for family, rows in rows_of(result, failure_reasons=self._lines.failure_reasons).items():
                samples = metrics[family].samples
                for values, value in rows:
                    labels = base | dict(zip(family.labels, values, strict=True))
                    samples.append(Sample(family.name, labels, value))
        yield from (metric for metric in metrics.values() if metric.samples)
        for family, (values, value) in self._discovery_rows():
            metric = Metric(family.name, family.help, family.type)
            metric.samples.append(Sample(family.name, dict(zip(family.labels, values, strict=True)), value))
            yield metric

    def _discovery_rows(self) -> Iterator[tuple[Family, Row]]:
        discovered = self._snapshot.discovered
        if discovered is None:
            return
        kind, failure = DISCOVERED_KIND, discovered.failure
        yield families.DISCOVERY_UP, ((kind,), float(failure is None))
        if failure is not None:
            yield families.DISCOVERY_FAILURE_INFO, ((kind, failure.reason.value), 1.0)
        yield families.DISCOVERY_DURATION, ((kind,), discovered.seconds)
        yield families.DISCOVERY_TASKS, ((kind,), float(len(discovered.tasks)))


def _base_labels(result: TaskResult, label_names: Iterable[str]) -> dict[str, str]:
    task = result.task
    configured = {name: task.labels.get(name, "") for name in label_names}
    return {"task_id": task.task_id, "task": task.name, **configured}


def rows_of(result: TaskResult, *, failure_reasons: bool = True) -> Mapping[Family, list[Row]]:
    """All samples of one task's result."""
    ref = result.task.ref
    rows: dict[Family, list[Row]] = {
        families.UP: [((), 1.0 if result.up else 0.0)],
        families.QUERY_DURATION: [((), result.seconds)],
        families.INFO: [((ref.kind, ref.precheck_task_id), 1.0)],
    }
    if isinstance(result.outcome, QueryFailure):
        rows[families.QUERY_FAILURE_INFO] = [((result.outcome.reason.value,), 1.0)]
    else:
        rows |= _rows_of_precheck(result.outcome, failure_reasons=failure_reasons)
    return rows


def _rows_of_precheck(precheck: Precheck, *, failure_reasons: bool) -> dict[Family, list[Row]]:
    counts = Counter(item.status for item in precheck.items)
    rows: dict[Family, list[Row]] = {
        families.STATUS: [((status,), float(status is precheck.status)) for status in Status],
        families.ITEMS: [((status,), float(counts[status])) for status in Status],
        families.ITEM_STATUS: [((item.item, item.status), 1.0) for item in precheck.items],
    }
    if failure_reasons:
        rows[families.ITEM_FAILURE_INFO] = [
            ((item.item, item.name, cut_middle(item.message, MAX_REASON)), 1.0)
            for item in precheck.items
            if item.status.needs_attention
        ]
    return rows
