"""The tasks that the sandbox serves: a demo with every state worth seeing, and fleets of plain ones.

All names, hosts and credentials are made up. The first task of each kind is the documented example,
word for word, but for the reason of a failure.
"""

from dataclasses import replace

from exporter.sandbox import checks
from exporter.sandbox.families import FAMILIES, data_compare, family_of, replication, schema_compare
from exporter.sandbox.prechecks import Run, Script, Status
from exporter.sandbox.tasks import Task

ACCESS_KEY_ID = "ak-sandbox-demo"
SECRET_KEY = "sk-sandbox-demo-not-a-secret"  # noqa: S105 - opens nothing but the sandbox

MINUTE = 60.0
HOUR = 60 * MINUTE


def demo_tasks() -> tuple[Task, ...]:
    """The demo: passed, failed, warned, running, waiting, changing, and one whose query fails."""
    return (*_data_comparisons(), *_schema_comparisons(), *_replications())


def fleet(count: int, items: int = 12, kind: str = "data_compare") -> tuple[Task, ...]:
    """`count` tasks of a kind, `cd-fleet-00001` and on, each with a precheck of `items` items that has passed.

    Raises:
        ValueError: there is no such kind.
    """
    family = family_of(kind)
    script = Script((Run(checks.items(items, family.checks)),))
    return tuple(
        Task(
            f"{family.id_prefix}{name}",
            f"pcte-{name}" if family.has_precheck_ids else "",
            name,
            script=script,
            kind=kind,
        )
        for name in (f"fleet-{number:05}" for number in range(1, count + 1))
    )


def _data_comparisons() -> tuple[Task, ...]:
    return (
        Task(
            "cd-tg3isu1xgs",
            "pcte-dj02vti9tabd",
            "orders-prod",
            {"team": "checkout", "env": "prod"},
            Script((Run(data_compare.DOCUMENTED),)),
            request_id="Lu8t2KPM-eqqraVGnllse6BZdmnh5DQM",
        ),
        _task("cd-b7k2m9qx4e", "billing-eu", "finance", "prod", Script((checks.run(),))),
        _task("cd-c4n8w1zr6t", "customers-us", "crm", "prod", Script((checks.run(),))),
        _task("cd-i9d3v5hy2k", "inventory-prod", "logistics", "prod", Script((_broken_run(),))),
        _task("cd-m6f0s8gu3a", "members-cn", "crm", "prod", Script((_wordy_run(),))),
        _task("cd-l2x7j4pc9o", "ledger-eu", "finance", "prod", Script((_warned_run(),))),
        _task("cd-w5e1t6kn8b", "warehouse-archive", "analytics", "prod", _long_runs(), started=25 * MINUTE),
        _task("cd-s3h9r2fd7i", "sessions-stage", "platform", "stage", _long_queue()),
        _task("cd-p8y4a6mv1q", "payments-prod", "finance", "prod", _mended()),
        _task("cd-e1z5c7ob0u", "search-dev", "platform", "dev", _busy(), started=20.0),
        _task("cd-o0g6l3wt5s", "legacy-erp", "finance", "prod", None),
    )


def _schema_comparisons() -> tuple[Task, ...]:
    return (
        Task(
            "cc-th6j3fs58y",
            "pcte-dji009w2k499",
            "orders-schema",
            {"team": "checkout", "env": "prod"},
            Script((Run(schema_compare.DOCUMENTED),)),
            request_id="Pc2k1HKI-CIJDvWQnEIIb9GFdDHg0IUT",
            kind="schema_compare",
        ),
        _task("cc-k4v9n2xw7d", "inventory-schema", "logistics", "prod", Script((_unreadable_schema(),))),
    )


def _replications() -> tuple[Task, ...]:
    unreachable, passed, warned = (
        _task("rp-div0qqpbffio", "orders-standby", "checkout", "prod", Script((_unreachable_source(),))),
        _task("rp-h2s8c5yk1wza", "customers-dwh", "analytics", "prod", Script((checks.run(of=replication.CHECKS),))),
        _task("rp-t6m3q9fb4elu", "ledger-failover", "finance", "prod", Script((_short_log(),))),
    )
    return (
        replace(unreachable, request_id="Tv8j8OCQ-JPQIeDXnIMNi2TEdLNx0HDG", task_status="preCheckFailed"),
        passed,
        replace(warned, task_status="preCheckSuccess", type="forward"),
    )


