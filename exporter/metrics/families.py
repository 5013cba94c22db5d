"""Every metric family that the exporter declares, as data: the code, the documents and the tests read it here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """A metric family: its name as exposed, its help, its labels in order, and its type."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    type: str = "gauge"
    buckets: tuple[float, ...] = ()
    note: str = ""
    """More for the reader of the documentation."""


_WHOLE = "Absent until every source of these tasks was read whole once since the start."

PRECHECK_FAMILIES = (
    UP := Family(
        "ninedata_precheck_up",
        "1 if this scrape's query of the precheck was answered and understood, 0 if not.",
        note="While 0, none of the precheck's status, items, item_status and item_failure_info series are exported.",
    ),
    QUERY_FAILURE_INFO := Family(
        "ninedata_precheck_query_failure_info",
        "Why this scrape's query of the precheck failed; only while ninedata_precheck_up is 0.",
        ("reason",),
    ),
    QUERY_DURATION := Family(
        "ninedata_precheck_query_duration_seconds",
        "Time that this scrape spent on the query of the precheck, retries included.",
        note="Includes waits for `api.rate_limit`, and for other scrapes that use all of `api.concurrency`; "
        "`ninedata_api_request_duration_seconds` does not.",
    ),
    INFO := Family(
        "ninedata_precheck_info",
        "The watched task's kind and precheck.",
        ("kind", "precheck_task_id"),
        note="Always 1, whether or not the query succeeds.",
    ),
    STATUS := Family(
        "ninedata_precheck_status",
        "1 for the precheck's current status, 0 for the others.",
        ("status",),
        note="Exactly one status of a task is 1. `Unknown` stands for every word that the exporter does not know.",
    ),
    ITEMS := Family(
        "ninedata_precheck_items",
        "Number of the precheck's check items in each status.",
        ("status",),
        note="Every status is present; their sum is the number of check items.",
    ),
    ITEM_STATUS := Family(
        "ninedata_precheck_item_status",
        "1 for the current status of each check item.",
        ("item", "status"),
        note="One series per check item. `item` is the API's stable identifier; a repeated one gets a number "
        "(`item#2`), a missing one is the position (`item_3`).",
    ),
    ITEM_FAILURE_INFO := Family(
        "ninedata_precheck_item_failure_info",
        "The failure reason and remediation that the API gives for a check item in status Failed or Warning.",
        ("item", "item_name", "reason"),
        note="Credentials are masked. Of a `reason` that is too long the middle is left out ([Limits](#limits)). "
        "Not exported with `failure_reasons: false`.",
    ),
)

STATE_FAMILIES = (
    TASK_UP := Family(
        "ninedata_task_up",
        "1 if this scrape's query of the task itself was answered and understood, 0 if not.",
        note="Absent for a discovered task without `task_status: true`: its status comes from the list, see "
        "`ninedata_discovery_up`. While 0, status, failure text, results and subtasks are not exported, with one "
        "exception: if only the query of a comparison's latest execution fails, status and failure text are.",
    ),
    TASK_QUERY_FAILURE_INFO := Family(
        "ninedata_task_query_failure_info",
        "Why this scrape's query of the task itself failed; only while ninedata_task_up is 0.",
        ("reason",),
    ),
    TASK_QUERY_DURATION := Family(
        "ninedata_task_query_duration_seconds",
        "Time that this scrape spent on the query of the task itself, retries included.",
        note="For a comparison with the query of its latest execution.",
    ),
    TASK_INFO := Family(
        "ninedata_task_info",
        "The kind of a task whose own status is watched.",
        ("kind",),
        note="Always 1, whether or not the query succeeds.",
    ),
    TASK_STATUS := Family(
        "ninedata_task_status",
        "1 for the current status of the task itself, 0 for the others.",
        ("status",),
        note="Exactly one status of a task is 1.",
    ),
    TASK_FAILURE_INFO := Family(
        "ninedata_task_failure_info",
        "The API's text about what went wrong with the task.",
        ("reason",),
        note="Only if the API gives one. Credentials are masked, and the middle of a long text is left out. Not "
        "exported with `failure_reasons: false`.",
    ),
    DIFFERENT_ROWS := Family(
        "ninedata_comparison_different_rows",
        "Rows that the latest execution of a data comparison found different.",
        ("difference",),
        note="`difference` is `only_source`, `only_target` or `different`.",
    ),
    SKIPPED_TABLES := Family(
        "ninedata_comparison_skipped_tables", "Tables that the latest execution of a data comparison skipped."
    ),
    EXECUTION_START := Family(
        "ninedata_comparison_execution_start_timestamp_seconds",
        "When the latest execution of a comparison was created, in seconds since the epoch.",
    ),
    EXECUTION_UPDATE := Family(
        "ninedata_comparison_execution_update_timestamp_seconds",
        "When the latest execution of a comparison was last updated, in seconds since the epoch.",
    ),
    REPLICATION_DELAY := Family(
        "ninedata_replication_delay_seconds",
        "How far a subtask of a replication is behind its source.",
        ("subtask",),
        note="Only subtasks with a delay, which are the incremental ones.",
    ),
    REPLICATION_PROGRESS := Family(
        "ninedata_replication_progress_ratio",
        "Progress of a subtask of a replication, from 0 to 1.",
        ("subtask",),
        note="As the API tells it: a running incremental subtask stays at 0.",
    ),
    SUBTASK_STATUS := Family(
        "ninedata_replication_subtask_status",
        "1 for the current status of each subtask of a replication.",
        ("subtask", "status"),
        note="One series per subtask.",
    ),
)
TASK_FAMILIES = PRECHECK_FAMILIES + STATE_FAMILIES

