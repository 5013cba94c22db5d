"""The dashboard of one task: how it stands, since when and why, every check item, and how its queries go."""

from collections.abc import Iterable

from grafana_foundation_sdk.builders import dashboard, statetimeline, table, timeseries

from grafana import frame, panels, queries
from grafana.panels import Column, instant, over_time
from grafana.queries import ONE
from grafana.states import NONE_KNOWN, NOT_QUERIED, STATUSES, SUCCESS, TRANSPARENT, mapping, words


def task() -> dashboard.Dashboard:
    """The dashboard of one task."""
    description = "The NineData precheck of one task: its status and history, each check item, and the queries of it."
    board = frame.frame("NineData precheck of one task", frame.TASK_UID, description, ONE)
    status = panels.word(
        "$task",
        "How the precheck stands now. Failed: fix what the table below says, and run the precheck again in NineData. "
        f"[All alerts]({frame.docs('alerts.md')})",
        words(),
        instant(queries.state_of_one(ONE), "$task"),
    )
    since = panels.moment(
        "Since",
        "Since when the task has been seen in its status; NineData itself gives no times. Exact with this project's "
        "recording rules in Prometheus, otherwise no more than the time range.",
        instant(queries.since(ONE), "{{task}}"),
    )
    items = panels.numbers(
        "Check items",
        "How many check items are in each status now.",
        {state.word: (TRANSPARENT, state.color) for state in STATUSES},
        *(instant(queries.count_of_items(ONE, state), state.word) for state in STATUSES),
    )
    sizes = ((8, 4), (4, 4), (12, 4), (24, 12), (24, 5), (24, 13), (12, 8), (12, 8), (12, 6), (12, 6))
    return frame.place(board, sizes, (status, since, items, _failing_items(), *_items(), *_queries()))


def _failing_items() -> table.Panel:
    return panels.listing(
        "What fails and why",
        "Every check item in Failed or Warning now, with NineData's reason and remediation, or the query that fails. "
        f"Fix it, and run the precheck again. No reason: failure_reasons of the exporter is off. {frame.REASONS}",
        "No failing check item is known: see the status above",
        (
            Column("Value", "Status", 112, panels.colored(words())),
            Column("item_name", "Check item", 220),
            Column("reason", "Reason and remediation"),
        ),
        queries.failing_items(ONE),
        order=("-Status", "Check item"),
    )


def _items() -> Iterable[statetimeline.Panel | timeseries.Panel]:
    yield panels.timeline(
        "Status over time",
        "The precheck's worst status over time. A gap: nothing was scraped. Lines: an alert starts.",
        words(),
        over_time(queries.worst_states(ONE), "{{task}}"),
    )
    yield panels.timeline(
        "Status of every check item",
        "Each check item over time: which one failed first, which one a running precheck is at.",
        words(),
        over_time(queries.item_states(ONE), "{{item}}"),
    )
    stacked = panels.lines(
        "none",
        "Check items by status",
        "How many check items are in each status over time. Failures that go away without a new precheck are worth a "
        "question to NineData.",
        "No check item is known in this time range",
        over_time(queries.items_by_status(ONE), "{{status}}"),
    )
    yield panels.stacked(stacked, {state.word: state.color for state in STATUSES})


def _queries() -> Iterable[statetimeline.Panel | table.Panel | timeseries.Panel]:
    up, info = (ONE.tasks(f"ninedata_precheck_{metric}") for metric in ("up", "info"))
    seconds = ONE.tasks("ninedata_precheck_query_duration_seconds")
    yield panels.lines(
        "s",
        "Time for queries of this task",
        "How long each exporter's query of the task takes, retries included. When it nears the exporter's "
        "api.request_timeout, see whether the API is slow.",
        "The task was not queried in this time range",
        over_time(f"max by (instance) ({seconds})", "{{instance}}"),
    )
    answered = {"2": ("Answered", SUCCESS.color), "1": ("Failed", NOT_QUERIED.color)}
    yield panels.timeline(
        "Why queries fail",
        f"When queries of the task failed, and why. The exporter's own page has the message. {frame.REASONS}",
        mapping(answered | {str(state.code): (state.word, state.color) for state in NONE_KNOWN}),
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
            Column("Value #A", "Query", 95, panels.colored(mapping({"1": answered["2"], "0": answered["1"]}))),
            Column("precheck_task_id", "Precheck", 160),
        ),
        f"max by (instance, task_id) ({up})",
        f"max by (instance, task_id, precheck_task_id) ({info})",
        queries.pages(ONE, "instance, task_id"),
        order=("Exporter",),
    )
