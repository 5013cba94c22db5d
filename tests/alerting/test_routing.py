"""Which alerts the sample configuration brings together, and which it keeps back while others are known."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.alerting import shipped
from tests.alerting.servers import Alertmanager, alertmanager
from tests.alerting.sinks import Sinks
from tests.program.process import until

EXPORTER = {"job": "ninedata", "instance": "exporter-1:10199"}
OTHER_EXPORTER = {"job": "ninedata", "instance": "exporter-2:10199"}
ORDERS = {"task": "orders-prod", "task_id": "cd-1"}
BILLING = {"task": "billing-eu", "task_id": "cd-2"}
LEDGER = {"task": "ledger-eu", "task_id": "cd-3"}

SEEN_SECONDS = 30.0

Labels = Mapping[str, str]


@pytest.fixture(scope="module")
def server(
    program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory, sinks: Sinks
) -> Iterator[Alertmanager]:
    with alertmanager(program("alertmanager"), tmp_path_factory.mktemp("alertmanager"), sinks, 30) as running:
        yield running


@pytest.fixture
def fire(server: Alertmanager) -> Iterator[Callable[..., None]]:
    """Lets alerts fire until the test is over."""
    fired: list[Labels] = []

    def fire(*alerts: Labels) -> None:
        fired.extend(alerts)
        server.post(*({"labels": alert} for alert in alerts))

    yield fire
    server.post(*({"labels": alert, "endsAt": datetime.now(UTC).isoformat()} for alert in fired))


def alert(name: str, *labels: Labels, **more: str) -> dict[str, str]:
    merged = {"alertname": name, "severity": "critical", **more}
    for each in labels:
        merged |= each
    return merged


def amtool(program: Callable[[str], str], *arguments: str, cwd: Path = shipped.ROOT) -> str:
    checked = subprocess.run(  # noqa: S603 - a component of the tests
        [program("amtool"), *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return checked.stdout


def test_the_sample_is_a_valid_configuration(program: Callable[[str], str]) -> None:
    """Alertmanager takes the sample with its templates."""
    said = amtool(program, "check-config", str(shipped.ALERTMANAGER))
    assert " - 6 inhibit rules\n" in said
    assert " - 1 templates\n  SUCCESS" in said


ROUTES = [
    (alert("NineDataPrecheckFailed", EXPORTER, ORDERS, status="Failed"), "ninedata", {**ORDERS}),
    (alert("NineDataPrecheckFailed", OTHER_EXPORTER, ORDERS, status="Failed"), "ninedata", {**ORDERS}),
    (alert("NineDataPrecheckWarning", EXPORTER, ORDERS, status="Warning", team="dba"), "ninedata", {**ORDERS}),
    (alert("NineDataPrecheckStuck", EXPORTER, BILLING), "ninedata", {**BILLING}),
    (alert("NineDataPrecheckNotStarted", EXPORTER, BILLING), "ninedata", {**BILLING}),
    (alert("NineDataPrecheckStatusUnknown", EXPORTER, BILLING), "ninedata", {**BILLING}),
    (
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="timeout"),
        "ninedata",
        {"alertname": "NineDataQueryFailing", **EXPORTER, "reason": "timeout"},
    ),
    (
        alert("NineDataQueryFailing", EXPORTER, BILLING, reason="auth", team="dba"),
        "ninedata",
        {"alertname": "NineDataQueryFailing", **EXPORTER, "reason": "auth"},
    ),
    (
        alert("NineDataTaskTargetDown", EXPORTER, ORDERS, team="dba"),
        "ninedata",
        {"alertname": "NineDataTaskTargetDown", **EXPORTER},
    ),
    *(
        (alert(name, EXPORTER), "ninedata", {"alertname": name, **EXPORTER})
        for name in (
            "NineDataApiAuthFailing",
            "NineDataApiRateLimited",
            "NineDataApiClockSkew",
            "NineDataDiscoveryFailing",
            "NineDataExporterDown",
            "NineDataConfigReloadFailed",
            "NineDataWebConfigReloadFailed",
            "NineDataTaskFileFailing",
            "NineDataScrapeNearTimeout",
            "NineDataOfTheFuture",
        )
    ),
    (alert("NineDataMetricsAbsent"), "ninedata", {"alertname": "NineDataMetricsAbsent"}),
    (alert("NodeDown", EXPORTER), "nobody", {}),
]


@pytest.mark.parametrize(
    ("labels", "receiver", "group"),
    ROUTES,
    ids=lambda value: value.get("alertname", "") if isinstance(value, dict) else value,
)
def test_an_alert_goes_to_its_receiver_in_its_group(  # noqa: PLR0917 - the table and the fixtures
    labels: dict[str, str],
    receiver: str,
    group: dict[str, str],
    program: Callable[[str], str],
    server: Alertmanager,
    fire: Callable[..., None],
) -> None:
    """The receiver is told by amtool, the labels of the group by a running Alertmanager."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    assert (
        amtool(program, "config", "routes", "test", f"--config.file={shipped.ALERTMANAGER}", *pairs) == f"{receiver}\n"
    )
    fire(labels)
    until(lambda: bool(groups_of(server, labels)), SEEN_SECONDS, "the alert in a group")
    assert groups_of(server, labels) == [(receiver, group)]


def groups_of(server: Alertmanager, labels: Labels) -> list[tuple[str, dict[str, str]]]:
    """Receiver and labels of each group that an alert is in."""
    return [
        (each["receiver"]["name"], each["labels"])
        for each in server.get("/api/v2/alerts/groups")
        if any(alert["labels"] == labels for alert in each["alerts"])
    ]


