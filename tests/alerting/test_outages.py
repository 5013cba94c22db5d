"""The whole way: exporter, Prometheus with the shipped rules, Alertmanager with the shipped configuration, messages.

All waits and windows are a fortieth of what is shipped; with a scrape each second that is one in forty seconds.
"""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from exporter.sandbox import Handle, Task, checks, run_in_thread
from exporter.sandbox.families import data_compare
from exporter.sandbox.faults import Fault, HttpStatus, Patch, Reset
from exporter.sandbox.prechecks import Script, Status
from tests.alerting import shipped
from tests.alerting.servers import Alertmanager, Prometheus, alertmanager, prometheus
from tests.alerting.sinks import Sinks
from tests.program.process import Exporter, Launcher, canary_sandbox, launcher, until
from tests.secrecy import Watch

pytestmark = pytest.mark.timeout(300)

TIMES_AS_FAST = 40
PATIENCE_SECONDS = 60.0
QUIET_SECONDS = 2.5
"""Absence takes time to show. Whatever Alertmanager has to say of a precheck it says within its group_interval, here
three quarters of a second; twice that, and a second for a machine that is busy."""

OFFSET = "--scrape.timeout-offset=0.05"
"""The usual half second is most of a scrape's time here, and a busy machine needs the rest."""

PASSED = Script((checks.run(),))
FAILING_RUN = checks.run(ends={"targetDataExistCheck": (Status.FAILED, "Table refunds is missing. Create it.")})

ORDERS = Task("cd-tg3isu1xgs", "pcte-dj02vti9tabd", "orders-prod", {"team": "checkout"}, PASSED)
BILLING = Task("cd-b7k2m9qx4e", "pcte-e4xq9m2k7b7x", "billing-eu", {"team": "finance"}, PASSED)
INVENTORY = Task("cd-i9d3v5hy2k", "pcte-k2yh5v3d9i7x", "inventory-prod", {"team": "R&D"}, PASSED)
PAYMENTS = Task(
    "cd-p8y4a6mv1q",
    "pcte-q1vm6a4y8p7x",
    "payments-prod",
    {"team": "finance"},
    Script((checks.run(), FAILING_RUN, checks.run()), rest_seconds=3600),
)

REASONS = {
    "srcDataSourceCheck": '连接源数据库失败:"refused"\nSee the gateway\'s address & port.',
    "compareTargetPermissionCheck": "The account lacks SELECT on <stock>. Grant it and run the precheck again.",
}
FAILED_ITEMS = [
    {
        "precheckItem": item.item,
        "itemName": item.name,
        "itemDescription": item.description,
        "status": "Failed" if item.item in REASONS else "Success",
        **({"errorMessage": REASONS[item.item]} if item.item in REASONS else {}),
    }
    for item in data_compare.CHECKS
]
FAILS = Patch(data={"status": "Failed", "precheckItems": FAILED_ITEMS})

FAILED, WELL = "[FAILED] inventory-prod: precheck failed", "[RESOLVED] inventory-prod: precheck no longer fails"


@dataclass
class System:
    """All of it, while it runs."""

    sandbox: Handle
    launch: Launcher
    exporter: Exporter
    prometheus: Prometheus
    alertmanager: Alertmanager
    sinks: Sinks
    precheck_ids: dict[str, str] = field(default_factory=dict)

    def show(self, task: Task, fault: Fault | None) -> None:
        """What the API answers about a task from now on."""
        if fault is None:
            self.sandbox.clear(task.task_id)
        else:
            self.sandbox.set_fault(fault, task.task_id)

    def start_precheck(self, task: Task) -> None:
        """Start it again, and give the exporter the new id, for which it must be restarted."""
        self.precheck_ids[task.task_id] = self.sandbox.start_again(task.task_id)
        self.exporter.stop()
        self.start_exporter()

    def start_exporter(self) -> None:
        """Start it in the place of one that has ended."""
        tasks = [
            replace(task, precheck_task_id=self.precheck_ids.get(task.task_id, task.precheck_task_id))
            for task in self.sandbox.tasks
        ]
        address = f"--web.listen-address=127.0.0.1:{self.exporter.port}"
        self.exporter = self.launch(self.sandbox, address, OFFSET, tasks=tasks)

    @contextmanager
    def nobody_listens(self) -> Iterator[None]:
        """Keep the port of an exporter that has ended from being given to another process."""
        with socket.socket() as placeholder:
            placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            placeholder.bind(("127.0.0.1", self.exporter.port))
            yield

    def until_told(self, *titles: str) -> None:
        """Wait for messages, in chat and as e-mails, in any order."""
        sinks = self.sinks
        until(
            lambda: set(titles) <= set(sinks.titles) and set(titles) <= set(sinks.subjects),
            PATIENCE_SECONDS,
            f"{titles} among {sinks.titles} and {sinks.subjects}",
        )

    def until_alert(self, name: str, task: Task, *, fires: bool) -> None:
        """Wait until Prometheus and Alertmanager have an alert, or neither has it."""
        until(
            lambda: (
                ((name, task.name, "firing") in self.prometheus.alerts()) is fires
                and ((name, task.name) in self.alertmanager.active()) is fires
            ),
            PATIENCE_SECONDS,
            f"{name} of {task.name} {'fires' if fires else 'has ended'}",
        )

    def assert_told_no_more_than(self, *titles: str) -> None:
        """These messages, each of them once in each place, and none that was only late."""
        time.sleep(QUIET_SECONDS)
        assert sorted(self.sinks.titles) == sorted(titles), self.history()
        assert sorted(self.sinks.subjects) == sorted(titles), self.history()

    def history(self) -> str:
        """What Prometheus saw in the last minute, to tell a fault from a machine that stood still."""
        lines = []
        for name in ("up", "ALERTS", "ninedata_precheck_query_failure_info"):
            for series in self.prometheus.get("/api/v1/query", query=f"{name}[1m]")["data"]["result"]:
                times = " ".join(f"{moment % 1000:.1f}={value}" for moment, value in series["values"])
                lines.append(f"{series['metric']}: {times}")
        return "\n".join(lines)

    @property
    def name(self) -> str:
        """The exporter's `instance`."""
        return f"127.0.0.1:{self.exporter.port}"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: tmp_path_factory.mktemp(name) for name in ("exporter", "prometheus", "alertmanager")}


