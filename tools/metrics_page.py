"""docs/metrics.md, made from the declarations: `python -m tools.metrics_page > docs/metrics.md`."""

import sys
from collections.abc import Iterable, Iterator

from exporter.metrics.families import (
    DISCOVERY_FAMILIES,
    OWN_FAMILIES,
    PRECHECK_FAMILIES,
    STATE_FAMILIES,
    TASK_LABELS,
    Family,
)
from exporter.ninedata import DEFAULT_KIND, KINDS, LISTS, REQUEST_PATHS, Reason, Status, TaskStatus, advice_on
from exporter.ninedata.task_state import COMPARISON_STATUSES

_STATUS_MEANINGS = {
    Status.UNSTARTED: "The check has not started.",
    Status.RUNNING: "The check is running.",
    Status.SUCCESS: "The check passed.",
    Status.WARNING: "The check passed with a warning.",
    Status.FAILED: "The check failed; its reason says what to fix.",
    Status.UNKNOWN: "The API returned no status, or a word that the exporter does not know.",
}


def markdown() -> str:
    """The whole document."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Metrics"
    yield ""
    yield "<!-- Made by `make docs` from exporter/metrics/families.py; change it there. -->"
    yield ""
    yield "## Of each watched task"
    yield ""
    yield (
        f"Every series carries {_code(TASK_LABELS)} and the labels that the configuration gives the task (a label that "
        "only other tasks have is empty). Every value is from the scrape itself; no sample has a timestamp."
    )
    yield from _sections(PRECHECK_FAMILIES)
    yield ""
    yield "## Of the task itself"
    yield ""
    yield (
        "Only of tasks without `precheck_task_id`, of discovered tasks, and with `task_status: true` of all. The lists "
        "of discovery have no results and no subtasks: discovered tasks need `task_status: true` for them."
    )
    yield from _sections(STATE_FAMILIES)
    yield ""
    yield "## Of discovery"
    yield ""
    yield f"`kind` is one of {_code(LISTS)}."
    yield from _sections(DISCOVERY_FAMILIES)
    yield ""
    of_requests = [kind for kind in REQUEST_PATHS if kind not in KINDS]
    yield "## Of the exporter"
    yield ""
    yield (
        "In addition to prometheus-client's `process_*` and `python_gc_*`. "
        f"`kind` is one of {_code(KINDS)}; of requests also {_code(of_requests)}: for the task itself, and for the "
        "lists of discovery. Counters start with the process."
    )
    yield from _sections(OWN_FAMILIES)
    yield ""
    yield "## Values of `status`"
    yield ""
    yield from _table("status", ((status.value, meaning) for status, meaning in _STATUS_MEANINGS.items()))
    yield ""
    yield "A task itself and its subtasks have NineData's own words for it:"
    yield ""
    both = [status for status in TaskStatus if status in COMPARISON_STATUSES]
    yield f"- comparisons: {_code(both)};"
    yield f"- replication: these and {_code(status for status in TaskStatus if status not in both)}."
    yield ""
    yield "`Unknown` stands for every other word."
    yield ""
    yield "## Values of `reason` of a failed query"
    yield ""
    yield "The set is closed: a failure that fits nowhere else is `internal`."
    yield ""
    yield from _table("reason", ((reason.value, advice_on(reason, DEFAULT_KIND)) for reason in Reason), "what to do")


def _sections(families: Iterable[Family]) -> Iterator[str]:
    for family in families:
        yield ""
        yield f"### `{family.name}`"
        yield ""
        yield f"{family.help} {family.note}".rstrip()
        yield ""
        labels = f", labels {_code(family.labels)}" if family.labels else ""
        buckets = f", buckets up to {', '.join(f'{b:g}' for b in family.buckets)} s" if family.buckets else ""
        yield f"Type: {family.type}{labels}{buckets}."


def _table(head: str, rows: Iterable[tuple[str, str]], second: str = "meaning") -> Iterator[str]:
    yield f"| {head} | {second} |"
    yield "|---|---|"
    for key, meaning in rows:
        yield f"| `{key}` | {meaning} |"


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.stdout.write(markdown())
