"""The queries. Every one is filtered by the dashboard's variables.

Two exporters may watch the same tasks, so series are first reduced to one per task (or task and item), and counted only
then. Backquotes make a PromQL string in which quotes and backslashes of a task's name mean themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from grafana import states as s
from grafana.states import STATUSES, State

_UP = "ninedata_precheck_up"
_STATUS = "ninedata_precheck_status"
_ITEMS = "ninedata_precheck_items"
_ITEM_STATUS = "ninedata_precheck_item_status"
_ITEM_FAILURE = "ninedata_precheck_item_failure_info"
_QUERY_FAILURE = "ninedata_precheck_query_failure_info"

_TASK = "task_id, task"
_SERIES = "job, instance, task_id"

# The limits of the alerts.
_LATE = ((s.RUNNING, "1h"), (s.UNSTARTED, "30m"))


@dataclass(frozen=True, slots=True)
class Scope:
    """The tasks that a dashboard is about."""

    task: str
    """The matcher of the label `task`."""
    task_or_none: str = "task=~`|${task:regex}`"
    """Matches what belongs to no task as well."""

    def tasks(self, metric: str, matcher: str = "") -> str:
        """A selector of a metric of tasks."""
        return exporters(metric, matcher, self.task)

    def status(self, state: State, metric: str = _STATUS) -> str:
        """A selector of a metric of tasks, of one status."""
        return self.tasks(metric, f'status="{state.word}"')


ALL = Scope("task=~`${task:regex}`")
ONE = Scope("task=`${task:raw}`")


def exporters(metric: str, *matchers: str) -> str:
    """A selector of a metric of exporters, or one that Prometheus makes of scraping them."""
    chosen = ('job=~"$job"', 'instance=~"$instance"')
    return f"{metric}{{{', '.join((*filter(None, matchers), *chosen))}}}"


def states(scope: Scope) -> str:
    """The code of each task's present state."""
    return _codes(scope, scope.tasks(_UP), "({0} > 0)")


def worst_states(scope: Scope) -> str:
    """Each task's worst state in each interval. The label `order` puts the tasks first that are worst at the end.

    Where no task is known, one series says why.
    """
    up = scope.tasks(_UP)
    least = f"(min_over_time({up}[$__interval]) or {up})"
    codes = _codes(scope, least, "(max_over_time({0}[$__interval]) > 0 or {0} > 0)")
    bad = [f"{scope.status(s.WARNING, _ITEMS)} @ end() > 0"]
    bad += [f"{scope.status(state)} @ end() == 1" for state in (s.UNKNOWN, s.WARNING)]
    order = (
        _label(f"group by ({_TASK}) ({scope.status(s.FAILED)} @ end() == 1)", "order", "1"),
        _label(f"group by ({_TASK}) ({_any(bad)} or max by ({_TASK}) ({up} @ end()) == 0)", "order", "2"),
        _label(f"group by ({_TASK}) (max_over_time({up}[$__range] @ end()))", "order", "3"),
    )
    return (
        f"{codes}\n* on ({_TASK}) group_left (order) (\n    {_first(order)}\n)\n"
        f"or on () {_label(_why_none(), 'task', 'no task')}"
    )


def _codes(scope: Scope, up: str, positive: str) -> str:
    """The greatest code of each task. A warned item of a success makes it a warning.

    Statuses that a task does not have are left out before `or`, by `positive`: they are most series, and took most of
    the time of a query of a long range.
    """
    warned = positive.format(scope.status(s.WARNING, _ITEMS))
    warned = f"{s.WARNING.code} * ({warned} > bool 0 and on ({_SERIES}) {scope.status(s.SUCCESS)} == 1)"
    statuses = (f"{state.code} * {positive.format(scope.status(state))}" for state in STATUSES)
    failing = f"{s.NOT_QUERIED.code} + (max by ({_TASK}) ({up}) == 0)"
    found = _any((warned, *statuses, failing), "\n    ")
    return f"max by ({_TASK}) (\n    {found}\n)"


def _greatest(selector: str) -> str:
    # The second operand is for scrape intervals longer than $__interval.
    return f"(max_over_time({selector}[$__interval]) or {selector})"


