"""docs/metrics.md, made from the declarations: `python -m tools.metrics_page > docs/metrics.md`."""

import sys
from collections.abc import Iterable, Iterator

from exporter.metrics.families import (
    DISCOVERY_FAMILIES,
    OWN_FAMILIES,
    PRECHECK_FAMILIES,
    STATE_FAMILIES,
    TASK_FAMILIES,
    Family,
)
from exporter.ninedata import DEFAULT_KIND, KINDS, LISTS, REQUEST_PATHS, Reason, Status, TaskStatus, advice_on
from exporter.ninedata.task_state import COMPARISON_STATUSES
from exporter.ninedata.text import MAX_NAME

_STATUS_MEANINGS = {
    Status.UNSTARTED: "The check has not started.",
    Status.RUNNING: "The check is running.",
    Status.SUCCESS: "The check passed.",
    Status.WARNING: "The check passed with a warning.",
    Status.FAILED: "The check failed; its reason says what to fix.",
    Status.UNKNOWN: "The API returned no status, or a word that the exporter does not know.",
}
_TASK_LABELS = ("task_id", "task")
_FAMILIES = (*TASK_FAMILIES, *DISCOVERY_FAMILIES, *OWN_FAMILIES)
_LIMITS = {
    "reason": "1000 bytes, or `failure_reasons.max_bytes`; of a longer text the middle is left out",
    "item_name": f"{MAX_NAME} bytes; of a longer name the end is left out",
    "item": f"{MAX_NAME} bytes; of a longer one the end is left out, and a repeated one gets a number",
    "task": f"{MAX_NAME} bytes; `--config.check` refuses a longer name, and a longer discovered name is cut",
    "task_id": "128 bytes, also `precheck_task_id`",
    "file": "as long as the path",
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
        f"Every series carries {_code(_TASK_LABELS)} and the labels that the configuration gives the task (a label "
        "that only other tasks have is empty). Every value is from the scrape itself; no sample has a timestamp."
    )
    yield from _sections(PRECHECK_FAMILIES)
    yield ""
    yield "## Of the task itself"
    yield ""
    yield (
        "Only of tasks without `precheck_task_id`, of tasks on a list of discovery, and with `task_status: true` of "
        "all. The lists have no results and no subtasks: for discovered tasks only `task_status: true` gives them, and "
        "`/probe` and `collect[]=tasks`, which read no list."
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
    yield from _limits()
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


def _limits() -> Iterator[str]:
    own = max(len(family.labels) for family in TASK_FAMILIES) + len(_TASK_LABELS)
    labels = own + len(("__name__", "job", "instance"))
    longest = max((name for family in _FAMILIES for name in family.labels), key=len)
    samples = (
        f"300, 3 for each task file, {3 + 2 * len(Status)} for each precheck, one for each check item and one more if "
        f"it failed or warns, {4 + len(TaskStatus)} for each task that is watched itself and 3 for each of its subtasks"
    )
    yield "## Limits"
    yield ""
    yield (
        "Prometheus counts a label's value in bytes of UTF-8: a Chinese character has three. Values are cut between "
        "characters. If one label of a target is over a limit of Prometheus, Prometheus refuses the whole scrape."
    )
    yield ""
    yield from _table("label", _LIMITS.items(), "at most")
    yield "| configured labels | 1000 bytes; `--config.check` refuses a longer value |"
    yield ""
    yield "Limits in a scrape configuration of Prometheus that all this fits:"
    yield ""
    settings = (
        ("label_limit", f"{labels}, and one for each name of a configured label"),
        ("label_name_length_limit", f"{len(longest)} (`{longest}`), or the longest name of a configured label"),
        ("label_value_length_limit", "1023; 205 with a lower `failure_reasons.max_bytes` (`item`)"),
        ("sample_limit", samples),
    )
    yield from _table("setting", settings, "at least")


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
