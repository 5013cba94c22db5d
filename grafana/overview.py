"""The dashboard of all tasks, in the order in which an eye asks: how many, which, why, and whether to believe it."""

from grafana_foundation_sdk.builders import barchart, dashboard, stat, statetimeline, table, timeseries

from grafana import links, panels, promql, states
from grafana.frame import add, frame
from grafana.panels import Column, Words
from grafana.promql import ALL

NO_ANSWER = "No answer"
"""Of a count, when no task could be queried: 0 would say that all is well."""


def overview() -> dashboard.Dashboard:
    """The dashboard of all tasks."""
    description = (
        "How the NineData prechecks of all watched tasks stand, what fails and why, and how the exporter fares."
    )
    board = frame("NineData prechecks", links.OVERVIEW_UID, description, ALL)
    board = board.links([links.to_dashboard("One task", links.TASK_UID), links.runbooks()])
    return add(
        board,
        [
            panel.span(4).height(4)
            for panel in (_failed(), _warning(), _running(), _unknown(), _not_queried(), _watched())
        ],
        [_timeline().span(24).height(13)],
        [_failing_items().span(24).height(14)],
        [_items_of_tasks().span(12).height(13), _results_of_items().span(12).height(13)],
        dashboard.Row("Exporter"),
        [_failed_queries().span(12).height(8), _durations().span(12).height(8)],
        [_requests().span(12).height(8), _failed_requests().span(12).height(8)],
        [_exporters().span(24).height(7)],
        dashboard.Row("Where the tasks come from"),
        [_kinds().span(8).height(8), _discovery().span(16).height(8)],
        [_task_files().span(24).height(7)],
    )


def _failed() -> stat.Panel:
    words = Words(
        "Failed",
        "Tasks whose precheck failed: NineData will not run them. The table below has what to mend; then run the "
        "precheck again.",
        NO_ANSWER,
    )
    link = links.to_docs("What to do", "alerts.md#ninedataprecheckfailed")
    return panels.number(words, promql.tasks_in(ALL, states.FAILED), states.FAILED.color).links([link])


def _warning() -> stat.Panel:
    words = Words(
        "Warning",
        "Tasks whose precheck, or one of its check items, ended with a warning. They can be run; read the reason "
        "below and decide. A failed task with a warning counts here, too.",
        NO_ANSWER,
    )
    link = links.to_docs("What to do", "alerts.md#ninedataprecheckwarning")
    return panels.number(words, promql.tasks_with_warnings(ALL), states.WARNING.color).links([link])


def _running() -> stat.Panel:
    words = Words(
        "Running",
        "Tasks whose precheck is under way. Wait; one that stays in this state for an hour is stuck.",
        NO_ANSWER,
    )
    link = links.to_docs("When it is stuck", "alerts.md#ninedataprecheckstuck")
    return panels.number(words, promql.tasks_in(ALL, states.RUNNING), states.RUNNING.color).links([link])


def _unknown() -> stat.Panel:
    words = Words(
        "Unknown",
        "Tasks for which NineData gives no status, or one that the exporter does not know. Look at them in the "
        "NineData console, and report the word that the exporter's page shows.",
        NO_ANSWER,
    )
    link = links.to_docs("What to do", "alerts.md#ninedataprecheckstatusunknown")
    return panels.number(words, promql.tasks_in(ALL, states.UNKNOWN), states.UNKNOWN.color).links([link])


def _not_queried() -> stat.Panel:
    words = Words(
        "Cannot be queried",
        "Tasks whose status is not known now, because no exporter's query of them succeeds. The reasons are under "
        "Exporter, below; the exporter's own page has the message.",
        "No exporter",
    )
    link = links.to_docs("What to do", "alerts.md#ninedataqueryfailing")
    return panels.number(words, promql.tasks_not_queried(ALL), states.NOT_QUERIED.color).links([link])


def _watched() -> stat.Panel:
    words = Words(
        "Watched",
        "Tasks that exporters watch. One that is missing here is in no configuration or task file and was not "
        "discovered, or the exporter is not scraped.",
        "No exporter",
    )
    return panels.number(words, promql.tasks_watched(ALL), states.NEUTRAL)


