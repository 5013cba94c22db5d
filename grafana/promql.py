"""What all queries are made of: the dashboard's variables, windows of time, and pieces of PromQL.

Two exporters may watch the same tasks, so series are first reduced to one per task (or task and item), and counted only
then. Backquotes make a PromQL string in which quotes and backslashes of a task's name mean themselves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TASK = "task_id, task"
SERIES = "job, instance, task_id"


@dataclass(frozen=True, slots=True)
class Scope:
    """The tasks that a dashboard is about."""

    task: str
    """The matcher of the label `task`."""

    def tasks(self, metric: str, matcher: str = "") -> str:
        """A selector of a metric of tasks."""
        return exporters(metric, matcher, self.task)

    def watched(self) -> str:
        """A selector of all watched tasks, whether by their precheck, by their own status, or by both."""
        return self.tasks("", '__name__=~"ninedata_precheck_up|ninedata_task_info"')

    def failed_queries(self, of: str) -> str:
        """The reasons of failed queries, of `precheck` or of `task`, of tasks that no exporter can query."""
        up = self.tasks(f"ninedata_{of}_up")
        return f"{self.tasks(f'ninedata_{of}_query_failure_info')} unless on ({TASK}) {up} == 1"


ALL = Scope("task=~`${task:regex}`")
ONE = Scope("task=`${task:raw}`")


def exporters(metric: str, *matchers: str) -> str:
    """A selector of a metric of exporters, or one that Prometheus makes of scraping them."""
    chosen = ('job=~"$job"', 'instance=~"$instance"')
    return f"{metric}{{{', '.join((*filter(None, matchers), *chosen))}}}"


@dataclass(frozen=True, slots=True)
class Window:
    """How a query looks at series: at one moment, or at all of each interval of a long range.

    Each is a format for a selector. Intervals fall back to the moment, for scrape intervals longer than $__interval.
    """

    least: str
    greatest: str
    positive: str
    """Without what is 0, before `or`: that is most series of statuses, and took most of the time of a long range."""


NOW = Window("{0}", "{0}", "({0} > 0)")
INTERVAL = Window(
    "(min_over_time({0}[$__interval]) or {0})",
    "(max_over_time({0}[$__interval]) or {0})",
    "(max_over_time({0}[$__interval]) > 0 or {0} > 0)",
)


def last(expr: str) -> str:
    """When an expression last had a value in the time range."""
    return f"max_over_time(timestamp({expr})[$__range:$__interval])"


def label(expr: str, name: str, text: str, source: str = "", pattern: str = "") -> str:
    """An expression with a label that is a text, or made of another label."""
    return f'label_replace({expr}, "{name}", "{text}", "{source}", "{pattern}")'


def first(exprs: Iterable[str]) -> str:
    """Of each task the first that there is."""
    return f"\n    or on ({TASK}) ".join(exprs)


def in_order(codes: str, *groups: str) -> str:
    """Codes of tasks with a label `order`, which is the number of the first group that has the task, from 1 on."""
    found = [label(f"group by ({TASK}) ({group})", "order", f"{number}") for number, group in enumerate(groups, 1)]
    return f"{codes}\n* on ({TASK}) group_left (order) (\n    {first(found)}\n)"


def union(exprs: Iterable[str], indent: str = "\n  ") -> str:
    """All that there is."""
    return f"{indent}or ".join(exprs)


def worst_of_parts(part: str, selectors: Mapping[int, str], nothing: str, name: str) -> str:
    """The code of the worst status of each part of a task in each interval; `nothing` under a name where none is known.

    The selectors are those of the statuses, by their codes.
    """
    found = union(f"{code} * {INTERVAL.greatest.format(selector)}" for code, selector in selectors.items())
    return f"max by (task_id, {part}) (\n  {found}\n)\nor on () {label(f'({nothing})', part, name)}"
