"""The queries about all that is watched: the state of each task, its check items, and the exporters.

Those of a task itself are in `grafana.own`.
"""

from collections.abc import Iterable, Iterator

from grafana import own, promql
from grafana import states as s
from grafana.exporters import exporter_pages, exporters_up, why_none
from grafana.promql import INTERVAL, NOW, SERIES, TASK, Scope, Window, exporters, first, label, last, union
from grafana.states import STATUSES, State

_UP = "ninedata_precheck_up"
_STATUS = "ninedata_precheck_status"
ITEMS = "ninedata_precheck_items"
_ITEM_STATUS = "ninedata_precheck_item_status"
_ITEM_FAILURE = "ninedata_precheck_item_failure_info"

# The limits of the alerts.
_LATE = ((s.RUNNING, "1h"), (s.UNSTARTED, "30m"))


def status_of(scope: Scope, state: State) -> str:
    """A selector of prechecks, of one status."""
    return scope.tasks(_STATUS, f'status="{state.word}"')


def item(scope: Scope, state: State) -> str:
    """A selector of check items, of one status."""
    return scope.tasks(_ITEM_STATUS, f'status="{state.word}"')


def items(scope: Scope, state: State) -> str:
    """A selector of the numbers of check items in one status."""
    return scope.tasks(ITEMS, f'status="{state.word}"')


def states(scope: Scope) -> str:
    """The code of each task's present state."""
    return _codes(scope, NOW)


def worst_states(scope: Scope) -> str:
    """Each task's worst state in each interval. The label `order` puts the tasks first that are worst at the end.

    Where no task is known, one series says why.
    """
    up = scope.tasks(_UP)
    bad = [f"{items(scope, s.WARNING)} @ end() > 0"]
    bad += [f"{status_of(scope, state)} @ end() == 1" for state in (s.UNKNOWN, s.WARNING)]
    bad += [f"{own.status(scope, s.UNKNOWN)} @ end() == 1", own.warned(scope, " @ end()")]
    failing = f"max by ({TASK}) ({up} @ end()) == 0 or {own.failing(scope, NOW, ' @ end()')}"
    failed = union(f"{selector} @ end() == 1" for selector in (status_of(scope, s.FAILED), own.status(scope, s.FAILED)))
    watched = f"max_over_time({scope.watched()}[$__range] @ end())"
    found = promql.in_order(_codes(scope, INTERVAL), failed, f"{union(bad)} or {failing}", watched)
    return f"{found}\nor on () {label(why_none(), 'task', 'no task')}"


def precheck_states(scope: Scope, window: Window = NOW) -> str:
    """The code of the state of each task's precheck alone."""
    return f"max by ({TASK}) (\n    {union(_precheck(scope, window, STATUSES), _BELOW)}\n)"


def _codes(scope: Scope, window: Window) -> str:
    """The greatest code of each task, of what is bad and of its own status.

    Whether its precheck is well, or not ended, says how the task stands only where its own status is not known.
    """
    bad = [state for state in STATUSES if state.code >= s.WARNING.code]
    well = [state for state in STATUSES if state not in bad]
    found = union((*_precheck(scope, window, bad), *own.codes(scope, window)), _BELOW)
    before = union(_precheck(scope, window, well), _BELOW)
    known = window.greatest.format(own.known(scope))
    return f"max by ({TASK}) (\n    {found}\n    or ({before}) unless on ({TASK}) {known}\n)"


def _precheck(scope: Scope, window: Window, among: Iterable[State]) -> Iterator[str]:
    """The codes of prechecks in some states. With bad ones: a warned item of a success makes it a warning."""
    for state in among:
        yield f"{state.code} * {window.positive.format(status_of(scope, state))}"
        if state is s.WARNING:
            warned = window.positive.format(items(scope, s.WARNING))
            yield f"{state.code} * ({warned} > bool 0 and on ({SERIES}) {status_of(scope, s.SUCCESS)} == 1)"
            up = window.least.format(scope.tasks(_UP))
            yield f"{s.NOT_QUERIED.code} + (max by ({TASK}) ({up}) == 0)"


_BELOW = "\n    "


def count_in(scope: Scope, state: State) -> str:
    """How many tasks are in a state; NOT_KNOWN where no exporter answers."""
    zero = f"0 * (count({scope.watched()}) or count({exporters('ninedata_exporter_build_info')}))"
    return f"count({states(scope)} == {state.code})\nor {zero}\nor vector({s.NOT_KNOWN})"


def attention(scope: Scope) -> str:
    """The code of each task that is in a bad state, stopped or late, and of exporters that are down.

    A task is late when its precheck waits or runs for too long.
    """
    late = union(f"{state.code} * ({_late(scope, state, limit)})" for state, limit in _LATE)
    late = f"{s.STOPPED.code} * {own.stopped(scope)}\n  or {late}"
    return f"{states(scope)} >= {s.WARNING.code}\nor max by ({TASK}) (\n  {late}\n)\nor {_down()}\nor {_none(scope)}"