def _timeline() -> statetimeline.Panel:
    words = Words(
        "Status of every task",
        "Each task's precheck over time. Select a block to go to its task. A gap: nothing was scraped.",
        "No task is watched in this time range. Is the exporter scraped?",
    )
    query = panels.over_time(promql.task_state(ALL), "{{task}}")
    return panels.timeline(words, query, states.words(), per_page=25).data_links([links.task_of_series()])


def _failing_items() -> table.Panel:
    words = Words(
        "What fails and why",
        "Every check item in Failed or Warning now, with NineData's reason and remediation. Failed first. Mend it, and "
        "run the precheck again. No reason is shown where the exporter's failure_reasons is false.",
        "Nothing fails",
    )
    task_links = {"links": links.as_value(links.task_of_row(), links.page_of_row())}
    columns = (
        Column("Value", "Status", 110, panels.colored_words(states.words(states.STATUSES))),
        Column("task", "Task", 190, task_links),
        Column("kind", "Kind", 130),
        Column("item_name", "Check item", 210),
        Column("item", "Item id", 230),
        Column("reason", "Reason and remediation"),
    )
    query = panels.rows(promql.failing_items(ALL))
    order = ("-Status", "Task", "Check item")
    return panels.listing(words, columns, query, order=order, hidden=("task_id", "instance"))


def _items_of_tasks() -> barchart.Panel:
    words = Words(
        "Check items of each task",
        f"How many check items of each task are in which status now. At most {panels.MAX_BARS} tasks, those with the "
        "most failures first.",
        "No task was answered",
    )
    return panels.status_bars(words, promql.items_by_status(ALL, "task"), "task", "Task")


def _results_of_items() -> barchart.Panel:
    words = Words(
        "Which checks fail most",
        f"In how many tasks each check item passes, warns or fails now. At most {panels.MAX_BARS} items, those that "
        "fail most first: one that fails everywhere has one cause, such as a missing privilege or a closed network.",
        "No check item has a result",
    )
    return panels.status_bars(words, promql.results_by_item(ALL), "item", "Check item", states.RESULTS)


def _failed_queries() -> timeseries.Panel:
    words = Words(
        "Tasks that cannot be queried, by reason",
        "One failed query now and then is no harm. See what to do about each reason in the link.",
        "Every query succeeded",
    )
    link = links.to_docs("What to do about each reason", "metrics.md#values-of-reason-of-a-failed-query")
    return panels.stacked(words, "none", panels.over_time(promql.failed_queries(ALL), "{{reason}}")).links([link])


def _durations() -> timeseries.Panel:
    words = Words(
        "Time for queries",
        "How long a scrape takes (of an exporter with a target per task, the longest), the slowest and the median task "
        "in it, and 95 of 100 requests to the API. When a scrape nears scrape_timeout, raise that or the exporter's "
        "api.concurrency.",
        "No exporter was scraped",
    )
    seconds = ALL.task_series("ninedata_precheck_query_duration_seconds")
    scrape = promql.by_exporter(ALL, "scrape_duration_seconds")
    return panels.lines(
        words,
        "s",
        panels.over_time(scrape, "scrape of {{instance}}"),
        panels.over_time(f"max({seconds})", "slowest task"),
        panels.over_time(f"quantile(0.5, {seconds})", "median task"),
        panels.over_time(promql.request_seconds(ALL, 0.95), "95th percentile of requests"),
    )


def _requests() -> timeseries.Panel:
    words = Words(
        "Requests to the NineData API",
        "Each scrape sends one request per task, and one more where a connection is lost. To send fewer, scrape less "
        "often.",
        "No exporter was scraped",
    )
    query = promql.rate(ALL, "ninedata_api_requests_total", "instance", "kind")
    return panels.lines(words, "reqps", panels.over_time(query, "{{instance}} {{kind}}"))


def _failed_requests() -> timeseries.Panel:
    words = Words(
        "Requests without a usable answer, by reason",
        "Including those that succeeded when sent again. A steady level of one reason has one cause; see the link.",
        "No request failed",
    )
    query = f"{promql.rate(ALL, 'ninedata_api_request_failures_total', 'reason')} > 0"
    link = links.to_docs("What to do about each reason", "metrics.md#values-of-reason-of-a-failed-query")
    return panels.stacked(words, "reqps", panels.over_time(query, "{{reason}}")).links([link])


