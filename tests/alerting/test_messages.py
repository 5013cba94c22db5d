"""What people read: chat and e-mail as a real Alertmanager makes them of the shipped templates, word for word."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.alerting import shipped
from tests.alerting.servers import SMTP_PASSWORD, Alertmanager, alertmanager
from tests.alerting.sinks import Chat, Mail, Sinks
from tests.program.process import until

GOLDEN = Path(__file__).parent / "golden"
DELIVERY_SECONDS = 30.0
RUNBOOK = "https://github.com/ninedata-exporter/ninedata-exporter/blob/main/docs/alerts.md#"

Alert = dict[str, object]


@pytest.fixture(scope="module")
def server(
    program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory, sinks: Sinks
) -> Iterator[Alertmanager]:
    """Only the templates count here: groups wait a twentieth of a second, and their news a second."""
    with alertmanager(program("alertmanager"), tmp_path_factory.mktemp("alertmanager"), sinks, 300) as running:
        yield running


@pytest.fixture
def deliver(server: Alertmanager, sinks: Sinks) -> Iterator[Callable[..., tuple[Chat, Mail]]]:
    """Sends alerts that belong together, and returns the one message that people get in each place."""
    firing: list[Alert] = []

    def deliver(*alerts: Alert) -> tuple[Chat, Mail]:
        over = [alert["labels"] for alert in alerts if "endsAt" in alert]
        firing[:] = [alert for alert in [*firing, *alerts] if alert["labels"] not in over]
        sinks.forget()
        server.post(*alerts)
        until(lambda: bool(sinks.chat and sinks.mail), DELIVERY_SECONDS, "a message in chat and an e-mail")
        (chat,), (mail,) = sinks.chat, sinks.mail
        return chat, mail

    yield deliver
    if firing:
        deliver(*map(ended, firing))


def ended(alert: Alert) -> Alert:
    """The same alert at its end, which is now."""
    return {**alert, "endsAt": datetime.now(UTC).isoformat()}


def alert(name: str, severity: str, description: str, labels: Mapping[str, str], dashboard: str) -> Alert:
    """An alert as Prometheus sends it with the shipped rules, which begins when it is sent.

    One that began longer ago than group_wait is told at once, and those that follow it in a message of their own.
    """
    return {
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {
            "summary": "A summary.",
            "description": description,
            "runbook_url": f"{RUNBOOK}{name.lower()}",
            "dashboard_url": dashboard,
        },
    }


def failed(instance: str = "exporter-1:10199", description: str = "", **labels: str) -> Alert:
    """A precheck that failed."""
    task = {"job": "ninedata", "instance": instance, "task_id": "cd-i9d3v5hy2k", "task": "inventory-prod"}
    return alert(
        "NineDataPrecheckFailed",
        "critical",
        description or FAILED_ITEMS,
        {**task, "status": "Failed", **labels},
        "/d/ninedata-precheck-task?var-job=ninedata&var-instance=exporter-1%3A10199&var-task=inventory-prod",
    )


FAILED_ITEMS = (
    "NineData will not run inventory-prod (cd-i9d3v5hy2k) until this is mended and the precheck is run again:\n\n"
    'Source Connection Check (srcDataSourceCheck): 连接源数据库失败:"Communications link failure"\n'
    "jdbc:mysql://10.8.3.21:3306/crm?user=ninedata&password=***&useSSL=true\n请检查网络白名单、账号和密码后重新预检查。\n\n"
    "Target database privilege check (compareTargetPermissionCheck): Rows < 10 & columns > 3: <b>bold</b> "
    "{{ .Labels }} *_stock_* `stock`.`stock_history`. Grant SELECT on them and run the precheck again.\n\n"
    "Target object existence check (targetDataExistCheck): Target tables are missing _sign and _version columns. "
    "Add the columns & run the precheck again."
)


def unasked(number: int) -> Alert:
    """One of the tasks that cannot be queried."""
    task = {"task_id": f"cd-fleet-{number:05}", "task": f"fleet-{number:05}", "team": "r&d"}
    return alert(
        "NineDataQueryFailing",
        "warning",
        f"Every query of fleet-{number:05} (cd-fleet-{number:05}) has failed for three minutes, with reason connect, "
        "so its precheck's status is not known. See whether the exporter's machine reaches the API. The task's page on "
        "the exporter has the message.",
        {"job": "ninedata", "instance": "exporter-1:10199", "reason": "connect", **task},
        f"/d/ninedata-precheck-task?var-job=ninedata&var-task=fleet-{number:05}",
    )


def down() -> Alert:
    """An exporter that cannot be scraped."""
    return alert(
        "NineDataExporterDown",
        "critical",
        "Prometheus has not been able to scrape exporter-2:10199 for two minutes.",
        {"job": "ninedata", "instance": "exporter-2:10199"},
        "/d/ninedata-prechecks?var-job=ninedata&var-instance=exporter-2%3A10199",
    )


def absent() -> Alert:
    """An alert that names no exporter."""
    return alert(
        "NineDataMetricsAbsent",
        "critical",
        "Prometheus has had no metrics of any task from a NineData exporter for fifteen minutes.",
        {},
        "/d/ninedata-prechecks",
    )


@pytest.mark.parametrize(
    ("case", "alerts"),
    [
        ("failed", [failed(team="logistics", env="prod")]),
        ("failed-for-two-exporters", [failed(description="Two items."), failed("exporter-2:10199", "Two items.")]),
        ("cannot-be-queried", [unasked(1)]),
        ("many-cannot-be-queried", [unasked(number) for number in range(1, 13)]),
        ("no-exporter", [absent()]),
        ("exporter-down", [down()]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_reads_as_it_should(
    case: str, alerts: list[Alert], deliver: Callable[..., tuple[Chat, Mail]]
) -> None:
    """Told when it begins and when it is over, both as recorded."""
    assert_golden(f"{case}.firing.txt", shown(*deliver(*alerts)))
    assert_golden(f"{case}.resolved.txt", shown(*deliver(*map(ended, alerts))))


def test_what_is_over_in_a_group_stands_beside_what_is_not(deliver: Callable[..., tuple[Chat, Mail]]) -> None:
    """When some tasks can be queried again the message says which, and the title what still holds."""
    first, second, third = (unasked(number) for number in (21, 22, 23))
    deliver(first, second, third)
    chat, mail = deliver(ended(first))
    assert chat.title == "[WARNING] 2 tasks: cannot be queried (connect)"
    over = "fleet-00021|(cd-fleet-00021), team: r&amp;d: queries no longer fail (connect); reported "
    for part in over.split("|"):
        assert part in chat.text.partition("Well again:")[2]
    assert "fleet-00021 (cd-fleet-00021)" in mail.text.partition("Well again:")[2]
    assert "fleet-00021" in mail.html.partition("Well again")[2]


def test_a_long_description_ends_in_chat_and_goes_on_in_the_mail(deliver: Callable[..., tuple[Chat, Mail]]) -> None:
    """Chat shows 4000 characters of it, counted as people do; an e-mail has room for five times as many."""
    long = "表" * 4001
    chat, mail = deliver(failed(description=long, task_id="cd-long", task="long"))
    assert f"{'表' * 4000} ...\n" in chat.text
    assert long not in chat.text
    assert long in mail.text
    assert long in mail.html


def test_targets_of_tasks_that_are_down_are_one_message(deliver: Callable[..., tuple[Chat, Mail]]) -> None:
    """As tasks that cannot be queried are: how many, and which."""
    down = [
        alert(
            "NineDataTaskTargetDown",
            "warning",
            f"For two minutes Prometheus could not scrape the target of task-{number}.",
            {"job": "ninedata", "instance": "x:1", "task_id": f"cd-{number}", "task": f"task-{number}"},
            "/d/ninedata-precheck-task",
        )
        for number in (1, 2)
    ]
    chat, mail = deliver(*down)
    assert chat.title == mail.subject == "[WARNING] 2 tasks: cannot be scraped"
    assert "task-1" in chat.text
    assert "task-2" in chat.text
    assert "- task-2 (cd-2): http://x:1/tasks/cd-2\n" in mail.text
    assert "may have changed unseen" in deliver(*map(ended, down))[1].text


@pytest.mark.parametrize(
    ("name", "about", "firing", "resolved"),
    [
        ("NineDataPrecheckFailed", "orders", "[FAILED] orders: precheck failed", "precheck no longer fails"),
        (
            "NineDataPrecheckWarning",
            "orders",
            "[WARNING] orders: precheck passed with warnings",
            "precheck no longer warns",
        ),
        (
            "NineDataPrecheckStuck",
            "orders",
            "[WARNING] orders: precheck does not come to an end",
            "precheck is no longer stuck",
        ),
        (
            "NineDataPrecheckNotStarted",
            "orders",
            "[WARNING] orders: precheck does not start",
            "precheck no longer waits",
        ),
        (
            "NineDataPrecheckStatusUnknown",
            "orders",
            "[WARNING] orders: precheck has an unknown status",
            "precheck no longer has an unknown status",
        ),
        (
            "NineDataQueryFailing",
            "orders",
            "[WARNING] orders: cannot be queried (timeout)",
            "queries no longer fail (timeout)",
        ),
        ("NineDataApiAuthFailing", "", "[CRITICAL] x:1: AccessKey is refused", "AccessKey is no longer refused"),
        ("NineDataApiRateLimited", "", "[WARNING] x:1: too many requests", "no longer too many requests"),
        ("NineDataApiClockSkew", "", "[WARNING] x:1: clock is wrong", "clock is right again"),
        (
            "NineDataDiscoveryFailing",
            "",
            "[WARNING] x:1: tasks cannot be discovered",
            "discovery of tasks no longer fails",
        ),
        ("NineDataExporterDown", "", "[CRITICAL] x:1: exporter cannot be scraped", "exporter is no longer down"),
        ("NineDataTaskTargetDown", "orders", "[WARNING] orders: cannot be scraped", "can be scraped again"),
        (
            "NineDataMetricsAbsent",
            None,
            "[CRITICAL] Prometheus: there are no metrics of prechecks",
            "metrics of prechecks are there again",
        ),
        (
            "NineDataConfigReloadFailed",
            "",
            "[WARNING] x:1: configuration could not be loaded",
            "configuration is loaded",
        ),
        (
            "NineDataWebConfigReloadFailed",
            "",
            "[WARNING] x:1: web configuration could not be loaded",
            "web configuration is loaded",
        ),
        (
            "NineDataTaskFileFailing",
            "",
            "[WARNING] x:1: task file is not taken as it is",
            "task file no longer has a fault",
        ),
        (
            "NineDataScrapeNearTimeout",
            "",
            "[WARNING] x:1: scrapes take nearly as long as they may",
            "scrapes are quick enough again",
        ),
        ("NineDataOfTheFuture", "", "[WARNING] x:1: NineDataOfTheFuture", "NineDataOfTheFuture has ended"),
    ],
)
def test_every_alert_has_a_title_in_words(
    name: str, about: str | None, firing: str, resolved: str, deliver: Callable[..., tuple[Chat, Mail]]
) -> None:
    """The same in chat and e-mail; with the severity of the rule, as one sees from the first word and the colour."""
    severity = severities().get(name, "warning")
    labels = {} if about is None else {"job": name, "instance": "x:1"}
    if about:
        labels |= {"task": about, "task_id": f"cd-{name.lower()}", "reason": "timeout"}
    told = alert(name, severity, "Words.", labels, "/d/x")
    chat, mail = deliver(told)
    assert chat.title == chat.fallback == mail.subject == firing
    assert chat.color == ("danger" if severity == "critical" else "warning")
    chat, mail = deliver(ended(told))
    assert chat.title == mail.subject == f"[RESOLVED] {about or ('Prometheus' if about is None else 'x:1')}: {resolved}"
    assert chat.color == "good"
    assert resolved in chat.text
    assert resolved in mail.text
    assert resolved in mail.html


def test_no_shipped_alert_is_without_words() -> None:
    """The templates name every alert of the rules."""
    templates = shipped.TEMPLATES.read_text("utf-8")
    assert severities()
    assert [name for name in severities() if f'eq $name "{name}"' not in templates] == []


def test_the_name_of_a_task_cannot_break_a_message(deliver: Callable[..., tuple[Chat, Mail]]) -> None:
    """Characters with a meaning in chat or HTML come through as characters, also from names and labels."""
    told = failed(task="a<b> & <!channel>", task_id="cd-odd", team='<script>"x"</script>')
    chat, mail = deliver(told)
    assert chat.title == "[FAILED] a&lt;b&gt; &amp; &lt;!channel&gt;: precheck failed"
    assert mail.subject == "[FAILED] a<b> & <!channel>: precheck failed"
    assert "<!" not in chat.text
    assert "<script" not in chat.text
    assert "<script" not in mail.html
    assert "<!channel" not in mail.html
    assert "&lt;!channel&gt;" in mail.html


def test_the_receivers_are_found_through_the_files_that_are_named(
    deliver: Callable[..., tuple[Chat, Mail]], sinks: Sinks
) -> None:
    """The chat's address and the password of the mail server are read from files, and the mail goes to the DBAs."""
    told = failed(task="files", task_id="cd-files")
    _, mail = deliver(told)
    assert mail.recipients == ("dba@example.com",)
    assert sinks.logins == {f"alertmanager@example.com {SMTP_PASSWORD}"}


def severities() -> dict[str, str]:
    """Of each alert in the shipped rules."""
    lines = shipped.RULES.read_text("utf-8").splitlines()
    names = [line.split()[-1] for line in lines if "- alert:" in line]
    given = [line.split()[-1] for line in lines if line.strip().startswith("severity:")]
    return dict(zip(names, given, strict=True))


def shown(chat: Chat, mail: Mail) -> str:
    """Both messages in a form that a person can read and compare, all at the same time."""
    text = (
        f"----- chat\n{chat.color} {chat.title}\n{chat.title_link}\n\n{chat.text}"
        f"----- e-mail from {mail.message['From']} to {mail.message['To']}\n{mail.subject}\n\n{mail.text}"
        f"----- HTML\n{mail.html}"
    )
    return re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b", "2026-02-03 04:05", text)


def assert_golden(name: str, text: str) -> None:
    """A text is the recorded one."""
    path = GOLDEN / name
    recorded = path.read_text("utf-8") if path.exists() else ""
    if text != recorded:
        difference = difflib.unified_diff(recorded.splitlines(), text.splitlines(), name, "delivered", lineterm="")
        raise AssertionError("\n".join(difference))
