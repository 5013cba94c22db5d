"""The tasks that the sandbox serves: the demonstration with every state worth seeing, and fleets of plain ones.

All names, hosts and credentials are made up. The first task of each kind is the documented example.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from exporter.sandbox.check_items import CHECKS, EXAMPLES
from exporter.sandbox.scripts import Script, ScriptRun, ScriptStatus, script_run

ACCESS_KEY_ID = "ak-sandbox-demo"
SECRET_KEY = "sk-sandbox-demo-not-a-secret"  # noqa: S105 - opens nothing but the sandbox

ID_PREFIXES = {"data_compare": "cd-", "schema_compare": "cc-", "replication": "rp-"}
"""How the ids of the tasks of each kind begin."""

_MINUTE = 60.0
_HOUR = 60 * _MINUTE


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
    task_status: str = "running"
    """As the list of replication tasks shows it."""


def demo_tasks() -> tuple[SandboxTask, ...]:
    """The demonstration: passed, failed, warned, running, waiting, changing, and one whose query fails."""
    orders = _task("cd-tg3isu1xgs", "orders-prod", "checkout prod", Script((ScriptRun(EXAMPLES["data_compare"]),)))
    schema = _task("cc-th6j3fs58y", "orders-schema", "checkout prod", Script((ScriptRun(EXAMPLES["schema_compare"]),)))
    standby = _task("rp-div0qqpbffio", "orders-standby", "checkout prod", _source_unreachable())
    failover = _task("rp-t6m3q9fb4elu", "ledger-failover", "finance prod", _change_log_short())
    return (
        replace(orders, precheck_task_id="pcte-dj02vti9tabd", request_id="Lu8t2KPM-eqqraVGnllse6BZdmnh5DQM"),
        _task("cd-b7k2m9qx4e", "billing-eu", "finance prod", _passed("data_compare")),
        _task("cd-c4n8w1zr6t", "customers-us", "crm prod", _passed("data_compare")),
        _task("cd-i9d3v5hy2k", "inventory-prod", "logistics prod", _three_failures()),
        _task("cd-m6f0s8gu3a", "members-cn", "crm prod", _long_texts()),
        _task("cd-l2x7j4pc9o", "ledger-eu", "finance prod", _time_zones_differ()),
        _task("cd-w5e1t6kn8b", "warehouse-archive", "analytics prod", _runs_for_an_hour(), 25 * _MINUTE),
        _task("cd-s3h9r2fd7i", "sessions-stage", "platform stage", _waits_for_hours()),
        _task("cd-p8y4a6mv1q", "payments-prod", "finance prod", _fails_and_is_fixed()),
        _task("cd-e1z5c7ob0u", "search-dev", "platform dev", _runs_again_and_again(), 20.0),
        _task("cd-o0g6l3wt5s", "legacy-erp", "finance prod", None),
        replace(schema, precheck_task_id="pcte-dji009w2k499", request_id="Pc2k1HKI-CIJDvWQnEIIb9GFdDHg0IUT"),
        _task("cc-k4v9n2xw7d", "inventory-schema", "logistics prod", _privilege_missing()),
        replace(standby, request_id="Tv8j8OCQ-JPQIeDXnIMNi2TEdLNx0HDG", task_status="preCheckFailed"),
        _task("rp-h2s8c5yk1wza", "customers-dwh", "analytics prod", _passed("replication")),
        replace(failover, task_status="preCheckSuccess"),
    )


def fleet(count: int, kind: str = "data_compare") -> tuple[SandboxTask, ...]:
    """`count` tasks, `cd-fleet-00001` and on, whose precheck has passed."""
    script = _passed(kind)
    names = [f"fleet-{number:05}" for number in range(1, count + 1)]
    return tuple(
        SandboxTask(ID_PREFIXES[kind] + name, _precheck_id(kind, name), name, script=script, kind=kind)
        for name in names
    )


def _task(task_id: str, name: str, owner: str, script: Script | None, started_seconds_ago: float = 0.0) -> SandboxTask:
    """A task of the kind that its id tells. Its precheck's id is derived, to keep the table readable."""
    team, env = owner.split()
    kind = next(kind for kind, prefix in ID_PREFIXES.items() if task_id.startswith(prefix))
    precheck_id = _precheck_id(kind, f"{task_id.partition('-')[2][::-1]}7x")
    return SandboxTask(task_id, precheck_id, name, {"team": team, "env": env}, script, started_seconds_ago, kind=kind)


