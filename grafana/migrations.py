"""The row of the overview about the tasks themselves: how replications and comparisons do, now and over time."""

from collections.abc import Iterable

from grafana import frame, own, panels, queries
from grafana.panels import Column, Panel, over_time
from grafana.promql import ALL, TASK
from grafana.states import own_words, words

TURN_ON = "Set task_status: true"


def migrations() -> Iterable[Panel]:
    """The panels of the row."""
    yield _replications()
    yield _comparisons()
    panel = panels.timeline(
        "Own status of every task",
        "What NineData says of the task itself, and not of its precheck: the worst in each interval. Select a block to "
        "go to its task.",
        own_words(TURN_ON),
        over_time(own.worst_statuses(ALL), "{{task}}"),
    )
    yield panel.data_links([frame.task_of_series()])
    delay = panels.worst_first(
        "s",
        "Replication delay",
        "How far each subtask that replicates changes is behind its source: the 20 that were furthest behind in the "
        "time range, the worst first. Max: the greatest delay in the time range. The scale is logarithmic above 10 s.",
        "No delay of a replication is known in this time range. A discovered one needs task_status: true.",
        over_time(own.delays_over_time(ALL), "{{task}} {{subtask}}"),
    )
    yield panels.logarithmic(delay, above=10)
    yield panels.worst_first(
        "percentunit",
        "Replication progress",
        "How much of each subtask is done: the 20 that moved most in the time range. Those that replicate changes have "
        "no end, and show a delay instead.",
        "No replication is known to have progressed in this time range",
        over_time(own.progress_over_time(ALL), "{{task}} {{subtask}}"),
    ).max(1)


def _tasks(own_status: int) -> tuple[Column, ...]:
    """The columns of a task, of which that of its own status is so wide."""
    return (
        Column("task", "Task", 0, {"links": [frame.task_of_row()]}),
        Column("Value #B", "Precheck", 100, panels.colored(words())),
        Column("status", "Own status", own_status, panels.colored(own_words(TURN_ON))),
    )


def _statuses(kind: str) -> tuple[str, str]:
    """The own statuses of tasks of a kind, and the states of their prechecks."""
    prechecks = f"{queries.precheck_states(ALL)}\nand on ({TASK}) {own.info(ALL, kind)}"
    return own.statuses(ALL, kind), prechecks


def _replications() -> Panel:
    return panels.listing(
        "Replications",
        "Each replication now, the one that is furthest behind first. Delay: of the subtask that is furthest behind "
        "its source. Subtask and progress: what it copies now.",
        "No exporter that answers watches a replication",
        (
            *_tasks(136),
            Column("Value #C", "Delay", 110, {"unit": "s"}),
            Column("subtask", "Subtask", 150),
            Column("Value #D", "Progress", 104, {"unit": "percentunit"}),
        ),
        *_statuses(own.REPLICATIONS),
        own.delays(ALL),
        own.progress(ALL),
        own.subtasks(ALL),
        order=("-Delay", "Progress", "Task"),
    )


def _comparisons() -> Panel:
    return panels.listing(
        "Comparisons",
        "Each comparison now, with what its latest execution found: rows only in the source, only in the target, or "
        "different, and tables that it skipped. NineData gives no numbers of a schema comparison.",
        "No exporter that answers watches comparisons themselves. If there are comparisons and no exporter is down, "
        "set task_status: true in the configuration.",
        (
            *_tasks(100),
            Column("Value #C", "Only source", 122),
            Column("Value #D", "Only target", 120),
            Column("Value #E", "Different", 96),
            Column("Value #F", "Skipped", 70),
            Column("Value #G", "Updated", 118, {"unit": "dateTimeFromNow"}),
        ),
        *_statuses(own.COMPARISONS),
        *own.found_by_comparisons(ALL).values(),
        f"1000 * max by ({TASK}) ({ALL.tasks('ninedata_comparison_execution_update_timestamp_seconds')})",
        order=("-Different", "-Only source", "-Only target", "Task"),
    )
