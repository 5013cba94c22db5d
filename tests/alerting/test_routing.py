"""Who gets an alert, in one message with which others, and what holds it back. With a running Alertmanager."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.alerting.alerts import alert, failed
from tests.alerting.shipped_alerting import ALERTMANAGER, Alertmanager, alertmanager, sample
from tests.alerting.sinks import Sinks, body
from tests.programs import component, run, until

PRODUCTION = ["", "env=prod", "env=production", "env=prd", "env=live", "env=latest"]
"""What is no known name of anything else."""
OTHERS = ["dev", "test", "stage", "staging", "Staging", "qa", "UAT"]


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=NineDataPrecheckFailed severity=warning env=prod", "ninedata-ticket"),
        *((f"alertname=NineDataExporterDown severity=critical {env}", "ninedata-page") for env in PRODUCTION),
        *((f"alertname=NineDataExporterDown severity=critical env={env}", "ninedata-ticket") for env in OTHERS),
        ("alertname=NineDataPrecheckWarning severity=info env=prod", "ninedata-chat"),
        ("alertname=NodeDown severity=critical", "nobody"),
    ],
)
def test_only_blindness_in_production_wakes_somebody(labels: str, receiver: str) -> None:
    routes = ("config", "routes", "test", f"--config.file={ALERTMANAGER}")
    assert run(component("amtool"), *routes, *labels.split()).split() == [receiver]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, sinks: Sinks) -> Iterator[Alertmanager]:
    """The sample, with short waits, and routes to the receivers that it uses in none."""
    folder = tmp_path_factory.mktemp("alertmanager")
    config = sample(sinks, folder, group_wait="500ms", group_interval="1s")
    config["route"]["routes"][0]["routes"][:0] = [
        {"matchers": [f'chat="{name}"'], "receiver": f"ninedata-{name}"} for name in ("wecom", "dingtalk")
    ]
    with alertmanager(folder, config) as running:
        yield running


@pytest.fixture
def fire(server: Alertmanager, sinks: Sinks) -> Iterator[Callable[..., None]]:
    """Sends alerts that end with the test."""
    fired: list[dict[str, Any]] = []
    sinks.web.clear()
    sinks.mail.clear()

    def fire(*alerts: dict[str, Any]) -> None:
        fired.extend(alerts)
        server.post(alerts)

    yield fire
    server.post(fired, ended=True)
    until(lambda: not server.states(), "all alerts have ended")


def test_a_fleet_of_failed_prechecks_is_one_mail_and_one_message(fire: Callable[..., None], sinks: Sinks) -> None:
    fire(*(failed(f"fleet-{task:03}", item) for task in range(120) for item in ("a", "b", "c")))
    until(lambda: sinks.mail and sinks.posts("/slack"), sinks)
    time.sleep(1.5)
    (mail,), (chat,) = sinks.mail, sinks.posts("/slack")
    assert mail["Subject"] == chat["attachments"][0]["title"] == "[FAILED prod] 120 tasks: precheck failed"
    assert "- and 350 more check items\n" in body(mail)
    assert chat["attachments"][0]["color"] == "warning"


def test_a_page_has_a_summary_the_text_and_the_runbook(fire: Callable[..., None], sinks: Sinks) -> None:
    fire(alert("NineDataExporterDown", "critical", env="prod"))
    until(lambda: sinks.posts("/pagerduty") and sinks.posts("/slack"), sinks)
    (page,) = sinks.posts("/pagerduty")
    assert page["payload"]["summary"] == "[CRITICAL prod] exporter-1:10199: exporter cannot be scraped"
    assert page["payload"]["severity"] == "critical"
    assert "Description of NineDataExporterDown." in page["payload"]["custom_details"]["firing"]
    assert page["links"][0]["href"].endswith("docs/alerts.md#ninedataexporterdown")
    assert not any("exporter" in subject for subject in sinks.subjects)


def test_wecom_gets_a_text_and_dingtalks_bridge_a_webhook(fire: Callable[..., None], sinks: Sinks) -> None:
    fire(failed(chat="wecom"), failed(chat="dingtalk"))
    until(lambda: sinks.posts("/wecom/message/send") and sinks.posts("/dingtalk"), sinks)
    assert sinks.posts("/wecom/message/send")[0]["text"]["content"].startswith(
        "[FAILED prod] orders: precheck failed\n"
    )
    assert sinks.posts("/dingtalk")[0]["alerts"][0]["annotations"]["item_name"] == "Name of targetCheck"


def test_a_replica_that_is_blind_does_not_hide_what_the_other_sees(fire: Callable[..., None], sinks: Sinks) -> None:
    """Without the replica's label, as is usual, both replicas' alerts have the same labels."""
    fire(alert("NineDataExporterDown", "critical"))
    fire(failed())
    until(lambda: sinks.posts("/pagerduty"), sinks)
    until(lambda: "[FAILED prod] orders: precheck failed" in sinks.subjects, sinks)


def test_an_api_that_is_away_is_not_told_once_more_for_each_task(
    server: Alertmanager, fire: Callable[..., None]
) -> None:
    """Of the same exporter only: another cluster may have one with the same job and instance."""
    fire(
        alert("NineDataApiDown", "critical", cluster="a"),
        alert("NineDataQueryFailing", "warning", cluster="a", task_id="cd-1"),
        alert("NineDataDiscoveryFailing", "warning", cluster="b"),
        failed(cluster="a"),
    )
    held = {"NineDataQueryFailing": "suppressed"}
    others = dict.fromkeys(("NineDataApiDown", "NineDataDiscoveryFailing", "NineDataPrecheckFailed"), "active")
    until(lambda: server.states() == held | others, held | others)