def _precheck_id(kind: str, name: str) -> str:
    return "" if kind == "replication" else f"pcte-{name}"


def _passed(kind: str) -> Script:
    return Script((script_run(CHECKS[kind]),))


def _failed(kind: str, reasons: Mapping[str, str]) -> Script:
    return Script((script_run(CHECKS[kind], {item: (ScriptStatus.FAILED, text) for item, text in reasons.items()}),))


def _warned(kind: str, item: str, reason: str) -> Script:
    return Script((script_run(CHECKS[kind], {item: (ScriptStatus.WARNING, reason)}),))


def _three_failures() -> Script:
    """One of them has the address of a database."""
    return _failed(
        "data_compare",
        {
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
    )


def _long_texts() -> Script:
    """Hard to show: Chinese, quotes, line breaks, great length, and credentials that must be masked."""
    tables = ", ".join(f"`crm`.`member_{number:03}`" for number in range(1, 81))
    return _failed(
        "data_compare",
        {
            "srcDataSourceCheck": (
                '连接源数据库失败:"Communications link failure"\n'
                "jdbc:mysql://10.8.3.21:3306/crm?user=ninedata&password=Sandbox-Pa55word&useSSL=true\n"
                "登录账号 ninedata:Sandbox-Pa55word@10.8.3.21:3306。请检查网络白名单、账号和密码后重新预检查。"
            ),
            "comparePrimaryKeyCheck": (
                f"80 tables have neither a primary key nor a unique key:\n{tables}.\n"
                "Add a primary key, or take these tables out of the comparison, and run the precheck again."
            ),
        },
    )


def _time_zones_differ() -> Script:
    return _warned(
        "data_compare",
        "compareTimeZoneCheck",
        'The source is set to "Europe/Berlin", the target to "UTC": TIMESTAMP columns may be reported as '
        "different. Set the same time zone on both, or compare these columns by hand.",
    )


def _runs_for_an_hour() -> Script:
    run = script_run(CHECKS["data_compare"], seconds=5 * _MINUTE, queued_seconds=20)
    return Script((run,), rest_seconds=30 * _MINUTE)


def _waits_for_hours() -> Script:
    run = script_run(CHECKS["data_compare"], seconds=10, queued_seconds=6 * _HOUR)
    return Script((run,), rest_seconds=10 * _MINUTE)


def _runs_again_and_again() -> Script:
    return Script((script_run(CHECKS["data_compare"], seconds=3, queued_seconds=9),), rest_seconds=37)


def _fails_and_is_fixed() -> Script:
    """About two minutes each."""
    missing = (
        "Table payments.refunds does not exist in the target. "
        "Create it, or take it out of the comparison, and run the precheck again."
    )
    ends = {"targetDataExistCheck": (ScriptStatus.FAILED, missing)}
    runs = [script_run(CHECKS["data_compare"], each, seconds=3, queued_seconds=8) for each in (ends, {})]
    return Script(tuple(runs), rest_seconds=75)


def _privilege_missing() -> Script:
    reason = "The account lacks SHOW VIEW on 2 schemas: stock, suppliers. Grant it and run the precheck again."
    return _failed("schema_compare", {"compareTargetPermissionCheck": reason})


def _source_unreachable() -> Script:
    reason = (
        "Failed to connect datasource orders-prod-mysql: root@10.20.7.31:3306. Connection timed out. "
        "Open the firewall for the gateway's address and run the precheck again."
    )
    return Script((script_run(EXAMPLES["replication"], {"srcDataSourceCheck": (ScriptStatus.FAILED, reason)}),))


def _change_log_short() -> Script:
    return _warned(
        "replication",
        "srcBinlogCheck",
        "The source keeps its change log for 6 hours only: a longer interruption needs a new full copy. "
        "Keep it for 24 hours or more.",
    )
