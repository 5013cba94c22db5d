"""Ninety minutes in which everything happens that the dashboards show, as OpenMetrics text.

Each job is a case of its own: `ninedata` with two exporters of the same tasks, and exporters that have no tasks, are
down, or do not reach the API. The job `node` is a stranger.
"""

from collections.abc import Iterator

STEP = 60
END = 236_112 * 7200 - STEP  # within one block of two hours
START = END - 90 * STEP

STATUSES = ("Unstarted", "Running", "Success", "Warning", "Failed", "Unknown")

# What a task does: the minutes before the end from which it is in a state. A state is a status, or ! and the reason
# of a failed query.
TASKS = {
    "inventory-prod": [(90, "Success"), (45, "Running"), (40, "Failed")],
    'the "best" one': [(90, "Failed")],
    "it's here": [(90, "Failed")],
    r"win\share": [(90, "Failed")],
    "orders.v2 (eu)": [(90, "Warning")],
    "warned-item": [(90, "Success")],
    "members-cn": [(90, "Unknown")],
    "legacy-erp": [(90, "Success"), (20, "!not_found")],
    "runs-too-long": [(90, "Success"), (70, "Running")],
    "runs": [(90, "Success"), (5, "Running")],
    "waits-too-long": [(90, "Success"), (40, "Unstarted")],
    "waits": [(90, "Success"), (5, "Unstarted")],
    "failed-shortly": [(90, "Success"), (60, "Failed"), (58, "Success")],
    "billing-eu": [(90, "Success")],
}
# The own statuses of tasks: of some that have a precheck as well, and of some that have none. A status, or ! and the
# reason of a failed query; both where the results of a comparison are not known. The status of two comes from a list.
OWN = {
    "inventory-prod": [(90, "Running"), (30, "Stopped")],
    "billing-eu": [(90, "Running"), (50, "Failed")],
    "runs": [(90, "Abnormal")],
    "waits": [(90, "Running")],
    "own-suspended": [(90, "Suspended")],
    "own-success": [(90, "Running"), (10, "Success")],
    "own-query-fails": [(90, "Running"), (15, "!timeout")],
    "own-half-known": [(90, "Running!auth")],
    "listed": [(90, "NotStarted")],
    "list-fails": [(90, "Running"), (10, "")],
}
REPLICATIONS = ("runs", "waits", "own-suspended")
FAILURE = "Table ledger.entries: the connection was lost."
OWN_STATUSES = ("Failed", "Abnormal", "Unknown", "Suspended", "Stopped", "NotStarted", "Running", "Success")
WITHOUT_REASONS = "it's here"
LONG = "orders.v2 (eu)"
REASON = 'Access denied. Run: GRANT SELECT ON *.* TO "ninedata";'


def openmetrics() -> str:
    """The text that promtool makes blocks from."""
    lines = []
    for at in range(START, END + 1, STEP):
        for name, labels, value in _samples((END - at) // 60):
            text = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
            lines.append(f"{name}{{{text}}} {value} {at}")
    return "\n".join([*lines, "# EOF\n"])


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"")


Sample = tuple[str, dict[str, str], float]


def _samples(minutes: int) -> Iterator[Sample]:
    for instance in ("a:10199", "b:10199"):
        target = {"job": "ninedata", "instance": instance}
        yield from _exporter(target, minutes)
        for task, states in TASKS.items():
            state = [state for since, state in states if since >= minutes][-1]
            since = END - 60 * [since for since, _ in states if since >= minutes][-1]
            if task == "billing-eu" and instance == "b:10199":
                state = "!timeout"
            yield from _task(target, task, state, since)
        for task, states in OWN.items():
            yield from _own(target, task, [state for since, state in states if since >= minutes][-1], minutes)
    address = {"job": "ninedata", "instance": "a:10199", "external_url": "https://nd.example/a/"}
    yield ("ninedata_exporter_info", address, 1)
    yield from _exporter({"job": "ninedata-empty", "instance": "empty:10199"}, minutes)
    away = {"job": "ninedata-away", "instance": "away:10199"}
    yield from _exporter(away, minutes)
    yield from _task(away, "inventory-prod", "!connect", START)
    down = {"job": "ninedata-down", "instance": "down:10199"}
    if minutes > 30:
        yield from _exporter(down, minutes)
        yield ("up", {**down, "task_id": "cd-0", "task": "before" if minutes > 60 else "renamed"}, 1)
        yield from _task(down, "inventory-prod", "Success", START)
    else:
        yield ("up", down, 0)
    yield ("up", {"job": "node", "instance": "node:9100"}, 0)


