"""The dashboard of one task: how it stands, since when, every check item, and how its queries go."""

from grafana_foundation_sdk.builders import dashboard, stat, statetimeline, table, timeseries

from grafana import links, panels, promql, states
from grafana.frame import add, frame
from grafana.panels import Column, Words
from grafana.promql import ONE

NOT_WATCHED = "Not watched"
NO_ANSWER = "No answer"


def task() -> dashboard.Dashboard:
    """The dashboard of one task."""
    description = "The NineData precheck of one task: its status and history, each check item, and the queries of it."
    board = frame("NineData precheck of one task", links.TASK_UID, description, ONE)
    board = board.links([links.to_dashboard("All tasks", links.OVERVIEW_UID), links.runbooks()])
    return add(
        board,
        [_status().span(5).height(4), _since().span(5).height(4), _items().span(14).height(4)],
        [_timeline().span(24).height(5)],
        [_failing_items().span(24).height(9)],
        [_item_timeline().span(24).height(13)],
        [_items_over_time().span(12).height(8), _durations().span(12).height(8)],
        [_failures().span(12).height(6), _queries().span(12).height(6)],
    )


def _status() -> stat.Panel:
    words = Words(
        "Status",
        "How the precheck stands now. Failed: mend what the table below says, and run the precheck again in NineData.",
        NOT_WATCHED,
    )
    return panels.word(words, panels.instant(promql.task_state(ONE), "{{task}}"), states.words())


def _since() -> stat.Panel:
    words = Words(
        "In this status",
        "Since when the task has been seen in its status; NineData itself tells no times. Exact with this project's "
        "recording rule in Prometheus, otherwise from the time range shown. A precheck that runs for an hour is stuck.",
        "All of the time range",
    )
    return panels.moment(words, promql.status_since(ONE))


def _items() -> stat.Panel:
    words = Words("Check items", "How many check items are in each status now.", NO_ANSWER)
    return panels.numbers(words, panels.instant(promql.items_by_status(ONE), "{{status}}"))


def _timeline() -> statetimeline.Panel:
    words = Words(
        "Status over time",
        "The precheck's status. A gap: nothing was scraped. For what a query failed with, see below.",
        "The task is not watched in this time range",
    )
    return panels.timeline(words, panels.over_time(promql.task_state(ONE), "{{task}}"), states.words(), per_page=20)


def _failing_items() -> table.Panel:
    words = Words(
        "What fails and why",
        "Every check item in Failed or Warning now, with NineData's reason and remediation. Mend it, and run the "
        "precheck again. No reason is shown where the exporter's failure_reasons is false.",
        "Nothing fails",
    )
    columns = (
        Column("Value", "Status", 110, panels.colored_words(states.words(states.STATUSES))),
        Column("item_name", "Check item", 250),
        Column("item", "Item id", 250),
        Column("reason", "Reason and remediation"),
    )
    query = panels.rows(promql.failing_items(ONE))
    order = ("-Status", "Check item")
    return panels.listing(words, columns, query, order=order, hidden=("task", "task_id", "kind", "instance"))


def _item_timeline() -> statetimeline.Panel:
    words = Words(
        "Status of every check item",
        "Each check item over time: which one failed first, which one a running precheck is at.",
        "No check item in this time range: the task could not be queried, or has none",
    )
    query = panels.over_time(promql.item_state(ONE), "{{item}}")
    return panels.timeline(words, query, states.words(states.STATUSES), per_page=25)


def _items_over_time() -> timeseries.Panel:
    words = Words(
        "Check items by status",
        "How many check items are in each status over time. Failures that go away without a new precheck are worth a "
        "question to NineData.",
        "The task was not answered in this time range",
    )
    query = panels.over_time(promql.items_by_status(ONE), "{{status}}")
    return panels.in_status_colors(panels.stacked(words, "none", query))


def _durations() -> timeseries.Panel:
    words = Words(
        "Time for queries of this task",
        "How long each exporter's query of the task takes, retries included. When it nears the exporter's "
        "api.request_timeout, see whether the API is slow.",
        "The task is not watched in this time range",
    )
    query = f"max by (instance) ({ONE.task_series('ninedata_precheck_query_duration_seconds')})"
    return panels.lines(words, "s", panels.over_time(query, "{{instance}}"))


def _failures() -> statetimeline.Panel:
    words = Words(
        "Why queries fail",
        "When queries of the task failed, and with which reason. See what to do about each in the link; the exporter's "
        "own page has the message.",
        "Every query succeeded",
    )
    link = links.to_docs("What to do about each reason", "metrics.md#values-of-reason-of-a-failed-query")
    failed = states.present("Fails", states.NOT_QUERIED.color)
    series = ONE.task_series("ninedata_precheck_query_failure_info")
    query = panels.over_time(f"max by (reason) ({series})", "{{reason}}")
    return panels.timeline(words, query, failed, per_page=13).links([link])


def _queries() -> table.Panel:
    words = Words(
        "Who queries what",
        "Each exporter that watches the task, with the precheck that it asks for. One of a comparison that is started "
        "again has a new id: put that into the exporter's configuration when the reason is not_found. One of a "
        "replication has none.",
        NOT_WATCHED,
    )
    columns = (
        Column("instance", "Exporter", 0, {"links": links.as_value(links.page_of_row())}),
        Column("Value #A", "Last query", 120, panels.colored_words(states.yes_no("Answered", "Failed"))),
        Column("precheck_task_id", "Precheck", 200),
        Column("kind", "Kind", 130),
        Column("task_id", "Task id", 160),
    )
    up = ONE.task_series("ninedata_precheck_up")
    info = ONE.task_series("ninedata_precheck_info")
    queries = (
        f"max by (instance, task_id) ({up})",
        f"max by (instance, task_id, kind, precheck_task_id) ({info})",
    )
    tables = (panels.rows(query) for query in queries)
    return panels.listing(words, columns, *tables, order=("Exporter",), hidden=("Value #B",))