def _late(scope: Scope, state: State, limit: str) -> str:
    status = status_of(scope, state)
    return f"{status} == 1 and min_over_time({status}[{limit}]) == 1 and {status} offset {limit} == 1"


def _down() -> str:
    """One row per exporter that is down."""
    down = label(f"{exporters_up()} == 0", "task", "$1", "instance", "(.*)")
    return f"{s.EXPORTER_DOWN.code} + max by (task) ({down})"


def _none(scope: Scope) -> str:
    """One row where there is no exporter."""
    return label(f"vector({s.NO_EXPORTER.code}) unless on () ({exporters_up()} or {scope.watched()})", "task", "All")


def reasons(scope: Scope) -> str:
    """One reason per task that is not well, as the label `why`: of its first failed item, or of its failed query.

    Its beginning only, as a long one would leave no room for other tasks.
    """
    joined = f'label_join({failing_items(scope)}, "why", ": ", "item_name", "reason")'
    found = [label(joined, "why", "$1", "why", "(?s)(.*?)(: )?")]
    unknown = "NineData gives no status, or one that the exporter does not know."
    found += [label(f"{of} == 1", "why", unknown) for of in (status_of(scope, s.UNKNOWN), own.status(scope, s.UNKNOWN))]
    for state, limit in _LATE:
        found.append(label(_late(scope, state, limit), "why", f"The precheck is {state.word} for more than {limit}."))
    down = "Prometheus cannot scrape this exporter: the states of its tasks are not known."
    none = "Prometheus scrapes no exporter that the variables above select."
    some = label(union(found), "why", "$1 ...", "why", "(?s)(.{75}).{10,}")
    return (
        f"topk by ({TASK}) (1, max by ({TASK}, why) ({some})\nand on ({TASK}) ({attention(scope)}))\n"
        f"or {label(_down(), 'why', down)}\nor {label(_none(scope), 'why', none)}"
    )


def failing_items(scope: Scope) -> str:
    """One row per check item that failed or warns, with its status as a code.

    And one per task that failed itself, and per query that fails. Set operators and not a join: those cannot fail,
    whatever series a change of status leaves side by side.
    """
    key = f"on ({SERIES}, item)"
    info = scope.tasks(_ITEM_FAILURE)
    found = []
    for state in (s.FAILED, s.WARNING):
        status = item(scope, state)
        found.append(f"{state.code} * ({info} and {key} {status})")
        found.append(f"{state.code} * ({label(status, 'item_name', '$1', 'item', '(.*)')} unless {key} {info})")
    query = label(
        label(scope.failed_queries("precheck"), "reason", "Reason: $1", "reason", "(.*)"),
        "item_name",
        "Query of the precheck",
    )
    found += [f"{s.NOT_QUERIED.code} * {query}", *own.failures(scope)]
    return f"topk by ({TASK}, item) (1, max by ({TASK}, item, item_name, reason) (\n  {union(found)}\n))"


def pages(scope: Scope, by: str = TASK) -> str:
    """One address per task (or whatever `by` names), as the label `page`: where an exporter shows the task."""
    up = scope.watched()
    info = f"topk by (job, instance) (1, {exporters('ninedata_exporter_info')})"
    exported = f"{up} * on (job, instance) group_left (external_url) {info}"
    made = label(up, "external_url", "http://$1", "instance", "(.*)")
    joined = f'label_join({exported} or on ({SERIES}) {made}, "at", " ", "external_url", "task_id")'
    return f"topk by ({by}) (1, max by ({by}, page) ({label(joined, 'page', '$1/tasks/$2', 'at', '(.*?)/* (.*)')}))"


def places(scope: Scope, of_task: str, of_exporter: str) -> str:
    """Where the links of the tasks that need attention lead, and of exporters that are down.

    The labels are `page`, `board` (the uid of a dashboard) and `sets` (the variable that gets the value of `task`).
    """
    tasks = f"{pages(scope)} and on ({TASK}) ({attention(scope)})"
    down = f"{exporter_pages()} and on (job, instance) {exporters_up()} == 0"
    down = f"max by (task, page) ({label(down, 'task', '$1', 'instance', '(.*)')}) or {_none(scope)}"
    found = ((tasks, of_task, "task"), (down, of_exporter, "instance"))
    return union(label(label(expr, "board", board), "sets", sets) for expr, board, sets in found)


def items_of_attention(scope: Scope) -> str:
    """How many check items of each task that is not well failed or warn."""
    bad = scope.tasks(ITEMS, f'status=~"{s.FAILED.word}|{s.WARNING.word}"')
    return f"sum by ({TASK}) (max by ({TASK}, status) ({bad})) > 0 and on ({TASK}) ({attention(scope)})"


