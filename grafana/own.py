"""The queries of tasks themselves: their own status, what comparisons found, and how replications do."""

from collections.abc import Iterator

from grafana import promql
from grafana import states as s
from grafana.exporters import why_none
from grafana.promql import INTERVAL, NOW, SERIES, TASK, Scope, Window, first, label, last, union
from grafana.states import State

UP = "ninedata_task_up"

_STATUS = "ninedata_task_status"
_INFO = "ninedata_task_info"
_FAILURE = "ninedata_task_failure_info"
_DELAY = "ninedata_replication_delay_seconds"
_PROGRESS = "ninedata_replication_progress_ratio"
_ROWS = "ninedata_comparison_different_rows"
_SUBTASK = "ninedata_replication_subtask_status"

COMPARISONS, REPLICATIONS = "(data|schema)_compare", "replication"
"""Matchers of the label `kind`."""

_OF_SUBTASK = f"{TASK}, subtask"

# The limits of the alert.
_LATE_SECONDS, _LATE_FOR = 300, "10m"


def status(scope: Scope, state: State) -> str:
    """A selector of the own statuses that mean a state."""
    return _words(scope, "|".join(s.OWN_STATUSES[state]))


def _words(scope: Scope, words: str) -> str:
    return scope.tasks(_STATUS, f'status=~"{words}"')


def known(scope: Scope) -> str:
    """One series for each task whose own status is known: each has all statuses, of which one is 1."""
    return scope.tasks(_STATUS, 'status="Unknown"')


def failing(scope: Scope, window: Window, at: str = "") -> str:
    """Each task of whose own status no query succeeds, or which the list of tasks does not tell."""
    up, watched, told = (selector + at for selector in (scope.tasks(UP), scope.tasks(_INFO), known(scope)))
    queried = f"max by ({TASK}) ({window.least.format(up)}) == 0"
    listed = f"{window.greatest.format(watched)} unless on ({TASK}) {window.greatest.format(told)}"
    return f"({queried} or group by ({TASK}) ({listed}))"


def codes(scope: Scope, window: Window) -> Iterator[str]:
    """The code of the state that each task's own status means."""
    for state in s.OWN_STATUSES:
        yield f"{state.code} * {window.positive.format(status(scope, state))}"
    yield f"{s.NOT_QUERIED.code} + 0 * {failing(scope, window)}"
    yield f"{s.WARNING.code} + 0 * ({warned(scope)})"


def warned(scope: Scope, at: str = "") -> str:
    """What is wrong with tasks that run or succeeded: they are late, or found rows that differ."""
    return f"{_late(scope, at)}\n    or {_different(scope, at)}"


def _late(scope: Scope, at: str = "") -> str:
    """The delay of each subtask that has been late for long; of one that stopped, its status says more."""
    delay, stopped = scope.tasks(_DELAY), status(scope, s.STOPPED) + at
    least = f"min_over_time({delay}[{_LATE_FOR}]{at})"
    late = f"{delay}{at} > {_LATE_SECONDS} and {least} > {_LATE_SECONDS} and {delay}{at} offset {_LATE_FOR}"
    return f"({late} unless on ({SERIES}) {stopped} == 1)"


def _different(scope: Scope, at: str = "") -> str:
    """How many rows differ in each way, of comparisons that succeeded: one that runs has not seen all."""
    return f"({scope.tasks(_ROWS)}{at} > 0 and on ({SERIES}) {status(scope, s.SUCCESS)}{at} == 1)"


def stopped(scope: Scope) -> str:
    """The status of each replication that stopped: changes do not reach its target meanwhile."""
    return f"({status(scope, s.STOPPED)} == 1 and on ({SERIES}) {info(scope, REPLICATIONS)})"


def statuses(scope: Scope, kind: str) -> str:
    """The own status of each task of a kind as the label `status`, by the exporter that tells the worst."""
    found = union(f"{state.code} * ({status(scope, state)} == 1)" for state in s.OWN_STATUSES)
    unknown = f"{info(scope, kind)} unless on ({TASK}) {known(scope)}"
    unknown = label(f"group by ({TASK}) ({unknown})", "status", s.NOT_QUERIED.word)
    of_kind = f"max by ({TASK}, status) ({found}) and on ({TASK}) {info(scope, kind)}"
    return f"topk by ({TASK}) (1, {of_kind})\nor {unknown}"


