"""A real Prometheus scrapes the real exporter in both documented ways, and is asked what it knows."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import yaml

from exporter.ninedata import CheckItem, Status
from exporter.sandbox import DEMO_TASKS, InjectedFault, fleet
from exporter.sandbox.scripts import PrecheckRun, Script
from tests.program.launcher import Api, launching
from tests.programs import ROOT, component, until
from tests.prometheus import Prometheus, prometheus
from tests.secrecy import Watch

ORDERS = "cd-tg3isu1xgs"
LONG = "目标表缺少主键 " * 700
WORDY = replace(
    fleet(1)[0],
    name="wordy",
    labels={"team": "队" * 333, "env": "prod"},
    precheck=Script(PrecheckRun((CheckItem(LONG, LONG, "", Status.FAILED, LONG),))),
)
TASKS = (*DEMO_TASKS, WORDY)
KNOWN = {task.task_id for task in TASKS if task.precheck}
# As docs/metrics.md has them. Two labels are configured: team and env.
LIMITS = {"label_limit": 8 + 2, "label_name_length_limit": 16, "label_value_length_limit": 1023, "sample_limit": 1000}
SCHEMA = "cc-th6j3fs58y"


@dataclass
class Monitoring:
    api: Api
    prometheus: Prometheus

    def awaits(self, expression: str) -> None:
        """An instant query comes to have a result."""
        until(lambda: self.prometheus.query(expression), expression)


@pytest.fixture(scope="module")
def running(secrecy: Watch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    component("prometheus")
    with launching(tmp_path_factory.mktemp("exporter"), secrecy) as launcher:
        api = launcher.serve(*TASKS)
        target = f"127.0.0.1:{launcher.start(config=api.config()).port}"
        jobs: list[dict[str, object]] = [
            {"job_name": "ninedata", "static_configs": [{"targets": [target]}], **LIMITS},
            {
                "job_name": "ninedata-probe",
                "honor_labels": True,
                "http_sd_configs": [{"url": f"http://{target}/sd", "refresh_interval": "1s"}],
            },
            of_the_operator(target),
        ]
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
        folder = tmp_path_factory.mktemp("prometheus")
        with prometheus(folder, config, "--query.lookback-delta=10s") as server:
            yield Monitoring(api, server)


def of_the_operator(target: str) -> dict[str, object]:
    """The job that the operator writes for the Probe of the manual, whose relabelings follow its own."""
    (text,) = re.findall(r"```yaml\n([^`]*kind: Probe\n[^`]*)```", (ROOT / "docs" / "operations.md").read_text("utf-8"))
    spec = yaml.safe_load(text.replace("sourceLabels", "source_labels").replace("targetLabel", "target_label"))["spec"]
    own = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": target},
    ]
    return {
        "job_name": "probe/default/ninedata",
        "metrics_path": spec["prober"]["path"],
        "static_configs": [{"targets": [ORDERS, SCHEMA]}],
        "relabel_configs": own + spec["targets"]["staticConfig"].get("relabelingConfigs", []),
        "metric_relabel_configs": spec.get("metricRelabelings", []),
    }


@pytest.fixture
def monitoring(running: Monitoring) -> Monitoring:
    running.api.sandbox.faults.clear()
    for job in ("ninedata", "ninedata-probe"):
        running.awaits(f'sum(ninedata_precheck_up{{job="{job}"}}) == {len(KNOWN)}')
    running.awaits(f'count(up{{job="ninedata-probe"}} == 1) == {len(TASKS)}')  # of legacy-erp too
    return running


def test_one_target_for_all_tasks(monitoring: Monitoring) -> None:
    """A failing or hanging task loses its status, and the target stays up."""
    query = monitoring.prometheus.query
    statuses = query('ninedata_precheck_status{job="ninedata"} == 1')
    assert {labels["task_id"] for labels, _ in statuses} == KNOWN
    assert {labels["task"]: labels["status"] for labels, _ in statuses}["inventory-prod"] == "Failed"
    reasons = query('ninedata_precheck_item_failure_info{job="ninedata",task="members-cn"}')
    assert any("预检查" in labels["reason"] for labels, _ in reasons)
    ((wordy, _),) = query('ninedata_precheck_item_failure_info{job="ninedata",task="wordy"}')
    assert wordy["reason"].count("目标表缺少主键") >= 40, "its bytes are within the limits of the job"
    assert monitoring.prometheus.api("metadata")["ninedata_api_requests"][0]["type"] == "counter", (
        "OpenMetrics was not negotiated"
    )
    monitoring.api.sandbox.faults |= {ORDERS: InjectedFault(kind="hang"), SCHEMA: InjectedFault(kind="http_error")}
    for task_id, reason in ((ORDERS, "deadline"), (SCHEMA, "http_error")):
        failing = f'job="ninedata",task_id="{task_id}"'
        monitoring.awaits(f'ninedata_precheck_query_failure_info{{{failing},reason="{reason}"}}')
        assert query(f"ninedata_precheck_status{{{failing}}}") == []
    assert [value for _, value in query('up{job="ninedata"}')] == [1]


def test_one_target_per_task(monitoring: Monitoring) -> None:
    """By http_sd and /probe; the labels of target and series agree, and a hanging task times out alone."""
    query = monitoring.prometheus.query
    up = query('up{job="ninedata-probe"}')
    assert {labels["task_id"]: value for labels, value in up} == {task.task_id: 1.0 for task in TASKS}
    assert {(labels["task"], labels["team"]) for labels, _ in up} == {
        (task.name, task.labels["team"]) for task in TASKS
    }
    assert not [label for label in monitoring.prometheus.api("labels") if label.startswith("exported_")]
    monitoring.api.sandbox.faults[ORDERS] = InjectedFault(kind="hang")
    probe = 'job="ninedata-probe"'
    monitoring.awaits(f'ninedata_precheck_query_failure_info{{{probe},task_id="{ORDERS}",reason="deadline"}}')
    assert query(f"sum(ninedata_precheck_up{{{probe}}} == bool 0)") == [({}, 2.0)]  # and legacy-erp
    assert query(f"count(up{{{probe}}} == 1)") == [({}, len(TASKS))]


def test_a_probe_of_the_prometheus_operator(monitoring: Monitoring) -> None:
    """Its targets are those of tasks, of one exporter, to which the alerts attribute them."""
    monitoring.awaits('sum(ninedata_precheck_up{job="probe/default/ninedata"}) == 2')
    for series in ("up", "ninedata_precheck_up"):
        found = [labels for labels, _ in monitoring.prometheus.query(f'{series}{{job="probe/default/ninedata"}}')]
        assert {labels["task_id"] for labels in found} == {ORDERS, SCHEMA}
        assert len({labels["instance"] for labels in found}) == 1