def count_in(scope: Scope, state: State) -> str:
    """How many tasks are in a state; NOT_KNOWN where no exporter answers."""
    zero = f"0 * (count({scope.tasks(_UP)}) or count({exporters('ninedata_exporter_build_info')}))"
    return f"count({states(scope)} == {state.code})\nor {zero}\nor vector({s.NOT_KNOWN})"


def state_of_one(scope: Scope) -> str:
    """The state of the one task, or why it is not known."""
    return f"max({states(scope)})\nor on () {_why_none()}"


def _why_none() -> str:
    """The code of why no task is known: it is not watched, an exporter is down, or there is none."""
    down = f"{s.EXPORTER_DOWN.code} * (count({exporters_up()} == 0) > bool 0)"
    return f"({down} or 0 * count({exporters('ninedata_exporter_build_info')}) or vector({s.NO_EXPORTER.code}))"


def attention(scope: Scope) -> str:
    """The code of each task that is in a bad state or waits or runs for too long, and of exporters that are down."""
    late = _any(f"{state.code} * ({_late(scope, state, limit)})" for state, limit in _LATE)
    return f"{states(scope)} >= {s.WARNING.code}\nor max by ({_TASK}) (\n  {late}\n)\nor {_down()}\nor {_none(scope)}"


def _late(scope: Scope, state: State, limit: str) -> str:
    status = scope.status(state)
    return f"{status} == 1 and min_over_time({status}[{limit}]) == 1 and {status} offset {limit} == 1"


def _down() -> str:
    """One row per exporter that is down."""
    down = _label(f"{exporters_up()} == 0", "task", "$1", "instance", "(.*)")
    return f"{s.EXPORTER_DOWN.code} + max by (task) ({down})"


def _none(scope: Scope) -> str:
    """One row where there is no exporter."""
    return _label(f"vector({s.NO_EXPORTER.code}) unless on () ({exporters_up()} or {scope.tasks(_UP)})", "task", "All")


def reasons(scope: Scope) -> str:
    """One reason per task that is not well, as the label `why`: of its first failed item, or of its failed query.

    Its beginning only, as a long one would leave no room for other tasks.
    """
    joined = f'label_join({failing_items(scope)}, "why", ": ", "item_name", "reason")'
    found = [_label(joined, "why", "$2", "why", "([(]query[)]: )?(.*?)(: )?")]
    unknown = "NineData gives no status, or one that the exporter does not know."
    found.append(_label(f"{scope.status(s.UNKNOWN)} == 1", "why", unknown))
    found += [
        _label(_late(scope, state, limit), "why", f"{state.word} for more than {limit}.") for state, limit in _LATE
    ]
    down = "Prometheus cannot scrape this exporter: the states of its tasks are not known."
    none = "Prometheus scrapes no exporter that the variables above select."
    some = _label(_any(found), "why", "$1 ...", "why", "(.{75}).{10,}")
    return (
        f"topk by ({_TASK}) (1, max by ({_TASK}, why) ({some})\nand on ({_TASK}) ({attention(scope)}))\n"
        f"or {_label(_down(), 'why', down)}\nor {_label(_none(scope), 'why', none)}"
    )


def failing_items(scope: Scope) -> str:
    """One row per check item that failed or warns, with its status as a code.

    And one per task whose query fails. Set operators and not a join: those cannot fail, whatever series a change of
    status leaves side by side.
    """
    key = f"on ({_SERIES}, item)"
    info = scope.tasks(_ITEM_FAILURE)
    found = []
    for state in (s.FAILED, s.WARNING):
        status = scope.status(state, _ITEM_STATUS)
        found.append(f"{state.code} * ({info} and {key} {status})")
        found.append(f"{state.code} * ({_label(status, 'item_name', '$1', 'item', '(.*)')} unless {key} {info})")
    query = f"{scope.tasks(_QUERY_FAILURE)} unless on ({_TASK}) {scope.tasks(_UP)} == 1"
    query = _label(_label(query, "reason", "Reason: $1", "reason", "(.*)"), "item_name", "(query)")
    found.append(f"{s.NOT_QUERIED.code} * {query}")
    return f"topk by ({_TASK}, item) (1, max by ({_TASK}, item, item_name, reason) (\n  {_any(found)}\n))"


