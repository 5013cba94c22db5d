"""What people read. Rendered by amtool from the shipped templates."""

import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerting.alerts import GRAFANA, REASON, RUNBOOK, alert, failed, group, over, started_later
from tests.alerting.shipped_alerting import ALERTMANAGER, ALERTS
from tests.programs import ROOT, component, run

Render = Callable[..., str]
FOLDER = ALERTMANAGER.parent
FLEET = [failed(f"fleet-{task:03}", item) for item in ("a", "b", "c") for task in range(120)]


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """A message about a group of alerts: `title`, `text`, `wecom` or `slack`, or any template text."""

    def render(name: str, *alerts: Mapping[str, Any], templates: str = "*.tmpl") -> str:
        data = tmp_path / "data.json"
        data.write_text(json.dumps(group(alerts)), "utf-8")
        text = name if "{{" in name else f'{{{{ template "ninedata.{name}" . }}}}'
        files = (f"--template.glob={FOLDER / templates}", f"--template.data={data}")
        return run(component("amtool"), "template", "render", *files, f"--template.text={text}").removesuffix("\n")

    return render


def test_a_failed_item_says_which_task_what_failed_and_where_to_go_on(render: Render) -> None:
    item = failed(team="dba")
    silence = "- Silence it: amtool silence add --duration=4h --comment=WHY"
    assert render("title", item) == "[FAILED prod] orders: precheck failed"
    assert render("text", item).splitlines() == [
        "orders (cd-orders), env: prod, team: dba",
        "",
        f"Name of targetCheck (targetCheck): {REASON}",
        "NineData will not run orders (cd-orders) for now.",
        "",
        "- Page: http://exporter.example.com/tasks/cd-orders",
        f"- Dashboard: {GRAFANA}/d/ninedata-precheck-task?var-job=ninedata&var-task=orders",
        f"- What to do: {RUNBOOK}ninedataprecheckfailed",
        f"{silence} alertname=NineDataPrecheckFailed 'precheck_task_id=\"pcte-orders\"'",
    ]


@pytest.mark.parametrize(
    ("fires", "matchers"),
    [
        (failed(precheck_task_id="", cluster="east 1"), ["cluster=east 1", "item=targetCheck", "task_id=cd-orders"]),
        (failed(precheck_task_id="", item="it's; reboot"), ["task_id=cd-orders"]),
        (alert("NineDataExporterDown", "critical"), ["instance=exporter-1:10199"]),
        (alert("NineDataShardMissing", "critical", instance="", shard="0"), ["job=ninedata", "shard=0"]),
    ],
)
def test_the_command_silences_one_alert_and_no_other(
    fires: dict[str, Any], matchers: list[str], render: Render
) -> None:
    """A silence without the alert's name would also hide that nobody sees the task any more."""
    (command,) = re.findall(r"Silence it: (.*)", render("text", fires))
    given = shlex.split(command)[5:]
    assert [each.replace('"', "") for each in given] == [f"alertname={fires['labels']['alertname']}", *matchers]


def test_what_the_runbook_says_not_to_silence_has_no_command(render: Render) -> None:
    sections = (ROOT / "docs" / "alerts.md").read_text("utf-8").split("\n## NineData")[1:]
    fix = {f"NineData{text.split()[0]}" for text in sections if "**Silence.** Do not" in text}
    names = {rule["alert"] for rule in ALERTS}
    assert fix == {name for name in names if "Silence it" not in render("text", alert(name, "warning"))}


def test_several_items_of_a_task_are_one_list(render: Render) -> None:
    items = [failed(item="a", reason="First reason."), failed(item="b", reason="Second reason.", known="no")]
    assert render("title", *items) == "[FAILED prod] orders: precheck failed"
    assert render("text", *items).splitlines()[:4] == [
        "orders (cd-orders), env: prod",
        "",
        "- Name of a: First reason.",
        "- Name of b: Second reason. (last known; the status is unknown now)",
    ]


@pytest.mark.parametrize("name", ["text", "slack", "wecom"])
def test_an_alert_that_ended_is_not_last_known(name: str, render: Render) -> None:
    assert "last known" not in render(name, failed("still"), over(failed("passed", known="no")))


def test_two_exporters_that_watch_a_task_are_named(render: Render) -> None:
    alerts = [failed(instance=f"exporter-{number}:10199") for number in (1, 2)]
    assert render("title", *alerts) == "[FAILED prod] orders: precheck failed"
    assert f"- Name of targetCheck: {REASON} (seen by exporter-2:10199)\n" in render("text", *alerts)


@pytest.mark.parametrize("name", ["text", "slack", "wecom"])
def test_a_fleet_is_ten_entries_new_ones_first_and_a_count(name: str, render: Render) -> None:
    alerts = [*FLEET, started_later(failed("late-one", "z"))]
    assert render("title", *alerts) == "[FAILED prod] 121 tasks: precheck failed"
    lines = render(name, *alerts).splitlines()
    entries = [line for line in lines if "Name of" in line]
    assert "late-one" in entries[0]
    listed = len(entries)
    assert listed == 10 if name != "wecom" else 5 < listed <= 10
    assert any(f"and {361 - listed} more check items" in line for line in lines)
    assert any(f"{GRAFANA}/d/ninedata-prechecks?var-job=ninedata" in line for line in lines)


WIDE = "𠜎" * 600
"""A character of four bytes, the most that UTF-8 has."""