@pytest.fixture(scope="module")
def running(program: Callable[[str], str], folders: dict[str, Path], sinks: Sinks, secrecy: Watch) -> Iterator[System]:
    """Everything, started once."""
    programs = {name: program(name) for name in ("prometheus", "alertmanager")}
    with (
        run_in_thread(canary_sandbox([ORDERS, BILLING, INVENTORY, PAYMENTS])) as sandbox,
        launcher(secrecy, folders["exporter"]) as launch,
        alertmanager(programs["alertmanager"], folders["alertmanager"], sinks, TIMES_AS_FAST) as alerts,
    ):
        exporter = launch(sandbox, OFFSET)
        with prometheus(
            programs["prometheus"], folders["prometheus"], exporter.port, alerts.port, TIMES_AS_FAST
        ) as metrics:
            yield System(sandbox, launch, exporter, metrics, alerts, sinks)
        for message in sinks.chat:
            secrecy.look("a message in chat", str(message.payload))


@pytest.fixture
def system(running: System) -> Iterator[System]:
    """The same with every precheck passed, nothing to tell, and nothing told; in the end as well."""
    running.sinks.forget()
    yield running
    running.sandbox.clear()
    if running.exporter.popen.poll() is not None:
        running.start_exporter()
    until(lambda: not running.prometheus.alerts(), PATIENCE_SECONDS, "all is well in Prometheus")
    until(lambda: not running.alertmanager.alerts(), PATIENCE_SECONDS, "all is well in Alertmanager")


@pytest.fixture
def failing(system: System) -> System:
    """One precheck fails, and people have been told."""
    system.show(INVENTORY, FAILS)
    system.until_told(FAILED)
    system.sinks.forget()
    return system


def test_what_runs_here_is_what_is_shipped(system: System, folders: dict[str, Path]) -> None:
    """But for waiting times and windows, and where things are."""
    assert changed(shipped.RULES, folders["prometheus"] / "ninedata.rules.yaml") == []
    assert changed(shipped.PROMETHEUS, folders["prometheus"] / "prometheus.yml") == [
        '- targets: ["localhost:10199"]',
        '- targets: ["localhost:9093"]',
        "scrape_timeout: 10s",
    ]
    assert changed(shipped.ALERTMANAGER, folders["alertmanager"] / "alertmanager.yml") == [
        "- api_url_file: /etc/alertmanager/secrets/chat-webhook-url",
        "smtp_auth_password_file: /etc/alertmanager/secrets/smtp-password",
        "smtp_require_tls: true",
        "smtp_smarthost: smtp.example.com:587",
    ]
    assert (folders["alertmanager"] / "ninedata.tmpl").read_bytes() == shipped.TEMPLATES.read_bytes()
    groups = system.prometheus.get("/api/v1/rules", type="alert")["data"]["groups"]
    loaded = {rule["name"] for group in groups for rule in group["rules"]}
    assert loaded == {line.split()[-1] for line in shipped.RULES.read_text("utf-8").splitlines() if "- alert:" in line}


def changed(original: Path, used: Path) -> list[str]:
    """The lines of a shipped file that are not as they were but for their times; none may be added or taken away."""
    pairs = zip(
        shipped.timeless(original.read_text("utf-8")).splitlines(),
        shipped.timeless(used.read_text("utf-8")).splitlines(),
        strict=True,
    )
    return sorted(before.strip() for before, after in pairs if before != after)