def info(scope: Scope, kind: str) -> str:
    """A selector of the tasks of a kind whose own status is watched."""
    return scope.tasks(_INFO, f'kind=~"{kind}"')


def worst_statuses(scope: Scope) -> str:
    """The code of each task's worst own status in each interval. Where none is watched, one series says why.

    The label `order` puts the tasks first that failed, or are not known, at the end.
    """
    bad = f"{status(scope, s.FAILED)} @ end() == 1 or {status(scope, s.UNKNOWN)} @ end() == 1"
    watched = f"max_over_time({scope.tasks(_INFO)}[$__range] @ end())"
    found = promql.in_order(worst(scope), f"{bad} or {failing(scope, NOW, ' @ end()')}", watched)
    return f"{found}\nor on () {label(why_none(s.OWN_NOT_WATCHED), 'task', 'no own status')}"


def worst(scope: Scope) -> str:
    """The code of each task's worst own status in each interval."""
    found = [f"{code} * {INTERVAL.positive.format(_words(scope, word))}" for word, code in s.own_codes().items()]
    found.append(f"{s.OWN_NOT_QUERIED} + 0 * {failing(scope, INTERVAL)}")
    return f"max by ({TASK}) (\n  {union(found)}\n)"


def subtask_statuses(scope: Scope) -> str:
    """The code of each subtask's worst status in each interval. Where none is known, one series says why."""
    selectors = {code: scope.tasks(_SUBTASK, f'status="{word}"') for word, code in s.own_codes().items()}
    not_queried = f"{s.OWN_NOT_QUERIED} + 0 * (max({scope.tasks(UP)}) == 0)"
    return promql.worst_of_parts(
        "subtask", selectors, f"{not_queried} or on () {why_none(s.OWN_NOT_WATCHED)}", "no subtask"
    )


def status_of_one(scope: Scope) -> str:
    """The code of the one task's own status, or why it is not known."""
    found = union(f"{code} * ({_words(scope, word)} == 1)" for word, code in s.own_codes().items())
    failed = f"{s.OWN_NOT_QUERIED} + 0 * max({failing(scope, NOW)})"
    return f"max({found})\nor {failed}\nor on () {why_none(s.OWN_NOT_WATCHED)}"


def since(scope: Scope, words: str) -> str:
    """Since when each task has been seen in its present own status, if that is one of these words; Unix time.

    Since another status ended in the time range, or since the first sample in it.
    """
    one = _words(scope, words)
    changed = f"max by ({TASK}) ({last(f'{one} == 0')} and on ({SERIES}, status) ({one} == 1))"
    began = f"min_over_time(timestamp({scope.tasks(_INFO)})[$__range:$__interval])"
    return f"({changed} or on ({TASK}) max by ({TASK}) ({began} and on ({SERIES}) ({one} == 1)))"


def since_warned(scope: Scope) -> str:
    """Since when each task has been late, or has had its present results; Unix time."""
    delay, late = scope.tasks(_DELAY), f"and on ({SERIES}, subtask) {_late(scope)}"
    began = f"min_over_time(timestamp({delay})[$__range:$__interval])"
    found = (f"max by ({TASK}) ({last(f'{delay} <= {_LATE_SECONDS}')} {late})", f"max by ({TASK}) ({began} {late})")
    return first((*found, f"({since(scope, 'Success')} and on ({TASK}) {_different(scope)})"))


def since_unknown(scope: Scope) -> str:
    """When each task itself was known for the last time, if its status or results are not known now; Unix time."""
    unknown = f"{scope.tasks(_INFO)} unless on ({TASK}) {known(scope)}"
    up = scope.tasks(UP)
    answered = f"{last(f'{up} == 1')} and on ({SERIES}) {up} == 0"
    return f"max by ({TASK}) ({last(known(scope))} and on ({SERIES}) ({unknown}) or {answered})"


