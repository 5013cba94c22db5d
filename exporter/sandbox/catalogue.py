"""The tasks that the sandbox serves: the demonstration with every state worth seeing, and fleets of plain ones.

All names, hosts and credentials are made up. The first task of each kind is the documented example.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from exporter.sandbox.check_items import CHECKS, EXAMPLES
from exporter.sandbox.scripts import Script, ScriptStatus, script_run
from exporter.sandbox.task_scripts import ComparisonScript, Execution, ReplicationScript, Stage, TaskScript

ACCESS_KEY_ID = "ak-sandbox-demo"
SECRET_KEY = "sk-sandbox-demo-not-a-secret"  # noqa: S105 - opens nothing but the sandbox

ID_PREFIXES = {"data_compare": "cd-", "schema_compare": "cc-", "replication": "rp-"}
"""How the ids of the tasks of each kind begin."""


@dataclass(frozen=True, slots=True)
class SandboxTask:
    """A task and what its precheck does. Without a script the API knows no precheck of the task."""

    task_id: str
    precheck_task_id: str
    """Empty for replication, whose prechecks have no id."""
    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    script: Script | None = None
    started_seconds_ago: float = 0.0
    """How long the precheck has run when the sandbox starts."""
    request_id: str | None = None
    """The documented request id, else one is made up for each request."""
    kind: str = "data_compare"
    task_script: TaskScript = field(default_factory=ComparisonScript)
    """What the task itself does."""
    numbers_as_text: bool = False
    """Whether the API gives the task's numbers as strings, as some of its documentation has them."""


def demo_tasks() -> tuple[SandboxTask, ...]:
    """The demonstration: passed, failed, warned, running, waiting, changing, and one whose query fails."""
    return tuple(_task(*row.split()) for row in _TASKS.strip().splitlines())


def fleet(count: int, kind: str = "data_compare") -> tuple[SandboxTask, ...]:
    """`count` tasks, `cd-fleet-00001` and on, whose precheck has passed."""
    script = Script((script_run(CHECKS[kind]),))
    names = [f"fleet-{number:05}" for number in range(1, count + 1)]
    return tuple(
        SandboxTask(
            ID_PREFIXES[kind] + name,
            _precheck_id(kind, name),
            name,
            script=script,
            kind=kind,
            task_script=_UNEVENTFUL[kind],
        )
        for name in names
    )


def _task(task_id: str, name: str, team: str, env: str) -> SandboxTask:
    kind = next(kind for kind, prefix in ID_PREFIXES.items() if task_id.startswith(prefix))
    precheck_id = _precheck_id(kind, f"{task_id.partition('-')[2][::-1]}7x")
    task_script = _TASK_SCRIPTS.get(name, _UNEVENTFUL[kind])
    task = SandboxTask(task_id, precheck_id, name, {"team": team, "env": env}, kind=kind, task_script=task_script)
    task = replace(task, **_MORE.get(name, {}))
    if name == "legacy-erp":
        return task
    ends = {item: (ScriptStatus.FAILED, reason) for item, reason in _FAILED.get(name, {}).items()}
    ends |= {item: (ScriptStatus.WARNING, reason) for item, reason in _WARNED.get(name, {}).items()}
    times, rest_seconds = _TIMES.get(name, ({}, math.inf))
    checks = EXAMPLES[kind] if name in _DOCUMENTED else CHECKS[kind]
    # payments-prod fails, is fixed and passes, about two minutes each.
    runs = [script_run(checks, each, **times) for each in ((ends, {}) if name == "payments-prod" else (ends,))]
    return replace(task, script=Script(tuple(runs), rest_seconds))


def _precheck_id(kind: str, name: str) -> str:
    return "" if kind == "replication" else f"pcte-{name}"


_TASKS = """
    cd-tg3isu1xgs    orders-prod        checkout   prod
    cd-b7k2m9qx4e    billing-eu         finance    prod
    cd-c4n8w1zr6t    customers-us       crm        prod
    cd-i9d3v5hy2k    inventory-prod     logistics  prod
    cd-m6f0s8gu3a    members-cn         crm        prod
    cd-l2x7j4pc9o    ledger-eu          finance    prod
    cd-w5e1t6kn8b    warehouse-archive  analytics  prod
    cd-s3h9r2fd7i    sessions-stage     platform   stage
    cd-p8y4a6mv1q    payments-prod      finance    prod
    cd-e1z5c7ob0u    search-dev         platform   dev
    cd-o0g6l3wt5s    legacy-erp         finance    prod
    cc-th6j3fs58y    orders-schema      checkout   prod
    cc-k4v9n2xw7d    inventory-schema   logistics  prod
    cc-n5r1q8yb3g    billing-schema     finance    prod
    cc-u7f2m4dz9p    search-schema      platform   dev
    rp-div0qqpbffio  orders-standby     checkout   prod
    rp-h2s8c5yk1wza  customers-dwh      analytics  prod
    rp-t6m3q9fb4elu  ledger-failover    finance    prod
    rp-j8w4v1xo7nrd  billing-dwh        analytics  prod
    rp-g3b7s9ck2miy  members-archive    crm        prod
"""
"""Task id, name, team, environment."""

