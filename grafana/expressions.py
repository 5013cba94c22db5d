"""What can be said against a PromQL expression without running it: metrics, labels and filters that are wrong."""

import re
from collections.abc import Iterator, Mapping

from exporter.metrics.families import DISCOVERY_FAMILIES, PROCESS_FAMILIES, TASK_FAMILIES, TASK_LABELS

_TARGET = frozenset({"job", "instance"})
_TASK = _TARGET | set(TASK_LABELS)


def _labels() -> Iterator[tuple[str, frozenset[str]]]:
    for family in TASK_FAMILIES:
        yield family.name, _TASK | set(family.labels)
    for family in (*DISCOVERY_FAMILIES, *PROCESS_FAMILIES):
        if family.type == "histogram":
            yield f"{family.name}_bucket", _TARGET | {*family.labels, "le"}
            yield f"{family.name}_sum", _TARGET | set(family.labels)
            yield f"{family.name}_count", _TARGET | set(family.labels)
        else:
            yield family.name, _TARGET | set(family.labels)
    yield "up", _TARGET
    yield "scrape_duration_seconds", _TARGET
    yield "ALERTS", _TASK | {"alertname", "alertstate", "severity"}
    yield "ninedata:precheck_status:since_timestamp_seconds", _TASK | {"status"}


LABELS: Mapping[str, frozenset[str]] = dict(_labels())
"""Every metric that a dashboard may ask for, with the labels that can be relied upon."""

_SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\s*\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_METRIC = re.compile(r"(?<![\w:$\"])(?:ninedata[\w:]+|up|scrape_\w+|ALERTS)(?![\w:(])(?!\s*\{)")
_LISTED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


def problems_of(expr: str, task_is_one: bool) -> list[str]:  # noqa: FBT001 - it is a property of the dashboard
    """What is wrong with an expression. `task_is_one`: the variable `task` has one value, so that it is compared."""
    found = [f"{metric} is not filtered at all" for metric in _METRIC.findall(expr)]
    known: set[str] = set()
    for metric, text in _SELECTOR.findall(expr):
        if metric not in LABELS:
            found.append(f"no metric is named {metric}")
            continue
        known |= LABELS[metric]
        matchers = _MATCHER.findall(text)
        found += [f"{metric} has no label {label}" for label, _, _ in matchers if label not in LABELS[metric]]
        found += _missing_filters(metric, {label: op + value for label, op, value in matchers}, task_is_one)
    listed = {label.strip() for labels in _LISTED.findall(expr) for label in labels.split(",")} - {""}
    found += [f"no metric of the expression has the label {label}" for label in sorted(listed - known)]
    return found


def _missing_filters(metric: str, matchers: Mapping[str, str], task_is_one: bool) -> Iterator[str]:  # noqa: FBT001
    for label in sorted(LABELS[metric] & {"job", "instance", "task"}):
        allowed = {f"=~${label}"}
        if label == "task" and task_is_one:
            allowed = {"=$task"}
        if metric == "ALERTS":
            # An alert that is not about one task or one exporter lacks the label, and is shown everywhere.
            allowed = {"=$task", "="} if label == "task" and task_is_one else {f"=~|${label}"}
        if matchers.get(label) not in allowed:
            yield f"{metric} is not filtered by the variable {label}"
