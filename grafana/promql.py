"""The queries. Every one is filtered by the dashboard's variables.

Two exporters may watch the same tasks, so series are first reduced to one per task (or task and item) with `max`, and
counted only then.
"""

from dataclasses import dataclass

from grafana.states import FAILED, NOT_QUERIED, RESULTS, STATUSES, WARNING, State

_UP = "ninedata_precheck_up"
_INFO = "ninedata_precheck_info"
_STATUS = "ninedata_precheck_status"
_ITEMS = "ninedata_precheck_items"
_ITEM_STATUS = "ninedata_precheck_item_status"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which tasks the queries of a dashboard are about."""

    task: str
    """The matcher of the label `task`."""
    task_or_none: tuple[str, ...]
    """Matchers that together select the tasks and what is of no task."""

    def task_series(self, metric: str, *matchers: str) -> str:
        """A selector of a metric of tasks."""
        return _selector(metric, *matchers, _JOB, _INSTANCE, self.task)

    def exporter_series(self, metric: str, *matchers: str) -> str:
        """A selector of a metric of exporters, or one that Prometheus makes of scraping them."""
        return _selector(metric, *matchers, _JOB, _INSTANCE)

    def firing_alerts(self) -> str:
        """The alerts of this project that fire: those of the tasks, and those of no task."""
        alerts = ('alertname=~"NineData.+"', 'alertstate="firing"', 'job=~"|$job"', 'instance=~"|$instance"')
        return " or ".join(_selector("ALERTS", *alerts, task) for task in self.task_or_none)


_JOB = 'job=~"$job"'
_INSTANCE = 'instance=~"$instance"'

# A variable of one value is compared, not matched: Grafana escapes only several values for use in a regular expression.
ALL = Scope('task=~"$task"', ('task=~"|$task"',))
ONE = Scope('task="$task"', ('task="$task"', 'task=""'))


def _selector(metric: str, *matchers: str) -> str:
    return f"{metric}{{{', '.join(matchers)}}}"


def _in_status(scope: Scope, metric: str, state: State) -> str:
    return scope.task_series(metric, f'status="{state.word}"')


def tasks_in(scope: Scope, state: State) -> str:
    """How many tasks have a status; nothing where no task was answered, as 0 would be a claim."""
    return f"sum(max by (task_id, task) ({_in_status(scope, _STATUS, state)}))"


def tasks_with_warnings(scope: Scope) -> str:
    """How many tasks have the status Warning or a check item in it."""
    status = _in_status(scope, _STATUS, WARNING)
    items = _in_status(scope, _ITEMS, WARNING)
    return f"sum(clamp_max(max by (task_id, task) ({status}) + max by (task_id, task) ({items}), 1))"


def tasks_not_queried(scope: Scope) -> str:
    """How many tasks no exporter can query."""
    return f"sum(max by (task_id, task) ({scope.task_series(_UP)}) == bool 0)"


def tasks_watched(scope: Scope) -> str:
    """How many tasks are watched."""
    return f"count(max by (task_id, task) ({scope.task_series(_UP)}))"


def task_state(scope: Scope) -> str:
    """One series per task with the code of its state."""
    return (
        f"max by (task_id, task) (\n{_codes(scope, _STATUS)}\n)\n"
        f"or\n(max by (task_id, task) ({scope.task_series(_UP)}) == 0) + {NOT_QUERIED.code}"
    )


def item_state(scope: Scope) -> str:
    """One series per check item with the code of its status."""
    return f"max by (task_id, item) (\n{_codes(scope, _ITEM_STATUS)}\n)"


def _codes(scope: Scope, metric: str) -> str:
    """A status' code for a series of value 1, and 0 for one of value 0, which `max` then drops."""
    return "\nor\n".join(f"  {state.code} * {_in_status(scope, metric, state)}" for state in STATUSES)


def tasks_by_kind(scope: Scope) -> str:
    """How many tasks of each kind are watched."""
    return f"count by (kind) (max by (task_id, kind) ({scope.task_series(_INFO)}))"


