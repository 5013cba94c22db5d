"""The text of the tasks' series against prometheus-client's own, byte for byte."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from prometheus_client import exposition as text
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from exporter.config import Task
from exporter.metrics import SnapshotCollector, TaskLines
from exporter.metrics.families import DISCOVERY_FAMILIES, TASK_FAMILIES, Family
from exporter.ninedata import CheckItem, Precheck, Status
from exporter.snapshot import Discovered, Snapshot

FORMATS: list[Callable[[Collector], bytes]] = [text.generate_latest, openmetrics.generate_latest]
LABEL_NAMES = ("env", "team", "a", "z", "J", "_", "item_", "reasons")


@pytest.mark.parametrize("render", FORMATS)
@pytest.mark.parametrize("label_names", [(), ("env", "team"), LABEL_NAMES])
@pytest.mark.parametrize("reasons", [True, False])
def test_it_is_what_prometheus_client_writes(
    snapshot: Snapshot, render: Callable[[Collector], bytes], label_names: tuple[str, ...], *, reasons: bool
) -> None:
    """With any labels, wherever these stand in the alphabet among the families' own."""
    collector = SnapshotCollector(snapshot, TaskLines(label_names, failure_reasons=reasons))
    assert collector.text() == render(collector).removesuffix(b"# EOF\n")


def test_lines_that_are_written_ahead(snapshot: Snapshot) -> None:
    """Make no difference, in whatever order the results came; what became of a task later counts instead."""
    lines = TaskLines(LABEL_NAMES)
    for result in reversed(snapshot.results):
        lines.write(result)
    assert SnapshotCollector(snapshot, lines).text() == SnapshotCollector(snapshot, TaskLines(LABEL_NAMES)).text()
    other = Snapshot(tuple(replace(result, seconds=987.5) for result in snapshot.results))
    assert SnapshotCollector(other, lines).text() == SnapshotCollector(other, TaskLines(LABEL_NAMES)).text()


@pytest.mark.parametrize("render", FORMATS)
@pytest.mark.parametrize(
    "value", ["", "%", "%%", "%s", "%(a)s", "{}", "\\", '"', "\n", '\\n"', "\r", "é", "😀", "\x00"]
)
def test_no_text_is_a_template(snapshot: Snapshot, render: Callable[[Collector], bytes], value: str) -> None:
    """What has a meaning in a format, or in how lines are made, stays what it is."""
    result = snapshot.results[0]
    task = Task(result.task.ref, value, {"team": value})
    precheck = Precheck(Status.FAILED, (CheckItem(value, value, value, Status.FAILED, value),))
    collector = SnapshotCollector(Snapshot((replace(result, task=task, outcome=precheck),)), TaskLines(LABEL_NAMES))
    assert collector.text() == render(collector).removesuffix(b"# EOF\n")


@pytest.mark.parametrize("render", FORMATS)
@pytest.mark.parametrize(
    "seconds", [0.0, 1e-7, 1e-5, 0.1, 1 / 3, 1.0, 123456.789, 999999.0, 1e6, 1234567.0, 1e16, 1e300, float("inf")]
)
def test_numbers(snapshot: Snapshot, render: Callable[[Collector], bytes], seconds: float) -> None:
    """As Go writes them, which is not how Python does."""
    results = (replace(snapshot.results[0], seconds=seconds),)
    collector = SnapshotCollector(Snapshot(results, Discovered((), None, seconds)), TaskLines(()))
    assert collector.text() == render(collector).removesuffix(b"# EOF\n")


@pytest.mark.parametrize("family", [*TASK_FAMILIES, *DISCOVERY_FAMILIES], ids=lambda family: family.name)
def test_what_the_text_takes_for_granted(family: Family) -> None:
    """Labels are declared in the order in which they are written, and both formats write the help as it is."""
    assert list(family.labels) == sorted(family.labels)
    assert family.type == "gauge"
    assert not {"\\", "\n", '"'} & set(family.help)