def _exporter(target: dict[str, str], minutes: int) -> Iterator[Sample]:
    for metric in ("up", "scrape_duration_seconds", "ninedata_api_clock_skew_seconds"):
        yield (metric, target, 1)
    yield ("ninedata_exporter_build_info", {**target, "version": "1.2.3", "python_version": "3.13"}, 1)
    kind = {**target, "kind": "data_compare"}
    yield ("ninedata_exporter_watched_tasks", kind, len(TASKS))
    for metric in ("last_reload_successful", "last_reload_success_timestamp_seconds"):
        yield (f"ninedata_exporter_config_{metric}", target, 1)
    for metric in ("last_load_successful", "tasks", "last_load_success_timestamp_seconds"):
        yield (f"ninedata_exporter_task_file_{metric}", {**target, "file": "tasks.d/orders.yaml"}, 1)
    yield ("ninedata_discovery_up", {**target, "kind": "replication"}, 0)
    yield ("ninedata_discovery_tasks", {**target, "kind": "replication"}, 3)
    yield ("ninedata_discovery_failure_info", {**target, "kind": "replication", "reason": "auth"}, 1)
    sent = 100 - minutes
    yield ("ninedata_api_requests_total", kind, sent)
    yield ("ninedata_api_request_failures_total", {**kind, "reason": "timeout"}, sent)
    yield from (("ninedata_api_request_duration_seconds_bucket", {**kind, "le": le}, sent) for le in ("1", "+Inf"))


def _own(target: dict[str, str], name: str, state: str, minutes: int) -> Iterator[Sample]:
    known, _, reason = state.partition("!")
    task = {**target, "task_id": f"cd-{[*TASKS, *OWN].index(name)}", "task": name}
    kind = "replication" if name in REPLICATIONS else "data_compare"
    yield ("ninedata_task_info", {**task, "kind": kind}, 1)
    if not name.startswith("list"):
        yield ("ninedata_task_up", task, int(not reason))
        yield ("ninedata_task_query_duration_seconds", task, 0.3)
    if reason:
        yield ("ninedata_task_query_failure_info", {**task, "reason": reason}, 1)
    if known:
        yield from (("ninedata_task_status", {**task, "status": one}, int(one == known)) for one in OWN_STATUSES)
    if known == "Failed":
        yield ("ninedata_task_failure_info", {**task, "reason": FAILURE}, 1)
    if kind == "replication":
        running = {"schema": ("Success", 1), "full": ("Running", 0.9 - minutes / 100), "inc_writer": (known, 0)}
        for subtask, (status, progress) in running.items():
            labels = {**task, "subtask": subtask}
            yield ("ninedata_replication_subtask_status", {**labels, "status": status}, 1)
            yield ("ninedata_replication_progress_ratio", labels, progress)
        yield ("ninedata_replication_delay_seconds", {**task, "subtask": "inc_writer"}, 30 if name == "runs" else 5400)
    elif not reason and not name.startswith("list"):
        for rows, difference in enumerate(("only_source", "only_target", "different")):
            yield ("ninedata_comparison_different_rows", {**task, "difference": difference}, rows)
        yield ("ninedata_comparison_skipped_tables", task, 4)
        yield ("ninedata_comparison_execution_update_timestamp_seconds", task, START)


def _task(target: dict[str, str], name: str, state: str, since: int) -> Iterator[Sample]:
    number = list(TASKS).index(name)
    task = {**target, "task_id": f"cd-{number}", "task": name}
    failed = state.startswith("!")
    yield ("ninedata_precheck_up", task, int(not failed))
    yield ("ninedata_precheck_info", {**task, "kind": "data_compare", "precheck_task_id": f"pcte-{number}"}, 1)
    yield ("ninedata_precheck_query_duration_seconds", task, 0.2)
    if failed:
        yield ("ninedata_precheck_query_failure_info", {**task, "reason": state[1:]}, 1)
        return
    items = {"source": state, "target": state if name == "inventory-prod" else "Success"}
    if name == "warned-item":
        items["target"] = "Warning"
    for status in STATUSES:
        yield ("ninedata_precheck_status", {**task, "status": status}, int(status == state))
        yield ("ninedata_precheck_items", {**task, "status": status}, list(items.values()).count(status))
    for item, status in items.items():
        yield ("ninedata_precheck_item_status", {**task, "item": item, "status": status}, 1)
        if status in {"Failed", "Warning"} and name != WITHOUT_REASONS:
            info = {
                **task,
                "item": item,
                "item_name": f"Check of the {item}",
                "reason": REASON * (3 if name == LONG else 1),
            }
            yield ("ninedata_precheck_item_failure_info", info, 1)
        if status == "Failed":
            alert = {**task, "item": item, "status": status, "precheck_task_id": f"pcte-{number}"}
            alert |= {"alertname": "NineDataPrecheckFailed", "alertstate": "firing", "severity": "critical"}
            yield ("ALERTS", alert, 1)
    if name != "members-cn":
        yield ("ninedata:precheck_status:since_timestamp_seconds", {**task, "status": state}, since)
