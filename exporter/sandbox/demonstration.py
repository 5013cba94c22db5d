"""The tasks of the demonstration: passed, failed, warned, running, waiting, changing, and one whose query fails.

All names, hosts and credentials are made up.
"""

from collections.abc import Mapping
from dataclasses import replace

from exporter.sandbox.catalogue import Activity, SandboxTask, plain_task
from exporter.sandbox.check_items import ended
from exporter.sandbox.scripts import Execution, PrecheckRun, Script, Stage


def _task(
    row: str,
    *,
    failed: Mapping[str, str] = {},
    warning: Mapping[str, str] = {},
    precheck: Script[PrecheckRun] | None = None,
    activity: Activity | None = None,
) -> SandboxTask:
    """A plain task with some changes; `row` has its id, name, team and environment."""
    task_id, name, team, env = row.split()
    task = plain_task(task_id, name, {"team": team, "env": env})
    precheck = precheck or Script(PrecheckRun(ended(task.kind, failed, warning)))
    return replace(task, precheck=precheck, activity=activity or task.activity)


_NOT_STARTED = Script(Execution(status="notStarted"))
_PRECHECKING = Script(Execution(status="prechecking"))
_NO_REFUNDS = {
    "targetDataExistCheck": "Table payments.refunds does not exist in the target. "
    "Create it, or take it out of the comparison, and run the precheck again."
}