def statuses_of_attention(scope: Scope) -> str:
    """The own status of each task that is not well, as the label `status`."""
    return f"({own.statuses(scope, '.+')})\nand on ({TASK}) ({attention(scope)})"


def since(scope: Scope, words: str) -> str:
    """Since when each task has been seen in its present state, in milliseconds of Unix time.

    Of its own status where that is bad, or where the precheck is not bad and it is one of these words; otherwise of the
    precheck: from the recording rule; without it, since the end of another state, or the first sample, in the time
    range.
    """
    up, status, watched = scope.tasks(_UP), scope.tasks(_STATUS), scope.watched()
    rule = scope.tasks("ninedata:precheck_status:since_timestamp_seconds")
    now = f"and on ({SERIES}, status) ({status} == 1)"
    bad = (word for state in (s.FAILED, s.UNKNOWN) for word in s.OWN_STATUSES[state])
    well = f"{first((own.since_warned(scope), own.since(scope, words)))}"
    found = (
        own.since(scope, "|".join(bad)),
        own.since_unknown(scope),
        f"(({well}) unless on ({TASK}) ({_bad_prechecks(scope)}))",
        f"max by ({TASK}) ({rule} {now})",
        f"max by ({TASK}) ({last(f'{status} == 0')} {now})",
        f"max by ({TASK}) ({last(f'{up} == 1')} and on ({SERIES}) {up} == 0)",
        f"min by ({TASK}) (min_over_time(timestamp({watched})[$__range:$__interval]) and on ({SERIES}) {watched})",
    )
    return f"1000 * (\n  {first(found)}\n)"


def _bad_prechecks(scope: Scope) -> str:
    """The tasks whose precheck alone makes their state a bad one."""
    found = [f"{status_of(scope, state)} == 1" for state in STATUSES if state.code >= s.WARNING.code]
    found += [f"{items(scope, s.WARNING)} > 0", f"max by ({TASK}) ({scope.tasks(_UP)}) == 0"]
    return " or ".join(found)


def since_of_attention(scope: Scope) -> str:
    """The same of the tasks that are not well, and of exporters that are down."""
    # One series per exporter: where tasks are targets, two names of a task would give two rows of the same labels.
    answered = f"max by (job, instance) ({last(exporters('up') + ' == 1')})"
    down = f"{answered} and on (job, instance) {exporters_up()} == 0"
    down = label(down, "task", "$1", "instance", "(.*)")
    stopped = "|".join(s.OWN_STATUSES[s.STOPPED])
    return f"{since(scope, stopped)}\nand on ({TASK}) ({attention(scope)})\nor 1000 * max by (task) ({down})"


def item_states(scope: Scope) -> str:
    """The code of each check item's worst status in each interval. Where none is known, one series says why."""
    selectors = {state.code: item(scope, state) for state in STATUSES}
    not_queried = f"{s.NOT_QUERIED.code} + 0 * (max({scope.tasks(_UP)}) == 0)"
    return promql.worst_of_parts("item", selectors, f"{not_queried} or on () {why_none()}", "no check item")


def failed_queries(scope: Scope) -> str:
    """How many tasks no exporter can query, by reason; a series of 0 where all tasks can be queried."""
    failed = f"{scope.failed_queries('precheck')} or {scope.failed_queries('task')}"
    failures = f"count by (reason) (max by ({TASK}, reason) ({failed}))"
    return f"{failures}\nor on () {label(f'0 * count({scope.watched()})', 'reason', 'no failure')}"


def query_failures(scope: Scope) -> str:
    """1 for each reason for which queries of the task fail; 2 where none fails, and otherwise why nothing is known."""
    failures = (scope.tasks(f"ninedata_{of}_query_failure_info") for of in ("precheck", "task"))
    found = union(map(INTERVAL.greatest.format, failures))
    both = f"max({scope.tasks(_UP)}) or {label(f'max({scope.tasks(own.UP)})', 'of', 'the task itself')}"
    listed = f"2 * group({own.known(scope)})"
    none = label(f"(1 + min({both}) or on () {listed} or on () {why_none()})", "reason", "no failure")
    return f"max by (reason) ({found})\nor on () {none}"


def alerts_that_start() -> str:
    """The alerts of this project that begin to fire, as the label `of`: once per task, or per exporter."""
    of_this = 'job=~"|$job", instance=~"|$instance", task=~`|${task:regex}`'
    alerts = f'ALERTS{{alertname=~"NineData.*", alertstate="firing", {of_this}}}'
    by = "max by (alertname, severity, task_id, of)"
    starts, before = (
        f"{by} ({label(joined, 'of', '$1$2', 'of', '(.+);.*|;(.*)')})"
        for joined in (
            f'label_join({alerts}{offset}, "of", ";", "task", "instance")' for offset in ("", " offset $__interval")
        )
    )
    return f"{starts} unless {before}"