_DOCUMENTED = ("orders-prod", "orders-schema", "orders-standby")
_MORE: dict[str, dict[str, Any]] = {
    "orders-prod": {"precheck_task_id": "pcte-dj02vti9tabd", "request_id": "Lu8t2KPM-eqqraVGnllse6BZdmnh5DQM"},
    "orders-schema": {"precheck_task_id": "pcte-dji009w2k499", "request_id": "Pc2k1HKI-CIJDvWQnEIIb9GFdDHg0IUT"},
    "orders-standby": {"request_id": "Tv8j8OCQ-JPQIeDXnIMNi2TEdLNx0HDG"},
    "customers-dwh": {"numbers_as_text": True},
    "billing-eu": {"numbers_as_text": True},
    "warehouse-archive": {"started_seconds_ago": 1500.0},
    "search-dev": {"started_seconds_ago": 20.0},
}
_TIMES: dict[str, tuple[dict[str, float], float]] = {
    "warehouse-archive": ({"seconds": 300, "queued_seconds": 20}, 1800),
    "sessions-stage": ({"seconds": 10, "queued_seconds": 6 * 3600}, 600),
    "payments-prod": ({"seconds": 3, "queued_seconds": 8}, 75),
    "search-dev": ({"seconds": 3, "queued_seconds": 9}, 37),
}
"""Seconds of each item and in the queue; how long the result stands before the precheck runs again."""

_UNEVENTFUL: dict[str, TaskScript] = {
    "data_compare": ComparisonScript(),
    "schema_compare": ComparisonScript(),
    "replication": ReplicationScript(),
}
"""A comparison that has found no difference, and a replication that keeps up."""
_TASK_SCRIPTS: dict[str, TaskScript] = {
    # Compares every ten minutes: four minutes long, now with differences, now with fewer.
    "billing-eu": ComparisonScript(
        (Execution(240, rows=(12, 0, 3), skipped_tables=1), Execution(240, rows=(2, 0, 0), skipped_tables=1)), 600
    ),
    "customers-us": ComparisonScript((Execution(3 * 3600, rows=(0, 41, 7)),)),
    "ledger-eu": ComparisonScript(
        (
            Execution(
                outcome="failed",
                error="Table ledger.entries: the connection ninedata:Sandbox-Pa55word@10.8.3.40:5432 was lost after "
                "3 retries. Check the target database and start the comparison again.",
                rows=(0, 0, 1),
            ),
        )
    ),
    "payments-prod": ComparisonScript((Execution(outcome="stopped"),)),
    "inventory-prod": ComparisonScript(waiting="notStarted"),
    "members-cn": ComparisonScript(waiting="notStarted"),
    "sessions-stage": ComparisonScript(waiting="notStarted"),
    "warehouse-archive": ComparisonScript(waiting="prechecking"),
    "search-dev": ComparisonScript(waiting="prechecking"),
    "inventory-schema": ComparisonScript(waiting="notStarted"),
    "billing-schema": ComparisonScript(
        (Execution(outcome="failed", error="Schema invoices is not in the target. Create it and compare again."),)
    ),
    "search-schema": ComparisonScript((Execution(60),), 240),
    "orders-standby": ReplicationScript((Stage("preCheckFailed", subtask="schema"),)),
    # Falls behind for five minutes, and needs ten to catch up.
    "customers-dwh": ReplicationScript((Stage(seconds=300, delay_seconds=900), Stage(seconds=600))),
    "ledger-failover": ReplicationScript((Stage("preCheckSuccess", subtask="schema"),)),
    "billing-dwh": ReplicationScript((Stage("abnormal", delay_seconds=5400),)),
    # Copies for half an hour, then follows for an hour.
    "members-archive": ReplicationScript((Stage(seconds=1800, subtask="full"), Stage(seconds=3600))),
}
"""What the tasks do that are not uneventful."""

_FAILED = {
    "inventory-prod": {
        "targetDataSourceCheck": (
            "Failed to connect to ninedata_ro@10.20.4.17:3306: Access denied (using password: YES). "
            "Verify the account of the target datasource, and that the gateway's address is allowed."
        ),
        "compareTargetPermissionCheck": (
            "The account lacks SELECT on 3 schemas: stock, stock_history, suppliers. "
            "Grant SELECT on them and run the precheck again."
        ),
        "targetDataExistCheck": (
            "Target tables are missing _sign and _version columns. Add the columns and run the precheck again."
        ),
    },
    # Hard to show: Chinese, quotes, line breaks, great length, and credentials that must be masked.
    "members-cn": {
        "srcDataSourceCheck": (
            '连接源数据库失败:"Communications link failure"\n'
            "jdbc:mysql://10.8.3.21:3306/crm?user=ninedata&password=Sandbox-Pa55word&useSSL=true\n"
            "登录账号 ninedata:Sandbox-Pa55word@10.8.3.21:3306。请检查网络白名单、账号和密码后重新预检查。"
        ),
        "comparePrimaryKeyCheck": (
            "80 tables have neither a primary key nor a unique key:\n"
            + ", ".join(f"`crm`.`member_{number:03}`" for number in range(1, 81))
            + ".\nAdd a primary key, or take these tables out of the comparison, and run the precheck again."
        ),
    },
    "payments-prod": {
        "targetDataExistCheck": (
            "Table payments.refunds does not exist in the target. "
            "Create it, or take it out of the comparison, and run the precheck again."
        )
    },
    "inventory-schema": {
        "compareTargetPermissionCheck": (
            "The account lacks SHOW VIEW on 2 schemas: stock, suppliers. Grant it and run the precheck again."
        )
    },
    "orders-standby": {
        "srcDataSourceCheck": (
            "Failed to connect datasource orders-prod-mysql: root@10.20.7.31:3306. Connection timed out. "
            "Open the firewall for the gateway's address and run the precheck again."
        )
    },
}
_WARNED = {
    "ledger-eu": {
        "compareTimeZoneCheck": (
            'The source is set to "Europe/Berlin", the target to "UTC": TIMESTAMP columns may be reported as '
            "different. Set the same time zone on both, or compare these columns by hand."
        )
    },
    "ledger-failover": {
        "srcBinlogCheck": (
            "The source keeps its change log for 6 hours only: a longer interruption needs a new full copy. "
            "Keep it for 24 hours or more."
        )
    },
}
