"""The dashboard of all tasks, in the order in which an eye asks: how many, which, since when, why; can I believe it."""

from collections.abc import Iterable

from grafana_foundation_sdk.builders import dashboard

from grafana import exporters, frame, panels, promql, queries
from grafana.exporters import by_exporter, exporters_up
from grafana.migrations import TURN_ON, migrations
from grafana.panels import Column, Panel, over_time
from grafana.promql import ALL
from grafana.states import FAILED, REASON_COLORS, SUCCESS, TRANSPARENT, WARNING, WORST_FIRST, mapping, own_words, words

_STATUS = panels.colored(words())


def overview() -> dashboard.Dashboard:
    """The dashboard of all tasks."""
    description = "All watched NineData tasks: prechecks, migrations, what fails and why, and the exporters."
    board = frame.frame("NineData tasks", frame.OVERVIEW_UID, description, ALL)
    sizes = ((20, 3), (4, 3), (24, 13), (24, 16), (24, 14), (24, 8))
    board = frame.place(board, sizes, (_now(), _exporters_now(), _attention(), _timeline(), *_checks()))
    board = board.with_row(dashboard.Row("Migrations").collapsed(collapsed=False))
    board = frame.place(board, ((24, 10), (24, 11), (24, 16), (24, 12), (24, 12)), migrations())
    watchers = frame.place(dashboard.Row("Exporters"), ((24, 7), *[(12, 8)] * 4), _exporters())
    sources = frame.place(dashboard.Row("Where the tasks come from"), [(12, 8)] * 2, _sources())
    return board.with_row(watchers).with_row(sources)


def _now() -> Panel:
    runbook = frame.docs("alerts.md#ninedata")
    return panels.numbers(
        "Tasks by state",
        "At the end of the time range, each watched task once: the worse of its precheck and of its own status, where "
        f"each is watched. [All alerts]({frame.docs('alerts.md')})\n"
        "- **Failed**: the precheck or the task itself failed; of a replication also Abnormal and PrecheckFailed. "
        f"[What to do]({runbook}precheckfailed)\n"
        f"- **Query failing**: no exporter's query of it succeeds. [What to do]({runbook}queryfailing)\n"
        f"- **Unknown**: NineData gives no status, or a new one. [What to do]({runbook}precheckstatusunknown)\n"
        f"- **Warning**: the precheck or a check item has a warning ([what to do]({runbook}precheckwarning)), a "
        f"replication is late ([what to do]({runbook}replicationdelayed)), or a comparison that succeeded found rows "
        f"that differ ([what to do]({runbook}comparisondifferent))\n"
        "- **Stopped**: the task was stopped, suspended or locked. "
        f"[What to do]({runbook}replicationstopped)\n"
        f"- **Unstarted**: nobody has started the task, or its precheck. [What to do]({runbook}prechecknotstarted)\n"
        f"- **Running**: a precheck that runs for more than an hour is stuck. [What to do]({runbook}precheckstuck)",
        {state.word: (queries.count_in(ALL, state), TRANSPARENT, state.color) for state in WORST_FIRST},
    )


def _exporters_now() -> Panel:
    return panels.numbers(
        "Exporters",
        "How many exporters Prometheus can scrape. The tasks of those that are down are not counted. "
        f"[What to do]({frame.docs('alerts.md#ninedataexporterdown')})",
        {
            "Up": (f"sum({exporters_up()}) or vector(0)", FAILED.color, TRANSPARENT),
            "Down": (f"count({exporters_up()} == 0)", TRANSPARENT, FAILED.color),
        },
    )


