"""The dashboard of all tasks, in the order in which an eye asks: how many, which, since when, why, and can I trust it."""

from grafana_foundation_sdk.builders import barchart, dashboard, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import dashboard as dashboard_models

from grafana import frame, panels, queries
from grafana.panels import Column, Words
from grafana.queries import ALL
from grafana.states import FAILED, REASON_COLORS, SUCCESS, WARNING, WORST_FIRST, mappings, words

_REASONS = f"[What to do about each reason]({frame.docs('metrics.md#values-of-reason-of-a-failed-query')})"


def overview() -> dashboard.Dashboard:
    """The dashboard of all tasks."""
    description = "The NineData prechecks of all watched tasks: how they stand, what fails and why, and the exporters."
    return frame.add(
        frame.frame("NineData prechecks", frame.OVERVIEW_UID, description, ALL),
        [_now().span(24).height(4)],
        [_attention().span(24).height(12)],
        [_timeline().span(24).height(16)],
        [_failing_items().span(24).height(14)],
        [_checks().span(24).height(9)],
        _row("Exporters", _exporters().span(24).height(7), _failed_queries().span(12).height(8), _durations().span(12).height(8), _requests().span(12).height(8), _failed_requests().span(12).height(8)),
        _row("Where the tasks come from", _discovery().span(12).height(8), _task_files().span(12).height(8)),
    )


def _row(title: str, *inner: stat.Panel | table.Panel | timeseries.Panel | barchart.Panel) -> dashboard.Row:
    row = dashboard.Row(title)
    for panel in inner:
        row = row.with_panel(panel)
    return row


def _now() -> stat.Panel:
    runbook = frame.docs("alerts.md#ninedata")
    words_ = Words(
        "Tasks by state, now",
        "Each watched task counts once.\n"
        f"- **Failed**: NineData does not run the task. [What to do]({runbook}precheckfailed)\n"
        f"- **Cannot be queried**: no exporter's query of it succeeds. [What to do]({runbook}queryfailing)\n"
        f"- **Unknown**: NineData gives no status, or a new one. [What to do]({runbook}precheckstatusunknown)\n"
        f"- **Warning**: the precheck or a check item has a warning. [What to do]({runbook}precheckwarning)\n"
        f"- **Unstarted**: nobody has started the precheck. [What to do]({runbook}prechecknotstarted)\n"
        f"- **Running**: for more than an hour is too long. [What to do]({runbook}precheckstuck)\n"
        f"- **Exporters down**: their tasks are not counted. [What to do]({runbook}exporterdown)",
        "No data",
    )
    counts = [panels.instant(queries.count_in(ALL, state), state.word) for state in WORST_FIRST]
    up = queries.exporters_up()
    counts.append(panels.instant(f"sum({up}) or vector(0)", "Exporters up"))
    counts.append(panels.instant(f"count({up} == 0)", "Exporters down"))
    colors = {state.word: state.color for state in WORST_FIRST} | {"Exporters down": FAILED.color}
    return panels.bad_at_zero(panels.numbers(words_, counts, colors), "Exporters up")


def _attention() -> table.Panel:
    words_ = Words(
        "Tasks that need attention",
        "Every task that is not well now, the worst first. Select a task to see all of its check items, or the page "
        "that its exporter has. Since: exact with the recording rules of this project, otherwise no more than the time "
        "range. Why: the beginning of the first of its failures; for a query that fails, see what to do in the link. " + _REASONS,
        "No task needs attention",
    )
    links = {"links": [frame.task_of_row(), frame.page_of_row()]}
    columns = (
        Column("Value #A", "Status", 150, panels.colored(words())),
        Column("task", "Task", 238, links),
        Column("Value #B", "Since", 112, {"unit": "dateTimeFromNow"}),
        Column("Value #C", "Failed", 62),
        Column("Value #D", "Warned", 72),
        Column("why", "Why"),
    )
    asked = (
        queries.attention(ALL),
        queries.since_of_attention(ALL),
        queries.items_in(ALL, FAILED),
        queries.items_in(ALL, WARNING),
        queries.reasons(ALL),
        f"{queries.pages(ALL)} and on (task_id, task) ({queries.attention(ALL)})",
    )
    hidden = ("task_id", "page", "Value #E", "Value #F")
    return panels.listing(words_, columns, *map(panels.rows, asked), order=("-Status", "Since"), hidden=hidden)