DISCOVERY_FAMILIES = (
    DISCOVERY_UP := Family(
        "ninedata_discovery_up",
        "1 if this scrape's discovery of tasks succeeded, 0 if not.",
        ("kind",),
        note="Only with `discovery`. While 0, the tasks found earlier stay watched.",
    ),
    DISCOVERY_FAILURE_INFO := Family(
        "ninedata_discovery_failure_info",
        "Why this scrape's discovery of tasks failed; only while ninedata_discovery_up is 0.",
        ("kind", "reason"),
    ),
    DISCOVERY_DURATION := Family(
        "ninedata_discovery_duration_seconds",
        "Time that this scrape spent on discovery.",
        ("kind",),
        note="Known tasks are queried at the same time.",
    ),
    DISCOVERY_TASKS := Family(
        "ninedata_discovery_tasks",
        "Number of tasks that are watched because discovery found them.",
        ("kind",),
        note=_WHOLE,
    ),
)

OWN_FAMILIES = (
    API_REQUESTS := Family(
        "ninedata_api_requests_total", "Requests sent to the NineData API.", ("kind",), type="counter"
    ),
    API_REQUEST_FAILURES := Family(
        "ninedata_api_request_failures_total",
        "Requests to the NineData API that returned no usable answer.",
        ("kind", "reason"),
        type="counter",
        note="Every reason starts at 0. A retried request counts each time.",
    ),
    API_REQUEST_DURATION := Family(
        "ninedata_api_request_duration_seconds",
        "Time from sending a request until its answer was understood, or until it failed.",
        ("kind",),
        type="histogram",
        buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    ),
    API_CLOCK_SKEW := Family(
        "ninedata_api_clock_skew_seconds",
        "The API server's clock minus this machine's, from the Date header of the latest answer.",
        note="Accurate to about a second. Absent until an answer had the header. The API rejects more than 600 s.",
    ),
    WATCHED_TASKS := Family(
        "ninedata_exporter_watched_tasks",
        "Number of watched tasks.",
        ("kind",),
        note="With `--shard`: of this shard. " + _WHOLE,
    ),
    TASK_FILE_SUCCESSFUL := Family(
        "ninedata_exporter_task_file_last_load_successful",
        "1 if the whole current content of a task file is in use, 0 if not.",
        ("file",),
        note="0 while the file has a fault (its last good content stays in use) or repeats a task of another source.",
    ),
    TASK_FILE_TIMESTAMP := Family(
        "ninedata_exporter_task_file_last_load_success_timestamp_seconds",
        "When the content of a task file was last loaded, in seconds since the epoch.",
        ("file",),
    ),
    TASK_FILE_TASKS := Family(
        "ninedata_exporter_task_file_tasks",
        "Number of tasks in the content of a task file that is in use.",
        ("file",),
        note="Includes those of other shards. Absent until the file was loaded once.",
    ),
    SHARD_INFO := Family(
        "ninedata_exporter_shard_info",
        "The share of the tasks that this exporter watches.",
        ("shard", "shards"),
        note="Only with `--shard`.",
    ),
    RELOAD_SUCCESSFUL := Family(
        "ninedata_exporter_config_last_reload_successful",
        "1 if the last attempt to load the configuration succeeded, 0 if not.",
        note="0 also while a secret or certificate file that it names has a fault; the last good content stays in use.",
    ),
    RELOAD_TIMESTAMP := Family(
        "ninedata_exporter_config_last_reload_success_timestamp_seconds",
        "When the configuration was last loaded successfully, in seconds since the epoch.",
    ),
    WEB_CONFIG_RELOAD_SUCCESSFUL := Family(
        "ninedata_exporter_web_config_last_reload_successful",
        "1 if the last attempt to load the web configuration succeeded, 0 if not.",
        note="Absent without `--web.config.file`. While 0, the last good one stays in force; the log says what is "
        "wrong.",
    ),
    EXPORTER_INFO := Family(
        "ninedata_exporter_info",
        "The address under which people reach the exporter.",
        ("external_url",),
        note="Always 1. Only with `--web.external-url`. Alerts and dashboards link to the exporter's pages by it.",
    ),
    BUILD_INFO := Family(
        "ninedata_exporter_build_info", "The versions of the exporter and of Python.", ("version", "python_version")
    ),
)