def _attention() -> Panel:
    columns = (
        Column("Value #A", "Status", 112, _STATUS),
        Column("task", "Task", 222, {"links": [frame.place_of_row(), frame.page_of_row()]}),
        Column("status", "Own status", 128, panels.colored(own_words(TURN_ON))),
        Column("Value #B", "Since", 122, {"unit": "dateTimeFromNow"}),
        Column("Value #C", "Items", 58),
        Column("why", "Why"),
    )
    return panels.listing(
        "Tasks that need attention",
        "Every task that is not well now, the worst first. Select a task to see all of it, or the page that its "
        "exporter has. Own status: what NineData says of the task itself, where that is watched. Since: since when it "
        "is seen in this status; exact for prechecks with the recording rules of this project, otherwise no more than "
        "the time range. Items: check items that fail or warn. Why: the beginning of "
        f"the first of its failures. {frame.REASONS}",
        "No watched task needs attention",
        columns,
        queries.attention(ALL),
        queries.since_of_attention(ALL),
        queries.items_of_attention(ALL),
        queries.statuses_of_attention(ALL),
        queries.reasons(ALL),
        queries.places(ALL, frame.TASK_UID, frame.OVERVIEW_UID),
        order=("-Status", "Since"),
    )


def _timeline() -> Panel:
    panel = panels.timeline(
        "Status of every task",
        "Each task's worst state over time, of its precheck and of the task itself: those that fail at the end first, "
        "then those that are otherwise not well. Select a block to go to its task. A gap: nothing was scraped. Lines: "
        "an alert starts.",
        words(),
        over_time(queries.worst_states(ALL), "{{task}}"),
    )
    return panel.data_links([frame.task_of_series()])


def _checks() -> Iterable[Panel]:
    yield panels.listing(
        "What fails and why",
        "Every check item in Failed or Warning now, with NineData's reason and remediation, every task that itself "
        "failed, stopped, is late or found differences, and every query that fails. Fix it, and run the precheck or "
        f"the task again. No reason: the exporter's failure_reasons is off. {frame.REASONS}",
        "No failing check item is known. Exporters that are down are in the table above.",
        (
            Column("Value", "Status", 112, _STATUS),
            Column("task", "Task", 238, {"links": [frame.task_of_row()]}),
            Column("item_name", "Check item", 160),
            Column("reason", "Reason and remediation"),
        ),
        queries.failing_items(ALL),
        order=("-Status", "Task", "Check item"),
    )
    yield panels.listing(
        "Which checks fail most",
        "In how many tasks each check item fails or warns now. One that fails everywhere has one cause, such as a "
        "missing privilege or a closed network.",
        "No failing check item is known",
        (
            Column("item", "Check item"),
            Column("Value #A", "Fails in tasks", 150),
            Column("Value #B", "Warns in tasks", 150),
        ),
        *(f"count by (item) (max by (task_id, item) ({queries.item(ALL, state)}))" for state in (FAILED, WARNING)),
        order=("-Fails in tasks", "-Warns in tasks"),
    )