def _exporters() -> table.Panel:
    words = Words(
        "Exporters",
        "Each exporter now. Rejected: its configuration has a fault that its log names, and the one before stays in "
        "force. The API refuses every request when the clocks are 600 seconds apart: set the clock.",
        "No exporter is scraped",
    )
    reload = "ninedata_exporter_config_last_reload"
    columns = (
        Column("instance", "Exporter", 0, {"links": links.as_value(links.exporter_of_row())}),
        Column("Value #A", "Scraped", 110, panels.colored_words(states.yes_no("Yes", "No"))),
        Column("Value #C", "Tasks", 90),
        Column("Value #D", "Configuration", 130, panels.colored_words(states.yes_no("Loaded", "Rejected"))),
        Column("Value #E", "Loaded", 150, {"unit": "dateTimeFromNow"}),
        Column("Value #F", "API clock ahead by", 160, {"unit": "s"}),
        Column("Value #G", "Scrape takes", 130, {"unit": "s"}),
        Column("version", "Version", 110),
        Column("python_version", "Python", 110),
        Column("job", "Job", 140),
    )
    queries = (
        promql.by_exporter(ALL, "up"),
        promql.by_exporter(ALL, "ninedata_exporter_build_info", "version", "python_version"),
        f"sum by (job, instance) ({ALL.exporter_series('ninedata_exporter_watched_tasks')})",
        promql.by_exporter(ALL, f"{reload}_successful"),
        f"1000 * {promql.by_exporter(ALL, f'{reload}_success_timestamp_seconds')}",
        promql.by_exporter(ALL, "ninedata_api_clock_skew_seconds"),
        promql.by_exporter(ALL, "scrape_duration_seconds"),
    )
    tables = (panels.rows(query) for query in queries)
    return panels.listing(words, columns, *tables, order=("Exporter",), hidden=("Value #B",))


def _kinds() -> timeseries.Panel:
    words = Words(
        "Watched tasks by kind",
        "How many tasks of each kind are watched: data comparisons, schema comparisons, replications. A step without a "
        "change of yours comes from discovery or from a task file.",
        "No task is watched",
    )
    return panels.stacked(words, "none", panels.over_time(promql.tasks_by_kind(ALL), "{{kind}}"))


def _discovery() -> table.Panel:
    words = Words(
        "Discovery",
        "Each exporter's search for tasks now. Failed: the tasks that it knows stay watched, new ones are not found; "
        "the exporter's own page says what to do.",
        "No exporter discovers tasks",
    )
    columns = (
        Column("instance", "Exporter", 0, {"links": links.as_value(links.exporter_of_row())}),
        Column("kind", "Kind", 130),
        Column("Value #A", "Last search", 120, panels.colored_words(states.yes_no("Succeeded", "Failed"))),
        Column("reason", "Reason", 130),
        Column("Value #C", "Found", 90),
        Column("Value #D", "Takes", 90, {"unit": "s"}),
    )
    queries = (
        promql.of_discovery(ALL, "up"),
        promql.of_discovery(ALL, "failure_info", "reason"),
        promql.of_discovery(ALL, "tasks"),
        promql.of_discovery(ALL, "duration_seconds"),
    )
    tables = (panels.rows(query) for query in queries)
    return panels.listing(words, columns, *tables, order=("Exporter",), hidden=("Value #B", "job"))


def _task_files() -> table.Panel:
    words = Words(
        "Task files",
        "Each task file as each exporter has it now. Not as it is: it has a fault, so that its last good content stays "
        "in use, or it names tasks that another place names already; the exporter's own page says which.",
        "No exporter reads task files",
    )
    columns = (
        Column("file", "File"),
        Column("Value #A", "In use", 130, panels.colored_words(states.yes_no("As it is", "Not as it is"))),
        Column("Value #B", "Tasks", 90),
        Column("Value #C", "Good and new", 150, {"unit": "dateTimeFromNow"}),
        Column("instance", "Exporter", 220, {"links": links.as_value(links.exporter_of_row())}),
    )
    queries = (
        promql.by_file(ALL, "last_load_successful"),
        promql.by_file(ALL, "tasks"),
        f"1000 * {promql.by_file(ALL, 'last_load_success_timestamp_seconds')}",
    )
    tables = (panels.rows(query) for query in queries)
    return panels.listing(words, columns, *tables, order=("File", "Exporter"), hidden=("job",))