def test_every_alert_that_is_shipped_stands_in_the_table() -> None:
    """No alert of the rules is routed by chance."""
    names = {line.split()[-1] for line in shipped.RULES.read_text("utf-8").splitlines() if "- alert:" in line}
    assert names
    assert names <= {labels["alertname"] for labels, _, _ in ROUTES}


INHIBITIONS = [
    # what fires, what fires beside it, and whether that is kept back
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataPrecheckFailed", EXPORTER, ORDERS), True),
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataPrecheckWarning", EXPORTER, ORDERS), True),
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="tls"), True),
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataApiAuthFailing", EXPORTER), True),
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataScrapeNearTimeout", EXPORTER), True),
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataMetricsAbsent"), True),
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataExporterDown", EXPORTER), False),
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataExporterDown", OTHER_EXPORTER), False),
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataPrecheckFailed", OTHER_EXPORTER, ORDERS), False),
    (alert("NineDataExporterDown", EXPORTER), alert("NodeDown", EXPORTER), False),
    (
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="connect"),
        alert("NineDataPrecheckFailed", EXPORTER, ORDERS),
        True,
    ),
    (
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="connect"),
        alert("NineDataPrecheckStuck", EXPORTER, ORDERS),
        True,
    ),
    (
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="connect"),
        alert("NineDataPrecheckFailed", EXPORTER, BILLING),
        False,
    ),
    (
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="connect"),
        alert("NineDataPrecheckFailed", OTHER_EXPORTER, ORDERS),
        False,
    ),
    (alert("NineDataTaskTargetDown", EXPORTER, ORDERS), alert("NineDataPrecheckFailed", EXPORTER, ORDERS), True),
    (alert("NineDataTaskTargetDown", EXPORTER, ORDERS), alert("NineDataPrecheckFailed", EXPORTER, BILLING), False),
    (alert("NineDataExporterDown", EXPORTER), alert("NineDataTaskTargetDown", EXPORTER, ORDERS), True),
    (alert("NineDataApiAuthFailing", EXPORTER), alert("NineDataDiscoveryFailing", EXPORTER), True),
    (alert("NineDataApiAuthFailing", EXPORTER), alert("NineDataDiscoveryFailing", OTHER_EXPORTER), False),
    (alert("NineDataApiRateLimited", EXPORTER), alert("NineDataDiscoveryFailing", EXPORTER), False),
    (
        alert("NineDataApiAuthFailing", EXPORTER),
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="auth"),
        True,
    ),
    (
        alert("NineDataApiAuthFailing", EXPORTER),
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="connect"),
        False,
    ),
    (
        alert("NineDataApiAuthFailing", EXPORTER),
        alert("NineDataQueryFailing", OTHER_EXPORTER, ORDERS, reason="auth"),
        False,
    ),
    (alert("NineDataApiAuthFailing", EXPORTER), alert("NineDataPrecheckFailed", EXPORTER, BILLING), False),
    (
        alert("NineDataApiRateLimited", EXPORTER),
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="rate_limited"),
        True,
    ),
    (
        alert("NineDataApiRateLimited", EXPORTER),
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="deadline"),
        False,
    ),
]


@pytest.mark.parametrize(("source", "target", "kept_back"), INHIBITIONS)
def test_an_alert_is_kept_back_while_its_cause_is_known(
    source: dict[str, str],
    target: dict[str, str],
    kept_back: bool,  # noqa: FBT001 - a column of the table
    server: Alertmanager,
    fire: Callable[..., None],
) -> None:
    """What follows from the source is not reported, anything else is."""
    follows = SURE_TO_FOLLOW[source["alertname"]]
    fire(source, target, follows)
    until(lambda: kept_back_of(server, follows), SEEN_SECONDS, "what follows from the source is kept back")
    assert kept_back_of(server, target) is kept_back
    if source != target:
        assert not kept_back_of(server, source)


SURE_TO_FOLLOW = {
    "NineDataExporterDown": alert("NineDataConfigReloadFailed", EXPORTER, probe="1"),
    "NineDataQueryFailing": alert("NineDataPrecheckStatusUnknown", EXPORTER, ORDERS, probe="1"),
    "NineDataTaskTargetDown": alert("NineDataPrecheckStatusUnknown", EXPORTER, ORDERS, probe="1"),
    "NineDataApiAuthFailing": alert("NineDataQueryFailing", EXPORTER, LEDGER, reason="auth", probe="1"),
    "NineDataApiRateLimited": alert("NineDataQueryFailing", EXPORTER, LEDGER, reason="rate_limited", probe="1"),
}
"""For each source an alert that shows, once it is kept back, that Alertmanager has taken notice of the source."""


def kept_back_of(server: Alertmanager, labels: Labels) -> bool:
    """Whether an alert is kept back."""
    (status,) = (each["status"] for each in server.alerts() if each["labels"] == labels)
    return bool(status["inhibitedBy"])


def test_the_cause_of_a_cause_keeps_both_back(server: Alertmanager, fire: Callable[..., None]) -> None:
    """With a refused key only that is reported: neither the failing query nor what was known of the precheck."""
    fire(
        alert("NineDataApiAuthFailing", EXPORTER),
        alert("NineDataQueryFailing", EXPORTER, ORDERS, reason="auth"),
        alert("NineDataPrecheckFailed", EXPORTER, ORDERS),
    )
    until(lambda: heard(server) == {"NineDataApiAuthFailing"}, SEEN_SECONDS, "only the refused key")


def heard(server: Alertmanager) -> set[str]:
    """The alerts that are not kept back."""
    return {each["labels"]["alertname"] for each in server.alerts() if not each["status"]["inhibitedBy"]}