DEMO_TASKS: tuple[SandboxTask, ...] = (
    _task("cd-tg3isu1xgs  orders-prod  checkout  prod"),
    _task(
        "cd-b7k2m9qx4e  billing-eu  finance  prod",
        # Compares every ten minutes: four minutes long, now with differences, now with fewer.
        activity=Script(
            Execution(lasts=600, seconds=240, only_source=12, different=3, skipped_tables=1),
            Execution(lasts=600, seconds=240, only_source=2, skipped_tables=1),
        ),
    ),
    _task(
        "cd-c4n8w1zr6t  customers-us  crm  prod",
        activity=Script(Execution(seconds=3 * 3600, only_target=41, different=7)),
    ),
    _task(
        "cd-i9d3v5hy2k  inventory-prod  logistics  prod",
        failed={
            "targetDataSourceCheck": "Failed to connect to ninedata_ro@10.20.4.17:3306: Access denied (using password: "
            "YES). Verify the account of the target datasource, and that the gateway's address is allowed.",
            "compareTargetPermissionCheck": "The account lacks SELECT on 3 schemas: stock, stock_history, suppliers. "
            "Grant SELECT on them and run the precheck again.",
            "targetDataExistCheck": "Target tables are missing _sign and _version columns. "
            "Add the columns and run the precheck again.",
        },
        activity=_NOT_STARTED,
    ),
    _task(
        "cd-m6f0s8gu3a  members-cn  crm  prod",
        # Hard to show: Chinese, quotes, line breaks, great length, and credentials that must be masked.
        failed={
            "srcDataSourceCheck": '连接源数据库失败:"Communications link failure"\n'
            "jdbc:mysql://10.8.3.21:3306/crm?user=ninedata&password=Sandbox-Pa55word&useSSL=true\n"
            "登录账号 ninedata:Sandbox-Pa55word@10.8.3.21:3306。请检查网络白名单、账号和密码后重新预检查。",
            "comparePrimaryKeyCheck": "80 tables have neither a primary key nor a unique key:\n"
            + ", ".join(f"`crm`.`member_{number:03}`" for number in range(1, 81))
            + ".\nAdd a primary key, or take these tables out of the comparison, and run the precheck again.",
        },
        activity=_NOT_STARTED,
    ),
    _task(
        "cd-l2x7j4pc9o  ledger-eu  finance  prod",
        warning={
            "compareTimeZoneCheck": 'The source is set to "Europe/Berlin", the target to "UTC": TIMESTAMP columns may '
            "be reported as different. Set the same time zone on both, or compare these columns by hand."
        },
        activity=Script(
            Execution(
                status="failed",
                error="Table ledger.entries: the connection ninedata:Sandbox-Pa55word@10.8.3.40:5432 was lost after "
                "3 retries. Check the target database and start the comparison again.",
                different=1,
            )
        ),
    ),
    _task(
        "cd-w5e1t6kn8b  warehouse-archive  analytics  prod",
        # An hour for its items, of which it has worked for most of half an hour.
        precheck=Script(
            PrecheckRun(ended("data_compare"), queued_seconds=20, item_seconds=300, lasts=5420), began=-1500
        ),
        activity=_PRECHECKING,
    ),
    _task(
        "cd-s3h9r2fd7i  sessions-stage  platform  stage",
        precheck=Script(PrecheckRun(ended("data_compare"), queued_seconds=6 * 3600, item_seconds=10, lasts=7 * 3600)),
        activity=_NOT_STARTED,
    ),
    _task(
        "cd-p8y4a6mv1q  payments-prod  finance  prod",
        # Fails, is fixed and passes, about two minutes each.
        precheck=Script(
            PrecheckRun(ended("data_compare", _NO_REFUNDS), queued_seconds=8, item_seconds=3, lasts=119),
            PrecheckRun(ended("data_compare"), queued_seconds=8, item_seconds=3, lasts=119),
        ),
        activity=Script(Execution(status="stopped")),
    ),
    _task(
        "cd-e1z5c7ob0u  search-dev  platform  dev",
        precheck=Script(PrecheckRun(ended("data_compare"), queued_seconds=9, item_seconds=3, lasts=82), began=-20),
        activity=_PRECHECKING,
    ),
    replace(_task("cd-o0g6l3wt5s  legacy-erp  finance  prod"), precheck=None),
    _task("cc-th6j3fs58y  orders-schema  checkout  prod"),
    _task(
        "cc-k4v9n2xw7d  inventory-schema  logistics  prod",
        failed={
            "compareTargetPermissionCheck": "The account lacks SHOW VIEW on 2 schemas: stock, suppliers. "
            "Grant it and run the precheck again."
        },
        activity=_NOT_STARTED,
    ),
    _task(
        "cc-n5r1q8yb3g  billing-schema  finance  prod",
        activity=Script(
            Execution(status="failed", error="Schema invoices is not in the target. Create it and compare again.")
        ),
    ),
    _task("cc-u7f2m4dz9p  search-schema  platform  dev", activity=Script(Execution(lasts=240, seconds=60))),
    _task(
        "rp-div0qqpbffio  orders-standby  checkout  prod",
        failed={
            "srcDataSourceCheck": "Failed to connect datasource orders-prod-mysql: root@10.20.7.31:3306. Connection "
            "timed out. Open the firewall for the gateway's address and run the precheck again."
        },
        activity=Script(Stage(status="preCheckFailed", subtask="schema")),
    ),
    _task(
        "rp-h2s8c5yk1wza  customers-dwh  analytics  prod",
        # Falls behind for five minutes, and needs ten to catch up.
        activity=Script(Stage(lasts=300, delay_growth=3.0), Stage(lasts=600, delay_seconds=900.672, delay_growth=-1.5)),
    ),
    _task(
        "rp-t6m3q9fb4elu  ledger-failover  finance  prod",
        warning={
            "srcBinlogCheck": "The source keeps its change log for 6 hours only: a longer interruption needs a new "
            "full copy. Keep it for 24 hours or more."
        },
        activity=Script(Stage(status="preCheckSuccess", subtask="schema")),
    ),
    _task(
        "rp-j8w4v1xo7nrd  billing-dwh  analytics  prod", activity=Script(Stage(status="abnormal", delay_seconds=5400))
    ),
    # Copies for half an hour, then follows for an hour.
    _task(
        "rp-g3b7s9ck2miy  members-archive  crm  prod",
        activity=Script(Stage(lasts=1800, subtask="full"), Stage(lasts=3600)),
    ),
)
