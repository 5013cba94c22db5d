"""The whole text of a scrape, and what parsers read from it."""

import platform
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample

from exporter import __version__
from exporter.config import Task
from exporter.metrics import ProcessMetrics, SnapshotCollector, TaskLines, expose
from exporter.ninedata import CheckItem, Precheck, Status
from exporter.snapshot import Snapshot, TaskResult

GOLDEN = Path(__file__).parent / "golden"
LABEL_NAMES = ("env", "team")
FORMATS = [("", parse_text), ("application/openmetrics-text; version=1.0.0", parse_openmetrics)]

Parse = Callable[[str], Iterable[Metric]]


def text_of(snapshot: Snapshot, process: ProcessMetrics | None = None, accept: str = "", **options: bool) -> str:
    tasks = SnapshotCollector(snapshot, TaskLines(LABEL_NAMES, **options))
    return expose((tasks, process) if process else (tasks,), accept, "").body.decode()


def samples_of(snapshot: Snapshot, **options: bool) -> dict[str, list[Sample]]:
    """The samples of the tasks by name."""
    samples = defaultdict(list)
    for metric in parse_text(text_of(replace(snapshot, discovered=None), **options)):
        for sample in metric.samples:
            samples[sample.name].append(sample)
    return samples


def by_task(samples: Iterable[Sample]) -> dict[str, list[Sample]]:
    tasks = defaultdict(list)
    for sample in samples:
        tasks[sample.labels["task_id"]].append(sample)
    return tasks


@pytest.mark.parametrize(("accept", "golden"), [("", "scrape.txt"), (FORMATS[1][0], "scrape.openmetrics.txt")])
def test_a_whole_scrape(snapshot: Snapshot, process: ProcessMetrics, accept: str, golden: str) -> None:
    """Every line of an answer, but for the client library's own metrics of the process."""
    lines = text_of(snapshot, process, accept).splitlines(keepends=True)
    own = "".join(line for line in lines if not re.match(r"(?:# (?:HELP|TYPE) )?(?:process_|python_)", line))
    own = own.replace(f'version="{__version__}"', 'version="VERSION"')
    own = own.replace(f'python_version="{platform.python_version()}"', 'python_version="PYTHON"')
    assert own == (GOLDEN / golden).read_text("utf-8")


@pytest.mark.parametrize(("accept", "parse"), FORMATS)
def test_what_is_written_is_what_is_read(
    snapshot: Snapshot, process: ProcessMetrics, accept: str, parse: Parse
) -> None:
    """A parser of the format gives back every label value as it was, whatever is in it."""
    families = {family.name: family for family in parse(text_of(snapshot, process, accept))}
    status = families["ninedata_precheck_item_status"].samples
    known = families["ninedata_precheck_item_failure_info"].samples
    for result in snapshot.results:
        items = result.outcome.items if isinstance(result.outcome, Precheck) else ()
        mine = [s for s in status if s.labels["task_id"] == result.task.task_id]
        assert [(s.labels["item"], s.labels["status"]) for s in mine] == [(i.item, i.status) for i in items]
        assert {s.labels["task"] for s in mine} <= {result.task.name}
    reasons = {sample.labels["item"]: sample.labels["reason"] for sample in known}
    assert reasons["quotes\"'"] == "Column \"a\" \\ 'b'\nsecond line\ttab"
    assert reasons["back\\slash"] == "ends in a backslash\\"
    assert reasons["emoji😀"] == "库存表缺少主键 😀 \N{COMBINING ACUTE ACCENT}"


@pytest.mark.parametrize(
    "value", ['"', "\\", "\\n", '\\"', "'", "{}", ",", "=", "#", "# EOF", " ", "😀" * 2500, "x" * 10240]
)
@pytest.mark.parametrize(("accept", "parse"), FORMATS)
def test_any_label_value_survives(snapshot: Snapshot, accept: str, parse: Parse, value: str) -> None:
    """A name, a configured label or an item may hold what the formats give a meaning, and be long."""
    result = snapshot.results[0]
    task = replace(result.task, name=value, labels={"team": value})
    item = CheckItem(value, value, "", Status.FAILED, value[:500])
    text = text_of(Snapshot((replace(result, task=task, outcome=Precheck(Status.FAILED, (item,))),)), None, accept)
    families = {family.name: family for family in parse(text)}
    labels = families["ninedata_precheck_item_failure_info"].samples[0].labels
    assert labels == {
        "task_id": "cd-1",
        "task": value,
        "team": value,
        "env": "",
        "item": value,
        "item_name": value,
        "reason": value[:500],
    }