def pages(scope: Scope, by: str = _TASK) -> str:
    """One address per task (or whatever `by` names), as the label `page`: where an exporter shows the task."""
    up = scope.tasks(_UP)
    info = f"topk by (job, instance) (1, {exporters('ninedata_exporter_info')})"
    exported = f"{up} * on (job, instance) group_left (external_url) {info}"
    made = _label(up, "external_url", "http://$1", "instance", "(.*)")
    joined = f'label_join({exported} or on ({_SERIES}) {made}, "at", " ", "external_url", "task_id")'
    return f"topk by ({by}) (1, max by ({by}, page) ({_label(joined, 'page', '$1/tasks/$2', 'at', '(.*?)/* (.*)')}))"


def places(scope: Scope, of_task: str, of_exporter: str) -> str:
    """Where the links of the tasks that need attention lead, and of exporters that are down.

    The labels are `page`, `board` (the uid of a dashboard) and `sets` (the variable that gets the value of `task`).
    """
    tasks = f"{pages(scope)} and on ({_TASK}) ({attention(scope)})"
    down = f"{exporter_pages()} and on (job, instance) {exporters_up()} == 0"
    down = f"max by (task, page) ({_label(down, 'task', '$1', 'instance', '(.*)')}) or {_none(scope)}"
    found = ((tasks, of_task, "task"), (down, of_exporter, "instance"))
    return _any(_label(_label(expr, "board", board), "sets", sets) for expr, board, sets in found)


def items_of_attention(scope: Scope, state: State) -> str:
    """How many check items of each task that is not well are in a status."""
    return f"max by ({_TASK}) ({scope.status(state, _ITEMS)}) > 0 and on ({_TASK}) ({attention(scope)})"


def since(scope: Scope) -> str:
    """Since when each task has been seen in its present state, in milliseconds of Unix time.

    From the recording rule; without it, since the end of another state, or the first sample, in the time range.
    """
    up, status = scope.tasks(_UP), scope.tasks(_STATUS)
    rule = scope.tasks("ninedata:precheck_status:since_timestamp_seconds")
    now = f"and on ({_SERIES}, status) ({status} == 1)"
    found = (
        f"max by ({_TASK}) ({rule} {now})",
        f"max by ({_TASK}) ({_last(f'{status} == 0')} {now})",
        f"max by ({_TASK}) ({_last(f'{up} == 1')} and on ({_SERIES}) {up} == 0)",
        f"min by ({_TASK}) (min_over_time(timestamp({up})[$__range:$__interval]) and {up})",
    )
    return f"1000 * (\n  {_first(found)}\n)"


def since_of_attention(scope: Scope) -> str:
    """The same of the tasks that are not well, and of exporters that are down."""
    answered = _last(exporters("up") + " == 1")
    down = f"{answered} and on (job, instance) {exporters_up()} == 0"
    down = _label(down, "task", "$1", "instance", "(.*)")
    return f"{since(scope)}\nand on ({_TASK}) ({attention(scope)})\nor 1000 * max by (task) ({down})"


def _last(expr: str) -> str:
    return f"max_over_time(timestamp({expr})[$__range:$__interval])"


def item_states(scope: Scope) -> str:
    """The code of each check item's worst status in each interval. Where none is known, one series says why."""
    codes = _any((f"{state.code} * {_greatest(scope.status(state, _ITEM_STATUS))}" for state in STATUSES), "\n  ")
    queried = f"{s.NOT_QUERIED.code} * (max({scope.tasks(_UP)}) == 0)"
    nothing = _label(f"({queried} or on () {_why_none()})", "item", "no check item")
    return f"max by (task_id, item) (\n  {codes}\n)\nor on () {nothing}"


def items_by_status(scope: Scope) -> str:
    """The number of check items in each status."""
    return f"max by (status) ({scope.tasks(_ITEMS)})"


def count_of_items(scope: Scope, state: State) -> str:
    """The number of check items in one status; NOT_KNOWN where no exporter knows it."""
    return f"max({scope.status(state, _ITEMS)}) or on () vector({s.NOT_KNOWN})"


