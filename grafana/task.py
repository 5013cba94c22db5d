"""The dashboard of one task: how it stands, since when and why, every check item, and how its queries go."""

from collections.abc import Iterable

from grafana_foundation_sdk.builders import dashboard

from grafana import frame, own, panels, queries
from grafana import states as s
from grafana.exporters import of_one
from grafana.migrations import TURN_ON
from grafana.panels import Column, Panel, instant, over_time
from grafana.promql import INTERVAL, ONE


def task() -> dashboard.Dashboard:
    """The dashboard of one task."""
    description = "One NineData task: its precheck with each check item, the task itself, and the queries of both."
    board = frame.frame("One NineData task", frame.TASK_UID, description, ONE)
    status = panels.word(
        "$task",
        "How the task stands now: the worse of its precheck and of its own status. Failed: fix what the "
        "table below says, and run the precheck or the task again in NineData. "
        f"[All alerts]({frame.docs('alerts.md')})",
        s.words(),
        instant(of_one(queries.states(ONE)), "$task"),
    )
    since = panels.moment(
        "Since",
        "Since when the status has been seen that decides the state to the left, of the precheck or of the task "
        "itself, or since when it is late; NineData itself gives no times. Exact for prechecks with this project's "
        "recording rules in Prometheus, otherwise no more than the time range.",
        instant(queries.since(ONE, ".+"), "{{task}}"),
    )
    items = panels.numbers(
        "Check items",
        "How many check items are in each status now.",
        {state.word: (_count(f"max({queries.items(ONE, state)})"), s.TRANSPARENT, state.color) for state in s.STATUSES},
    )
    sizes = [(8, 4), (4, 4), (12, 4), (5, 4), (5, 4), (4, 4), (10, 4), (24, 10), (24, 6), (24, 13)]
    sizes += [*[(12, 8)] * 6, (24, 5)]
    head = (status, since, items, *_own_now(), _failing_items())
    return frame.place(board, sizes, (*head, *_items(), *_own_over_time(), *_queries()))


def _own_now() -> Iterable[Panel]:
    """What is known of the task itself now."""
    yield panels.word(
        "Own status",
        "What NineData says of the task itself, not of its precheck: with task_status: true, and for a task without "
        "precheck_task_id.",
        s.own_words(TURN_ON),
        instant(own.status_of_one(ONE), "own status"),
    )
    yield panels.moment(
        "Status since",
        "Since when the task itself has been seen in its own status, and no longer than the time range.",
        instant(f"1000 * {own.since(ONE, '.+')}", "{{task}}"),
    )
    yield panels.amount(
        "s",
        "Delay",
        "How far the subtask of a replication that is furthest behind its source is behind it now.",
        "-",
        instant(own.delays(ONE), "{{task}}"),
    )
    found = own.found_by_comparisons(ONE)
    yield panels.numbers(
        "Found by the comparison",
        "Rows that the latest execution of a data comparison found only in the source, only in the target, or "
        "different, and tables that it skipped. - for other tasks, and where NineData gives no number.",
        {name: (_count(expr), s.TRANSPARENT, s.WARNING.color) for name, expr in found.items()},
        unknown=("-", s.TRANSPARENT),
        size=None,
    )


def _count(expr: str) -> str:
    return f"{expr} or on () vector({s.NOT_KNOWN})"


def _own_over_time() -> Iterable[Panel]:
    """How the task itself did."""
    yield panels.timeline(
        "Status of every subtask",
        "Each subtask of a replication over time: schema, full copy, replication of changes.",
        s.own_words("None"),
        over_time(own.subtask_statuses(ONE), "{{subtask}}"),
    )
    yield panels.lines(
        "s",
        "Replication delay",
        "How far each subtask that replicates changes is behind its source.",
        "No delay is known in this time range",
        over_time(own.delays_over_time(ONE), "{{subtask}}"),
    )
    yield panels.lines(
        "percentunit",
        "Replication progress",
        "How much of each subtask is done. One that replicates changes has no end, and shows a delay instead.",
        "No progress is known in this time range",
        over_time(own.progress_of_subtasks(ONE), "{{subtask}}"),
    ).max(1)