def _task(  # noqa: PLR0913 - a row of the tables above
    task_id: str, name: str, team: str, env: str, script: Script | None, *, started: float = 0.0
) -> Task:
    """A task of the kind that its id tells.

    A precheck's id has two characters more than its task's; here it is derived, so that the tables stay readable.
    """
    family = next(family for family in FAMILIES if task_id.startswith(family.id_prefix))
    precheck_id = f"pcte-{task_id.removeprefix(family.id_prefix)[::-1]}7x" if family.has_precheck_ids else ""
    return Task(task_id, precheck_id, name, {"team": team, "env": env}, script, started, kind=family.kind)


def _failed(message: str) -> tuple[Status, str]:
    return Status.FAILED, message


def _warned(message: str) -> tuple[Status, str]:
    return Status.WARNING, message


def _broken_run() -> Run:
    """Several items fail, one of them with the address of a database."""
    return checks.run(
        ends={
            "targetDataSourceCheck": _failed(
                "Failed to connect to ninedata_ro@10.20.4.17:3306: Access denied (using password: YES). "
                "Verify the account of the target datasource, and that the gateway's address is allowed."
            ),
            "compareTargetPermissionCheck": _failed(
                "The account lacks SELECT on 3 schemas: stock, stock_history, suppliers. "
                "Grant SELECT on them and run the precheck again."
            ),
            "targetDataExistCheck": _failed(
                "Target tables are missing _sign and _version columns. Add the columns and run the precheck again."
            ),
        }
    )


def _wordy_run() -> Run:
    """Text that is hard on a renderer: Chinese, quotes, line breaks, great length, and credentials to be masked."""
    tables = ", ".join(f"`crm`.`member_{number:03}`" for number in range(1, 81))
    return checks.run(
        ends={
            "srcDataSourceCheck": _failed(
                '连接源数据库失败:"Communications link failure"\n'
                "jdbc:mysql://10.8.3.21:3306/crm?user=ninedata&password=Sandbox-Pa55word&useSSL=true\n"
                "登录账号 ninedata:Sandbox-Pa55word@10.8.3.21:3306。请检查网络白名单、账号和密码后重新预检查。"
            ),
            "comparePrimaryKeyCheck": _failed(
                f"80 tables have neither a primary key nor a unique key:\n{tables}.\n"
                "Add a primary key, or take these tables out of the comparison, and run the precheck again."
            ),
        }
    )


def _warned_run() -> Run:
    return checks.run(
        ends={
            "compareTimeZoneCheck": _warned(
                'The source is set to "Europe/Berlin", the target to "UTC": TIMESTAMP columns may be reported as '
                "different. Set the same time zone on both, or compare these columns by hand."
            )
        }
    )


def _long_runs() -> Script:
    return Script((checks.run(5 * MINUTE, queued_seconds=20),), rest_seconds=30 * MINUTE)


def _long_queue() -> Script:
    return Script((checks.run(10, queued_seconds=6 * HOUR),), rest_seconds=10 * MINUTE)


def _busy() -> Script:
    """Some run is nearly always to be seen on its way."""
    return Script((checks.run(4, queued_seconds=12),), rest_seconds=30, variation=0.5)


def _mended() -> Script:
    """Fails, is mended, passes: about two minutes each."""
    missing = (
        "Table payments.refunds does not exist in the target. "
        "Create it, or take it out of the comparison, and run the precheck again."
    )
    failing = checks.run(3, queued_seconds=8, ends={"targetDataExistCheck": _failed(missing)})
    return Script((failing, checks.run(3, queued_seconds=8)), rest_seconds=75)


def _unreadable_schema() -> Run:
    return checks.run(
        ends={
            "compareTargetPermissionCheck": _failed(
                "The account lacks SHOW VIEW on 2 schemas: stock, suppliers. Grant it and run the precheck again."
            )
        },
        of=schema_compare.CHECKS,
    )


def _unreachable_source() -> Run:
    return checks.run(
        ends={
            "srcDataSourceCheck": _failed(
                "Failed to connect datasource orders-prod-mysql: root@10.20.7.31:3306. Connection timed out. "
                "Open the firewall for the gateway's address and run the precheck again."
            )
        },
        of=replication.DOCUMENTED,
    )


def _short_log() -> Run:
    return checks.run(
        ends={
            "srcBinlogCheck": _warned(
                "The source keeps its change log for 6 hours only: a longer interruption needs a new full copy. "
                "Keep it for 24 hours or more."
            )
        },
        of=replication.CHECKS,
    )