def tasks_by_item(scope: Scope, state: State) -> str:
    """In how many tasks each check item is in a status."""
    return f"count by (item) (max by (task_id, item) ({scope.status(state, _ITEM_STATUS)}))"


def failed_queries(scope: Scope) -> str:
    """How many tasks no exporter can query, by reason; a series of 0 where all tasks can be queried."""
    failed = f"{scope.tasks(_QUERY_FAILURE)} unless on ({_TASK}) {scope.tasks(_UP)} == 1"
    failures = f"count by (reason) (max by ({_TASK}, reason) ({failed}))"
    return f"{failures}\nor on () {_label(f'0 * count({scope.tasks(_UP)})', 'reason', 'no failure')}"


def query_failures(scope: Scope) -> str:
    """1 for each reason for which queries of the task fail; 0 where none fails, and otherwise why nothing is known."""
    failures = f"max by (reason) ({_greatest(scope.tasks(_QUERY_FAILURE))})"
    none = _label(f"(1 + max({scope.tasks(_UP)}) or on () {_why_none()})", "reason", "no failure")
    return f"{failures}\nor on () {none}"


def failed_requests() -> str:
    """Requests to the API without a usable answer, per second; a series of 0 where there are none."""
    failures = f"{rate('ninedata_api_request_failures_total', 'reason')} > 0"
    none = _label(f"0 * {rate('ninedata_api_requests_total')}", "reason", "no failure")
    return f"{failures}\nor on () {none}"


def rate(counter: str, *labels: str) -> str:
    """A counter of the exporters, per second."""
    by = f"by ({', '.join(labels)}) " if labels else ""
    return f"sum {by}(rate({exporters(counter)}[$__rate_interval]))"


def request_seconds(quantile: float) -> str:
    """A quantile of how long requests to the API take."""
    return f"histogram_quantile({quantile}, {rate('ninedata_api_request_duration_seconds_bucket', 'le')})"


def exporters_up() -> str:
    """1 for each exporter that is up, 0 for each that is down.

    Targets of a job with ninedata in its name, and others that were exporters in the last day. Without that condition
    they would be all targets of this Prometheus, as All is any job.
    """
    named = exporters("up", 'job=~".*ninedata.*"')
    known = f"(last_over_time({exporters('ninedata_exporter_build_info')}[1d]) or {named})"
    return f"max by (job, instance) ({exporters('up')} and on (job, instance) {known})"


def by_exporter(metric: str, *labels: str) -> str:
    """One value per exporter (and further labels)."""
    return f"max by ({', '.join(('job', 'instance', *labels))}) ({exporters(metric)})"


def exporter_pages() -> str:
    """One address per exporter, as the label `page`."""
    info = exporters("ninedata_exporter_info")
    exported = _label(info, "page", "$1", "external_url", "(.*)")
    made = _label(exporters_up(), "page", "http://$1", "instance", "(.*)")
    return f"topk by (job, instance) (1, max by (job, instance, page) ({exported} or on (job, instance) {made}))"


def alerts_that_start(scope: Scope) -> str:
    """The alerts of this project that begin to fire, as the label `of`: once per task, or per exporter."""
    of_this = f'job=~"|$job", instance=~"|$instance", {scope.task_or_none}'
    alerts = f'ALERTS{{alertname=~"NineData.*", alertstate="firing", {of_this}}}'
    by = "max by (alertname, severity, task_id, of)"
    starts, before = (
        f"{by} ({_label(joined, 'of', '$1$2', 'of', '(.+);.*|;(.*)')})"
        for joined in (
            f'label_join({alerts}{offset}, "of", ";", "task", "instance")' for offset in ("", " offset $__interval")
        )
    )
    return f"{starts} unless {before}"


def _label(expr: str, label: str, text: str, source: str = "", pattern: str = "") -> str:
    return f'label_replace({expr}, "{label}", "{text}", "{source}", "{pattern}")'


def _first(exprs: Iterable[str]) -> str:
    """Of each task the first that there is."""
    return f"\n    or on ({_TASK}) ".join(exprs)


def _any(exprs: Iterable[str], indent: str = "\n  ") -> str:
    return f"{indent}or ".join(exprs)