@pytest.mark.parametrize("count", [1, 3, 40])
def test_messages_keep_within_the_limits_of_their_receivers(count: int, render: Render) -> None:
    """PagerDuty: 1,024 characters; DingTalk: 20,000 bytes; WeCom: 2,048 bytes. What found no place is counted."""
    labels = {"env": WIDE, "team": WIDE}
    alerts = [failed(f"{number}{WIDE}", WIDE, reason=WIDE, **labels) for number in range(count)]
    title, text, wecom, slack = (render(name, *alerts) for name in ("title", "text", "wecom", "slack"))
    assert len(title.encode()) <= 450
    assert len(text.encode()) <= 19_500
    assert len(wecom.encode()) <= 2_048
    assert len(slack) <= 4_500
    for message in (text, wecom, slack):
        entries = message.count("Name of ")
        assert entries >= 1
        assert (f"and {count - entries} more check items" in message) is (entries < count)
    both = [*alerts, *(over(failed(f"over {number}{WIDE}", WIDE, **labels)) for number in range(12))]
    assert len(render("title", *both).encode()) <= 450
    assert len(render("text", *both).encode()) <= 19_500
    assert len(render("wecom", *both).encode()) <= 2_048


def test_an_end_says_whether_the_task_passed_or_is_no_longer_watched(render: Render) -> None:
    passed, removed = over(failed("passed")), over(failed("removed", known="not watched"))
    assert render("title", passed) == "[RESOLVED prod] passed: precheck no longer fails"
    assert render("title", removed) == "[RESOLVED prod] removed: no longer watched"
    assert render("title", passed, removed) == "[RESOLVED prod] 2 tasks: precheck no longer fails, or no longer watched"
    entry = "(cd-{0}): Name of targetCheck: {1} (alert from 2026-03-01 02:00 to 2026-03-01 04:00 UTC)"
    text = render("text", passed, removed)
    assert entry.format("passed", "precheck no longer fails") in text
    assert entry.format("removed", "no longer watched") in text


def test_what_ended_stands_after_what_still_fires_and_is_sent_once(render: Render) -> None:
    """Prometheus sends for 15 minutes what has ended; a message is at least 5 minutes after the one before."""
    passed, earlier = over(failed("passed")), over(failed("earlier"), at="03:50")
    assert render("title", failed("still"), passed) == "[FAILED prod] still: precheck failed; 1 alert ended"
    assert render("title", failed("still"), passed, earlier) == "[FAILED prod] still: precheck failed; 1 alert ended"
    text = render("text", failed("still"), passed, earlier)
    assert text.index("still (cd-still)") < text.index("Ended:") < text.index("passed (cd-passed)")
    assert render("title", passed, earlier) == "[RESOLVED prod] passed: precheck no longer fails"
    for name in ("text", "slack", "wecom"):
        message = render(name, failed("still"), passed, earlier)
        assert "earlier" not in message
        assert "Name of targetCheck: " in message
        assert "no longer fails" in message


def test_a_link_without_an_address_is_left_out(render: Render) -> None:
    """Grafana's and the exporter's addresses are known only where somebody configured them."""
    item = failed()
    item["annotations"] |= {"page_url": "", "dashboard_url": "", "overview_url": ""}
    for name in ("text", "wecom", "slack"):
        assert re.findall(r"https?://[^\s|>]+", render(name, item)) == [f"{RUNBOOK}ninedataprecheckfailed"]


def test_an_entry_of_a_list_in_slack_is_one_line(render: Render) -> None:
    lines = render("slack", failed("a", reason="First line.\nSecond line."), failed("b")).splitlines()
    assert "First line. Second line. <" in lines[0]
    assert lines[1].startswith("b (cd-b): ")


def test_slack_gets_no_markup_from_a_reason(render: Render) -> None:
    reason = "<!channel> R&D lacks SELECT on <stock>"
    assert "&lt;!channel&gt; R&amp;D lacks SELECT on &lt;stock&gt;" in render("slack", failed(reason=reason))


@pytest.mark.parametrize("rule", [rule["alert"] for rule in ALERTS])
def test_every_alert_has_words_of_its_own(rule: str, render: Render) -> None:
    """For its beginning and for its end, not the alert's name."""
    begins, ends = alert(rule, "critical", env="prod"), over(alert(rule, "critical", env="prod"))
    tag = "FAILED" if rule in ("NineDataPrecheckFailed", "NineDataTaskFailed") else "CRITICAL"
    both = [render("title", begins), render("title", ends)]
    assert both[0].startswith(f"[{tag} prod] exporter-1:10199: ")
    assert both[1].startswith("[RESOLVED prod] exporter-1:10199: ")
    assert rule not in "".join(both)
    assert both[0].rpartition("] ")[2] != both[1].rpartition("] ")[2]


def test_dingtalk_takes_the_same_templates(render: Render) -> None:
    """Its bridge has none of Alertmanager's own functions but toUpper, so ninedata.tmpl uses no other."""
    config = yaml.safe_load((FOLDER / "dingtalk.example.yaml").read_text("utf-8"))
    (templates,), message = config["templates"], config["targets"]["ninedata"]["message"]
    assert not re.search(
        r"\b(stringSlice|match|reReplaceAll|safeHtml|join|title) [\"$.(]", (FOLDER / templates).read_text()
    )
    assert render(message["title"], *FLEET, templates=templates) == "[FAILED prod] 120 tasks: precheck failed"
    text = render(message["text"], *FLEET, templates=templates)
    assert text.startswith("#### [FAILED prod] 120 tasks: precheck failed\n\n- fleet-000 (cd-fleet-000): Name of a: ")
    url = next(
        each for each in yaml.safe_load(ALERTMANAGER.read_text())["receivers"] if each["name"] == "ninedata-dingtalk"
    )
    assert url["webhook_configs"][0]["url"].endswith("/dingtalk/ninedata/send")