def _timeline() -> statetimeline.Panel:
    words_ = Words(
        "Status of every task",
        "Each task's worst state over time: those that fail at the end of the time range first, then those that are "
        "otherwise not well. Select a block to go to its task. A gap: nothing was scraped. Lines: an alert starts.",
    )
    query = panels.over_time(queries.worst_states(ALL), "{{task}}")
    return panels.timeline(words_, query, words(), per_page=25).data_links([frame.task_of_series()])


def _failing_items() -> table.Panel:
    words_ = Words(
        "What fails and why",
        "Every check item in Failed or Warning now, with NineData's reason and remediation, and every query that "
        "fails. Fix it, and run the precheck again. No reason: the exporter's failure_reasons is false. " + _REASONS,
        "No failing check item is known. Exporters that are down are in the table above.",
    )
    columns = (
        Column("Value", "Status", 150, panels.colored(words())),
        Column("task", "Task", 238, {"links": [frame.task_of_row()]}),
        Column("item_name", "Check item", 160),
        Column("reason", "Reason and remediation"),
    )
    query = panels.rows(queries.failing_items(ALL))
    return panels.listing(words_, columns, query, order=("-Status", "Task", "Check item"), hidden=("task_id", "item"))


def _checks() -> barchart.Panel:
    words_ = Words(
        "Which checks fail most",
        "In how many tasks each check item fails or warns now; at most 20 items, those that fail most first. One that "
        "fails everywhere has one cause, such as a missing privilege or a closed network.",
        "No failing check item is known",
    )
    return panels.bars(words_, queries.results_by_item(ALL), "item", "Check item", (FAILED, WARNING), most=20)


def _exporters() -> table.Panel:
    words_ = Words(
        "Exporters",
        "Each exporter now. Rejected: its configuration has a fault that its log names, and the one before stays in "
        "use. The API refuses every request when the clocks are 600 seconds apart: set the clock.",
        "Prometheus scrapes no exporter that the variables select",
    )
    reload = "ninedata_exporter_config_last_reload"
    columns = (
        Column("instance", "Exporter", 0, {"links": [frame.page_of_row()]}),
        Column("Value #A", "Scraped", 80, panels.colored(_yes_no("Yes", "No"))),
        Column("Value #C", "Tasks", 70),
        Column("Value #D", "Configuration", 110, panels.colored(_yes_no("Loaded", "Rejected"))),
        Column("Value #E", "Loaded", 110, {"unit": "dateTimeFromNow"}),
        Column("Value #F", "API clock", 90, {"unit": "s"}),
        Column("Value #G", "Scrape", 80, {"unit": "s"}),
        Column("version", "Version", 80),
    )
    asked = (
        queries.exporters_up(),
        queries.by_exporter("ninedata_exporter_build_info", "version"),
        f"sum by (job, instance) ({queries.exporters('ninedata_exporter_watched_tasks')})",
        queries.by_exporter(f"{reload}_successful"),
        f"1000 * {queries.by_exporter(f'{reload}_success_timestamp_seconds')}",
        queries.by_exporter("ninedata_api_clock_skew_seconds"),
        f"{queries.by_exporter('scrape_duration_seconds')} and {queries.exporters_up()}",
        queries.exporter_pages(),
    )
    hidden = ("Value #B", "Value #H", "job", "page")
    return panels.listing(words_, columns, *map(panels.rows, asked), order=("Scraped", "Exporter"), hidden=hidden)


def _failed_queries() -> timeseries.Panel:
    words_ = Words(
        "Tasks that cannot be queried, by reason",
        "One failed query now and then does no harm. " + _REASONS,
        "No task was queried in this time range",
    )
    return panels.stacked(words_, "none", panels.over_time(queries.failed_queries(ALL), "{{reason}}"), REASON_COLORS)