def test_a_failed_precheck_is_told_once_and_so_is_its_end(system: System) -> None:
    """One message with every failing item, its reason and what to do; one more when the precheck has passed."""
    system.show(INVENTORY, FAILS)
    system.until_told(FAILED)
    system.assert_told_no_more_than(FAILED)
    (chat,), (mail,) = system.sinks.chat, system.sinks.mail
    page = f"http://{system.name}/tasks/cd-i9d3v5hy2k"
    escaped = "The account lacks SELECT on &lt;stock&gt;. Grant it and run the precheck again."
    assert chat.text.splitlines()[:-1] == [
        f"<{page}|inventory-prod> (cd-i9d3v5hy2k), team: R&amp;D",
        "NineData will not run inventory-prod (cd-i9d3v5hy2k) until this is mended and the precheck is run again:",
        "",
        f"Target database privilege check (compareTargetPermissionCheck): {escaped}",
        "",
        'Source Connection Check (srcDataSourceCheck): 连接源数据库失败:"refused"',
        "See the gateway's address &amp; port.",
        "",
    ]
    assert chat.text.splitlines()[-1].startswith(
        f"<{page}|Task page> | <http://localhost:3000/d/ninedata-precheck-task?"
    )
    assert "Grant it and run the precheck again." in mail.text
    assert "refused\"\nSee the gateway's address & port." in mail.text
    assert "SELECT on &lt;stock&gt;. Grant it" in mail.html
    assert "refused\"<br>\nSee the gateway's address &amp; port." in mail.html
    system.show(INVENTORY, None)
    system.until_told(WELL)
    system.assert_told_no_more_than(FAILED, WELL)


def test_a_precheck_that_is_started_again_under_a_new_id_ends_the_alert(system: System) -> None:
    """The old precheck stays failed for ever; it is the new one that counts, once the exporter is told its id."""
    system.start_precheck(PAYMENTS)
    system.until_told("[FAILED] payments-prod: precheck failed")
    assert "Table refunds is missing. Create it." in system.sinks.chat[-1].text
    system.start_precheck(PAYMENTS)
    system.until_told("[RESOLVED] payments-prod: precheck no longer fails")
    time.sleep(QUIET_SECONDS)
    about = [title for title in system.sinks.titles if "payments-prod" in title]
    assert about == ["[FAILED] payments-prod: precheck failed", "[RESOLVED] payments-prod: precheck no longer fails"]


def test_an_exporter_that_is_killed_is_told_and_nothing_else(failing: System) -> None:
    """Neither does the failed precheck seem mended while nothing can be seen, nor is it told again when it can."""
    down = f"[CRITICAL] {failing.name}: exporter cannot be scraped"
    up = f"[RESOLVED] {failing.name}: exporter is no longer down"
    failing.exporter.stop(signal.SIGKILL)
    with failing.nobody_listens():
        failing.until_told(down)
        failing.until_alert("NineDataPrecheckFailed", INVENTORY, fires=False)
        failing.assert_told_no_more_than(down)
    failing.start_exporter()
    failing.until_alert("NineDataPrecheckFailed", INVENTORY, fires=True)
    failing.until_told(up)
    failing.assert_told_no_more_than(down, up)
    failing.show(INVENTORY, None)
    failing.until_told(WELL)
    assert failing.sinks.titles == [down, up, WELL]


def test_an_api_that_is_away_is_told_once_for_each_reason(failing: System) -> None:
    """However many tasks there are; and again nothing seems mended, or fails anew, that was only out of sight."""
    away = [
        "[WARNING] 3 tasks: cannot be queried (connect)",
        "[WARNING] orders-prod: cannot be queried (http_error)",
    ]
    back = [
        "[RESOLVED] 3 tasks: queries no longer fail (connect)",
        "[RESOLVED] orders-prod: queries no longer fail (http_error)",
    ]
    for task in (BILLING, INVENTORY, PAYMENTS):
        failing.show(task, Reset())
    failing.show(ORDERS, HttpStatus(status=500))
    failing.until_told(*away)
    failing.until_alert("NineDataPrecheckFailed", INVENTORY, fires=False)
    failing.assert_told_no_more_than(*away)
    for task in (BILLING, PAYMENTS, ORDERS):
        failing.show(task, None)
    failing.show(INVENTORY, FAILS)
    failing.until_alert("NineDataPrecheckFailed", INVENTORY, fires=True)
    failing.until_told(*back)
    failing.assert_told_no_more_than(*away, *back)
    failing.show(INVENTORY, None)
    failing.until_told(WELL)
    assert sorted(failing.sinks.titles) == sorted([*away, *back, WELL])