def test_exactly_one_status_is_1(snapshot: Snapshot) -> None:
    """Of each task that was answered: the precheck's own status; all six are there."""
    samples = by_task(samples_of(snapshot)["ninedata_precheck_status"])
    for result in snapshot.results:
        if isinstance(result.outcome, Precheck):
            values = {sample.labels["status"]: sample.value for sample in samples[result.task.task_id]}
            assert values == {status.value: float(status is result.outcome.status) for status in Status}


def test_the_items_sum_up(snapshot: Snapshot) -> None:
    """Every status is present, and their sum is the number of check items."""
    samples = by_task(samples_of(snapshot)["ninedata_precheck_items"])
    for result in snapshot.results:
        if isinstance(result.outcome, Precheck):
            mine = samples[result.task.task_id]
            assert [sample.labels["status"] for sample in mine] == [status.value for status in Status]
            assert sum(sample.value for sample in mine) == len(result.outcome.items)


def test_nothing_is_said_of_a_task_whose_query_failed(snapshot: Snapshot) -> None:
    """While up is 0 there is its reason, its duration and its info, and no series of a status."""
    names_of = defaultdict(set)
    for name, samples in samples_of(snapshot).items():
        for sample in samples:
            names_of[sample.labels["task_id"]].add(name)
    for result in snapshot.results:
        if not result.up:
            assert names_of[result.task.task_id] == {
                "ninedata_precheck_up",
                "ninedata_precheck_query_failure_info",
                "ninedata_precheck_query_duration_seconds",
                "ninedata_precheck_info",
            }
        else:
            assert "ninedata_precheck_query_failure_info" not in names_of[result.task.task_id]


def test_every_series_has_the_same_labels(snapshot: Snapshot) -> None:
    """Within a family all series have the task's two labels, every configured one, and the family's own."""
    for name, samples in samples_of(snapshot).items():
        assert {frozenset(sample.labels) for sample in samples} == {frozenset(samples[0].labels)}, name
        assert {"task_id", "task", *LABEL_NAMES} <= set(samples[0].labels)
        series = [tuple(sorted(sample.labels.items())) for sample in samples]
        assert len(series) == len(set(series)), name


def test_no_sample_has_a_timestamp(snapshot: Snapshot) -> None:
    """The values are those of the scrape itself."""
    assert {s.timestamp for samples in samples_of(snapshot).values() for s in samples} == {None}


@pytest.mark.parametrize("length", [499, 500, 501, 600, 4000])
def test_a_long_reason_keeps_its_end(snapshot: Snapshot, length: int) -> None:
    """At most 500 characters; what to do is said at the end, so the middle is what goes."""
    why, remedy = "The tables differ. ", "Add the columns and run the precheck again."
    reason = (why * 300)[: length - len(remedy)] + remedy
    item = CheckItem("a", "A", "", Status.FAILED, reason)
    result = replace(snapshot.results[0], outcome=Precheck(Status.FAILED, (item,)))
    (sample,) = samples_of(Snapshot((result,)))["ninedata_precheck_item_failure_info"]
    shown = sample.labels["reason"]
    assert len(shown) <= 500
    assert shown.startswith(why)
    assert shown.endswith(remedy)
    assert (shown == reason) is (length <= 500)


def test_reasons_can_be_left_out(snapshot: Snapshot) -> None:
    """With `failure_reasons: false` no text of a failure is exported, and nothing else changes."""
    everything, without = samples_of(snapshot), samples_of(snapshot, failure_reasons=False)
    assert everything.pop("ninedata_precheck_item_failure_info")
    assert without == everything


def test_a_family_without_series_is_not_announced(snapshot: Snapshot) -> None:
    """No HELP and TYPE of families that have nothing to say."""
    good = Snapshot(snapshot.results[:1])
    assert "query_failure_info" not in text_of(good)
    assert "item_failure_info" not in text_of(good)
    assert text_of(Snapshot(())) == ""


def test_a_thousand_tasks_keep_their_order(snapshot: Snapshot) -> None:
    """Series come in the order in which tasks are watched."""
    first = snapshot.results[0]

    def numbered(number: int) -> TaskResult:
        ref = replace(first.task.ref, task_id=f"cd-{number}")
        return replace(first, task=Task(ref, f"task {number}"))

    many = Snapshot(tuple(numbered(number) for number in range(1000, 0, -1)))
    ids = [sample.labels["task_id"] for sample in samples_of(many)["ninedata_precheck_up"]]
    assert ids == [f"cd-{number}" for number in range(1000, 0, -1)]