def _durations() -> timeseries.Panel:
    words_ = Words(
        "Time for queries",
        "How long a scrape takes (of an exporter with a target per task, the longest), the slowest and the median task "
        "in it, and 95 of 100 requests to the API. When a scrape nears scrape_timeout, raise that or the exporter's "
        "api.concurrency.",
        "No exporter was scraped in this time range",
    )
    seconds = ALL.tasks("ninedata_precheck_query_duration_seconds")
    scrape = f"{queries.by_exporter('scrape_duration_seconds')} and {queries.exporters_up()}"
    return panels.lines(
        words_,
        "s",
        panels.over_time(scrape, "scrape of {{instance}}"),
        panels.over_time(f"max({seconds})", "slowest task"),
        panels.over_time(f"quantile(0.5, {seconds})", "median task"),
        panels.over_time(queries.request_seconds(0.95), "95th percentile of requests"),
    )


def _requests() -> timeseries.Panel:
    words_ = Words(
        "Requests to the NineData API",
        "Each scrape sends one request per task, and one more where a connection is lost. To send fewer, scrape less "
        "often.",
        "No request is known in this time range",
    )
    query = queries.rate("ninedata_api_requests_total", "instance", "kind")
    return panels.lines(words_, "reqps", panels.over_time(query, "{{instance}} {{kind}}"))


def _failed_requests() -> timeseries.Panel:
    words_ = Words(
        "Requests without a usable answer, by reason",
        "Including those that succeeded when sent again. A steady level of one reason has one cause. " + _REASONS,
        "No request is known in this time range",
    )
    return panels.stacked(words_, "reqps", panels.over_time(queries.failed_requests(), "{{reason}}"), REASON_COLORS)


def _discovery() -> table.Panel:
    words_ = Words(
        "Discovery",
        "Each exporter's search for tasks now. Failed: the tasks that it knows stay watched, new ones are not found; "
        "the exporter's own page says what to do.",
        "No exporter that answers discovers tasks",
    )
    columns = (
        Column("instance", "Exporter", 0),
        Column("Value #A", "Search", 90, panels.colored(_yes_no("Succeeded", "Failed"))),
        Column("reason", "Reason", 80),
        Column("Value #C", "Found", 60),
    )
    asked = (
        queries.by_exporter("ninedata_discovery_up", "kind"),
        queries.by_exporter("ninedata_discovery_failure_info", "kind", "reason"),
        queries.by_exporter("ninedata_discovery_tasks", "kind"),
    )
    hidden = ("Value #B", "job", "kind")
    return panels.listing(words_, columns, *map(panels.rows, asked), order=("Search", "Exporter"), hidden=hidden)


def _task_files() -> table.Panel:
    words_ = Words(
        "Task files",
        "Each task file as each exporter has it now. Partly: it has a fault, so that its last good content stays in "
        "use, or it names tasks that another place names already; the exporter's own page says which.",
        "No exporter that answers reads task files",
    )
    columns = (
        Column("file", "File"),
        Column("Value #A", "In use", 80, panels.colored(_yes_no("Yes", "Partly"))),
        Column("Value #B", "Tasks", 60),
        Column("Value #C", "Changed", 100, {"unit": "dateTimeFromNow"}),
    )
    metrics = ("last_load_successful", "tasks", "last_load_success_timestamp_seconds")
    by_file = [queries.by_exporter(f"ninedata_exporter_task_file_{metric}", "file") for metric in metrics]
    by_file[2] = f"1000 * {by_file[2]}"
    hidden = ("job", "instance")
    return panels.listing(words_, columns, *map(panels.rows, by_file), order=("In use", "File"), hidden=hidden)


def _yes_no(yes: str, no: str) -> list[dashboard_models.ValueMap]:
    return mappings({"1": (yes, SUCCESS.color), "0": (no, FAILED.color)})
