"""The dashboard of one task: how it stands, since when and why, every check item, and how its queries go."""

from grafana_foundation_sdk.builders import dashboard, stat, statetimeline, table, timeseries

from grafana import frame, panels, queries
from grafana.panels import Column, Words
from grafana.queries import ONE
from grafana.states import EXPORTER_DOWN, FAILED, NO_EXPORTER, NOT_KNOWN, NOT_QUERIED, NOT_WATCHED, STATUSES, SUCCESS, mappings, words

_REASONS = f"[What to do about each reason]({frame.docs('metrics.md#values-of-reason-of-a-failed-query')})"


def task() -> dashboard.Dashboard:
    """The dashboard of one task."""
    description = "The NineData precheck of one task: its status and history, each check item, and the queries of it."
    return frame.add(
        frame.frame("NineData precheck of one task", frame.TASK_UID, description, ONE),
        [_status().span(8).height(4), _since().span(4).height(4), _items().span(12).height(4)],
        [_failing_items().span(24).height(12)],
        [_timeline().span(24).height(5)],
        [_item_timeline().span(24).height(13)],
        [_items_over_time().span(12).height(8), _durations().span(12).height(8)],
        [_failures().span(12).height(6), _queries().span(12).height(6)],
    )


def _status() -> stat.Panel:
    words_ = Words(
        "$task",
        "How the precheck stands now. Failed: fix what the table below says, and run the precheck again in NineData.",
        "No data",
    )
    return panels.word(words_, panels.instant(queries.state_of_one(ONE), "$task"))


def _since() -> stat.Panel:
    words_ = Words(
        "Since",
        "Since when the task has been seen in its status; NineData itself gives no times. Exact with this project's "
        "recording rules in Prometheus, otherwise no more than the time range.",
        "Not known",
    )
    return panels.moment(words_, panels.instant(queries.since(ONE), "{{task}}"))


def _items() -> stat.Panel:
    words_ = Words("Check items", "How many check items are in each status now.", "Not known")
    asked = [panels.instant(f"max({queries.items_in_status(ONE, state)}) or on () vector({NOT_KNOWN})", state.word) for state in STATUSES]
    return panels.numbers(words_, asked, {state.word: state.color for state in STATUSES})


def _failing_items() -> table.Panel:
    words_ = Words(
        "What fails and why",
        "Every check item in Failed or Warning now, with NineData's reason and remediation, or the query that fails. "
        "Fix it, and run the precheck again. No reason: the exporter's failure_reasons is false. " + _REASONS,
        "No failing check item is known: see the status above",
    )
    columns = (
        Column("Value", "Status", 150, panels.colored(words())),
        Column("item_name", "Check item", 220),
        Column("reason", "Reason and remediation"),
    )
    query = panels.rows(queries.failing_items(ONE))
    hidden = ("task", "task_id", "item")
    return panels.listing(words_, columns, query, order=("-Status", "Check item"), hidden=hidden)


def _timeline() -> statetimeline.Panel:
    words_ = Words(
        "Status over time",
        "The precheck's worst status over time. A gap: nothing was scraped. Lines: an alert starts.",
    )
    return panels.timeline(words_, panels.over_time(queries.worst_states(ONE), "{{task}}"), words(), per_page=20)


def _item_timeline() -> statetimeline.Panel:
    words_ = Words(
        "Status of every check item",
        "Each check item over time: which one failed first, which one a running precheck is at.",
    )
    return panels.timeline(words_, panels.over_time(queries.item_states(ONE), "{{item}}"), words(), per_page=25)


def _items_over_time() -> timeseries.Panel:
    words_ = Words(
        "Check items by status",
        "How many check items are in each status over time. Failures that go away without a new precheck are worth a "
        "question to NineData.",
        "No check item is known in this time range",
    )
    query = panels.over_time(queries.items_by_status(ONE), "{{status}}")
    return panels.stacked(words_, "none", query, {state.word: state.color for state in STATUSES})


def _durations() -> timeseries.Panel:
    words_ = Words(
        "Time for queries of this task",
        "How long each exporter's query of the task takes, retries included. When it nears the exporter's "
        "api.request_timeout, see whether the API is slow.",
        "The task was not queried in this time range",
    )
    query = f"max by (instance) ({ONE.tasks('ninedata_precheck_query_duration_seconds')})"
    return panels.lines(words_, "s", panels.over_time(query, "{{instance}}"))


def _failures() -> statetimeline.Panel:
    words_ = Words(
        "Why queries fail",
        "When queries of the task failed, and with which reason. The exporter's own page has the message. " + _REASONS,
    )
    meanings = {"1": ("Fails", NOT_QUERIED.color), "2": ("Answered", SUCCESS.color)}
    unknown = {str(state.code): (state.word, state.color) for state in (NOT_WATCHED, EXPORTER_DOWN, NO_EXPORTER)}
    query = panels.over_time(queries.query_failures(ONE), "{{reason}}")
    return panels.timeline(words_, query, mappings(meanings | unknown), per_page=13)


def _queries() -> table.Panel:
    words_ = Words(
        "Exporters of this task",
        "Each exporter that watches the task, with the precheck that it asks for. A precheck that is started again has "
        "a new id: put that into the exporter's configuration when the reason is not_found. One of a replication has "
        "none.",
        "No exporter that answers watches the task",
    )
    columns = (
        Column("instance", "Exporter", 0, {"links": [frame.page_of_row()]}),
        Column("Value #A", "Last query", 90, panels.colored(mappings({"1": ("Answered", SUCCESS.color), "0": ("Failed", FAILED.color)}))),
        Column("precheck_task_id", "Precheck", 160),
    )
    up = ONE.tasks("ninedata_precheck_up")
    info = ONE.tasks("ninedata_precheck_info")
    asked = (
        f"max by (instance, task_id) ({up})",
        f"max by (instance, task_id, precheck_task_id) ({info})",
        queries.pages(ONE, "instance, task_id"),
    )
    return panels.listing(words_, columns, *map(panels.rows, asked), order=("Exporter",), hidden=("Value #B", "Value #C", "page", "task_id"))