def failing_items(scope: Scope) -> str:
    """One row per failing check item, with its status as a code; without reasons where the exporter gives none.

    Set operators and not a join of the two: those cannot fail, whatever series a change of status leaves side by side.
    """
    key = "on (job, instance, task_id, item)"
    info = scope.task_series("ninedata_precheck_item_failure_info")
    with_reason, without = [], []
    for state in (FAILED, WARNING):
        status = _in_status(scope, _ITEM_STATUS, state)
        with_reason.append(f"{state.code} * ({info} and {key} {status})")
        without.append(f"{state.code} * {status}")
    rows = "\n      or ".join(with_reason)
    bare = "\n        or ".join(without)
    return (
        "topk by (task_id, item) (1, max by (instance, task_id, task, kind, item, item_name, reason) (\n"
        f"    (\n      {rows}\n      or {key} (\n        {bare}\n      )\n    )\n"
        f"    * on (job, instance, task_id) group_left (kind)\n    {_kind_of_each(scope)}\n))"
    )


def _kind_of_each(scope: Scope) -> str:
    """1 for each exporter's task with its kind; never two series for one, which a join could not bear."""
    by = "job, instance, task_id"
    return f"topk by ({by}) (1, max by ({by}, kind) ({scope.task_series(_INFO)}))"


def items_by_status(scope: Scope, *labels: str) -> str:
    """The number of check items in each status, by further labels."""
    by = ", ".join((*labels, "status"))
    return f"max by ({by}) ({scope.task_series(_ITEMS)})"


def results_by_item(scope: Scope) -> str:
    """In how many tasks each check item has each result."""
    results = "|".join(state.word for state in RESULTS)
    items = scope.task_series(_ITEM_STATUS, f'status=~"{results}"')
    return f"count by (item, status) (max by (task_id, item, status) ({items}))"


def failed_queries(scope: Scope) -> str:
    """How many tasks cannot be queried, by reason."""
    failures = scope.task_series("ninedata_precheck_query_failure_info")
    return f"count by (reason) (max by (task_id, reason) ({failures}))"


def status_since(scope: Scope) -> str:
    """Since when the task has its present status, in milliseconds of Unix time.

    From the recording rule; without it, when the time range last shows the task in another status, to a minute.
    """
    status = scope.task_series(_STATUS)
    rule = scope.task_series("ninedata:precheck_status:since_timestamp_seconds")
    present = f"and on (job, instance, task_id, status) ({status} == 1)"
    return (
        f"1000 * (\n  max by (task_id, task) ({rule}\n    {present})\n"
        f"  or\n  max by (task_id, task) (max_over_time(timestamp({status} == 0)[$__range:1m])\n    {present})\n)"
    )


def request_seconds(scope: Scope, quantile: float) -> str:
    """A quantile of how long requests to the API take."""
    buckets = scope.exporter_series("ninedata_api_request_duration_seconds_bucket")
    return f"histogram_quantile({quantile}, sum by (le) (rate({buckets}[$__rate_interval])))"


def rate(scope: Scope, counter: str, *labels: str) -> str:
    """A counter of the exporter, per second."""
    return f"sum by ({', '.join(labels)}) (rate({scope.exporter_series(counter)}[$__rate_interval]))"


def by_file(scope: Scope, metric: str) -> str:
    """One value per exporter and task file."""
    return by_exporter(scope, f"ninedata_exporter_task_file_{metric}", "file")


def of_discovery(scope: Scope, metric: str, *labels: str) -> str:
    """One value per exporter and kind of task that it discovers (and further labels)."""
    return by_exporter(scope, f"ninedata_discovery_{metric}", "kind", *labels)


def by_exporter(scope: Scope, metric: str, *labels: str) -> str:
    """One value per exporter (and further labels)."""
    return f"max by ({', '.join(('job', 'instance', *labels))}) ({scope.exporter_series(metric)})"