def failures(scope: Scope) -> Iterator[str]:
    """One row per trouble of a task itself and per failed query, as `queries.failing_items` has them."""
    for state, ended in ((s.FAILED, f"{status(scope, s.FAILED)} == 1"), (s.STOPPED, stopped(scope))):
        told = f"{scope.tasks(_FAILURE)} and on ({SERIES}) {ended}"
        silent = f"{ended} unless on ({SERIES}) {scope.tasks(_FAILURE)}"
        silent = label(silent, "reason", "The status is $1.", "status", "(.*)")
        yield f"{state.code} * ({_as_item(told, 'Task itself')})"
        yield f"{state.code} * {_as_item(silent, 'Task itself')}"
    text = f"$1 is over {_LATE_SECONDS // 60} minutes behind its source for more than {_LATE_FOR}."
    late = label(_late(scope), "reason", text, "subtask", "(.*)")
    yield f"{s.WARNING.code} + 0 * {_as_item(late, 'Replication delay')}"
    different = label(_different(scope), "reason", "The latest execution found rows that differ.")
    yield f"{s.WARNING.code} + 0 * {_as_item(different, 'Comparison')}"
    query = label(f"({scope.failed_queries('task')})", "reason", "Reason: $1", "reason", "(.*)")
    yield f"{s.NOT_QUERIED.code} * {_as_item(query, 'Query of the task itself')}"
    listed = f"({scope.tasks(_INFO)} unless on ({TASK}) {known(scope)} unless on ({TASK}) {scope.tasks(UP)})"
    listed = label(listed, "reason", "The list of tasks does not name it: see Discovery.")
    yield f"{s.NOT_QUERIED.code} * {_as_item(listed, 'Query of the task itself')}"


def _as_item(expr: str, name: str) -> str:
    return label(label(expr, "item_name", name), "item", f"({name})")


def delays(scope: Scope) -> str:
    """The present delay of each replication, of its subtask that is furthest behind."""
    return f"max by ({TASK}) ({scope.tasks(_DELAY)})"


def delays_over_time(scope: Scope) -> str:
    """The greatest delay of each subtask in each interval, of those that were furthest behind in the time range."""
    delay = scope.tasks(_DELAY)
    return _most(INTERVAL.greatest.format(delay), f"max by ({_OF_SUBTASK}) (max_over_time({delay}[$__range] @ end()))")


def progress_over_time(scope: Scope) -> str:
    """The progress over time of each subtask that progressed most in the time range."""
    progress = scope.tasks(_PROGRESS)
    moved = f"max_over_time({progress}[$__range] @ end()) - min_over_time({progress}[$__range] @ end())"
    return _most(progress, f"max by ({_OF_SUBTASK}) ({moved}) > 0")


def _most(shown: str, rank: str) -> str:
    """What is shown of the 20 subtasks of the highest rank."""
    return f"max by ({_OF_SUBTASK}) ({shown})\nand on ({_OF_SUBTASK}) topk(20, {rank})"


def subtasks(scope: Scope) -> str:
    """The subtask at which each replication is, as the label `subtask`; a dash where it is at none."""
    at = f"topk by ({TASK}) (1, max by ({_OF_SUBTASK}) ({_active(scope)}))"
    # A cell without text in a column that wraps makes the table of Grafana 12.0 fail.
    none = label(f"group by ({TASK}) ({info(scope, REPLICATIONS)})", "subtask", "-")
    return first((f"({_copying(scope)})", at, none))


def progress(scope: Scope) -> str:
    """The progress of the subtask at which each replication is, unless that replicates changes: it stays at 0."""
    return f"max by ({TASK}) ({_copying(scope)})"


def _copying(scope: Scope) -> str:
    found = f"{scope.tasks(_PROGRESS)} < 1 and on ({_OF_SUBTASK}) {_active(scope)}"
    found = f"{found} unless on ({_OF_SUBTASK}) {scope.tasks(_DELAY)}"
    return f"bottomk by ({TASK}) (1, max by ({_OF_SUBTASK}) ({found}))"


def _active(scope: Scope) -> str:
    ended = (*s.OWN_STATUSES[s.UNSTARTED], *s.OWN_STATUSES[s.SUCCESS])
    return scope.tasks(_SUBTASK, f'status!~"{"|".join(ended)}"')


def progress_of_subtasks(scope: Scope) -> str:
    """The progress of each subtask, but of those that replicate changes: they have a delay instead."""
    return f"max by (subtask) ({scope.tasks(_PROGRESS)} unless on (subtask) {scope.tasks(_DELAY)})"


def found_by_comparisons(scope: Scope) -> dict[str, str]:
    """What the latest execution of each comparison found: rows that differ in each way, and tables that it skipped."""
    differences = {"Only source": "only_source", "Only target": "only_target", "Different": "different"}
    rows = {name: scope.tasks(_ROWS, f'difference="{value}"') for name, value in differences.items()}
    found = rows | {"Skipped": scope.tasks("ninedata_comparison_skipped_tables")}
    return {name: f"max by ({TASK}) ({selector})" for name, selector in found.items()}