def _exporters() -> Iterable[Panel]:
    reload = "ninedata_exporter_config_last_reload"
    columns = (
        Column("instance", "Exporter", 0, {"links": [frame.page_of_row()]}),
        Column("Value #A", "Scraped", 80, _yes_no("Yes", "No")),
        Column("Value #C", "Tasks", 70),
        Column("Value #D", "Configuration", 115, _yes_no("Loaded", "Rejected")),
        Column("Value #E", "Loaded", 110, {"unit": "dateTimeFromNow"}),
        Column("Value #F", "API clock", 90, {"unit": "s"}),
        Column("Value #G", "Scrape", 80, {"unit": "s"}),
        Column("version", "Version", 80),
    )
    scrapes = f"{by_exporter('scrape_duration_seconds')} and {exporters_up()}"
    yield panels.listing(
        "Each exporter",
        "Each exporter now. Rejected: its configuration has a fault that its log names, and the one before stays in "
        "use. The API refuses every request when the clocks are 600 seconds apart: set the clock.",
        "Prometheus scrapes no exporter that the variables select",
        columns,
        exporters_up(),
        by_exporter("ninedata_exporter_build_info", "version"),
        f"sum by (job, instance) ({promql.exporters('ninedata_exporter_watched_tasks')})",
        by_exporter(f"{reload}_successful"),
        f"1000 * {by_exporter(f'{reload}_success_timestamp_seconds')}",
        by_exporter("ninedata_api_clock_skew_seconds"),
        scrapes,
        exporters.exporter_pages(),
        order=("Scraped", "Exporter"),
    )
    failing = panels.lines(
        "none",
        "Query failing, by reason",
        f"Tasks that no exporter can query. One failed query now and then does no harm. {frame.REASONS}",
        "No task was queried in this time range",
        over_time(queries.failed_queries(ALL), "{{reason}}"),
    )
    yield panels.stacked(failing, REASON_COLORS)
    seconds = ALL.tasks("", '__name__=~"ninedata_(precheck|task)_query_duration_seconds"')
    yield panels.lines(
        "s",
        "Time for queries",
        "How long a scrape takes (of an exporter with a target per task, the longest), the slowest and the median task "
        "in it, and 95 of 100 requests to the API. When a scrape nears scrape_timeout, raise that or the exporter's "
        "api.concurrency.",
        "No exporter was scraped in this time range",
        over_time(scrapes, "scrape of {{instance}}"),
        over_time(f"max({seconds})", "slowest task"),
        over_time(f"quantile(0.5, {seconds})", "median task"),
        over_time(exporters.request_seconds(0.95), "95th percentile of requests"),
    )
    yield panels.lines(
        "reqps",
        "Requests to the NineData API",
        "Each scrape sends one request per precheck, one or two more per task whose own status is watched, and one "
        "more where a connection is lost. To send fewer, scrape less often.",
        "No request is known in this time range",
        over_time(exporters.rate("ninedata_api_requests_total", "instance", "kind"), "{{instance}} {{kind}}"),
    )
    failed = panels.lines(
        "reqps",
        "Requests without a usable answer, by reason",
        f"Including those that succeeded when sent again. A steady level of one reason has one cause. {frame.REASONS}",
        "No request is known in this time range",
        over_time(exporters.failed_requests(), "{{reason}}"),
    )
    yield panels.stacked(failed, REASON_COLORS)


def _sources() -> Iterable[Panel]:
    yield panels.listing(
        "Discovery",
        "Each exporter's search for tasks now. Failed: the tasks that it knows stay watched, new ones are not found; "
        "the exporter's own page says what to do.",
        "No exporter that answers discovers tasks",
        (
            Column("instance", "Exporter"),
            Column("Value #A", "Search", 90, _yes_no("Succeeded", "Failed")),
            Column("reason", "Reason", 80),
            Column("Value #C", "Found", 60),
        ),
        by_exporter("ninedata_discovery_up", "kind"),
        by_exporter("ninedata_discovery_failure_info", "kind", "reason"),
        by_exporter("ninedata_discovery_tasks", "kind"),
        order=("Search", "Exporter"),
    )
    file = "ninedata_exporter_task_file"
    yield panels.listing(
        "Task files",
        "Each task file as each exporter has it now. Partly: it has a fault, so that its last good content stays in "
        "use, or it names tasks that another place names already; the exporter's own page says which.",
        "No exporter that answers reads task files",
        (
            Column("file", "File"),
            Column("Value #A", "In use", 80, _yes_no("Yes", "Partly")),
            Column("Value #B", "Tasks", 60),
            Column("Value #C", "Changed", 100, {"unit": "dateTimeFromNow"}),
        ),
        by_exporter(f"{file}_last_load_successful", "file"),
        by_exporter(f"{file}_tasks", "file"),
        f"1000 * {by_exporter(f'{file}_last_load_success_timestamp_seconds', 'file')}",
        order=("In use", "File"),
    )


def _yes_no(yes: str, no: str) -> dict[str, object]:
    return panels.colored(mapping({"1": (yes, SUCCESS.color), "0": (no, FAILED.color)}))