def _failing_items() -> Panel:
    return panels.listing(
        "What fails and why",
        "Every check item in Failed or Warning now, with NineData's reason and remediation, what is wrong with the "
        "task itself, and the query that fails. "
        f"Fix it, and run the precheck again. No reason: failure_reasons of the exporter is off. {frame.REASONS}",
        "No failing check item is known: see the status above",
        (
            Column("Value", "Status", 112, panels.colored(s.words())),
            Column("item_name", "Check item", 220),
            Column("reason", "Reason and remediation"),
        ),
        queries.failing_items(ONE),
        order=("-Status", "Check item"),
    )


def _items() -> Iterable[Panel]:
    yield panels.timeline(
        "Status over time",
        "The worst status over time of the precheck and of the task itself. A gap: nothing was scraped. Lines: an "
        "alert starts.",
        s.own_words(TURN_ON),
        over_time(of_one(queries.precheck_states(ONE, INTERVAL)), "precheck"),
        over_time(of_one(own.worst(ONE), s.OWN_NOT_WATCHED), "task itself"),
    )
    yield panels.timeline(
        "Status of every check item",
        "Each check item over time: which one failed first, which one a running precheck is at.",
        s.words(),
        over_time(queries.item_states(ONE), "{{item}}"),
    )
    by_status = panels.lines(
        "none",
        "Check items by status",
        "How many check items are in each status over time. Failures that go away without a new precheck are worth a "
        "question to NineData.",
        "No check item is known in this time range",
        over_time(f"max by (status) ({ONE.tasks(queries.ITEMS)})", "{{status}}"),
    )
    yield panels.stacked(by_status, {state.word: state.color for state in s.STATUSES})


def _queries() -> Iterable[Panel]:
    up, info = (ONE.tasks(f"ninedata_precheck_{metric}") for metric in ("up", "info"))
    seconds = [ONE.tasks(f"ninedata_{of}_query_duration_seconds") for of in ("precheck", "task")]
    yield panels.lines(
        "s",
        "Time for queries of this task",
        "How long each exporter's query of the task takes, retries included. When it nears the exporter's "
        "api.request_timeout, see whether the API is slow.",
        "The task was not queried in this time range",
        over_time(f"max by (instance) ({seconds[0]})", "{{instance}} precheck"),
        over_time(f"max by (instance) ({seconds[1]})", "{{instance}} task itself"),
    )
    answers = panels.colored(s.mapping({"1": ("Answered", s.SUCCESS.color), "0": ("Failed", s.NOT_QUERIED.color)}))
    answered = {"2": ("Answered", s.SUCCESS.color), "1": ("Failed", s.NOT_QUERIED.color)}
    yield panels.timeline(
        "Why queries fail",
        f"When queries of the task failed, and why. The exporter's own page has the message. {frame.REASONS}",
        s.mapping(answered | {str(state.code): (state.word, state.color) for state in s.NONE_KNOWN}),
        over_time(queries.query_failures(ONE), "{{reason}}"),
    )
    yield panels.listing(
        "Exporters of this task",
        "Each exporter that watches the task, with the precheck that it asks for. A precheck that is started again has "
        "a new id: put that into the exporter's configuration when the reason is not_found. One of a replication has "
        "none.",
        "No exporter that answers watches the task",
        (
            Column("instance", "Exporter", 0, {"links": [frame.page_of_row()]}),
            Column("Value #A", "Query", 95, answers),
            Column("precheck_task_id", "Precheck", 160),
            Column("Value #D", "Task itself", 95, answers),
        ),
        f"max by (instance, task_id) ({up})",
        f"max by (instance, task_id, precheck_task_id) ({info})",
        queries.pages(ONE, "instance, task_id"),
        f"max by (instance, task_id) ({ONE.tasks(own.UP)})",
        order=("Exporter",),
    )
