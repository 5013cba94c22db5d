"""What the Prometheus operator is given, tried on the program that reads what the operator makes of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.shipped import MANIFESTS, ONE, SERVICES, SHARDS
from tests.programs import ROOT, component, run

MONITOR = MANIFESTS["monitoring/servicemonitor.yaml"]
(ENDPOINT,) = MONITOR["spec"]["endpoints"]

POD = "__meta_kubernetes_pod_name"

Labels = dict[str, str]
Relabeling = dict[str, Any]


def copied(label: str, target: str) -> Relabeling:
    return {"source_labels": [label], "target_label": target}


def relabelings(job_label: str) -> list[Relabeling]:
    """The operator's own that concern labels, then the monitor's, in Prometheus' spelling."""
    own = [
        copied(f"__meta_kubernetes_{name}", name.split("_")[0]) for name in ("namespace", "service_name", "pod_name")
    ]
    own.append(copied(f"__meta_kubernetes_service_label_{re.sub(r'[^a-zA-Z0-9_]', '_', job_label)}", "job"))
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return own + [{names.get(key, key): value for key, value in each.items()} for each in ENDPOINT["relabelings"]]


@pytest.fixture
def targets(tmp_path: Path) -> Callable[..., list[Labels]]:
    """The labels with which Prometheus scrapes pods that it finds through the services of workloads."""

    def targets(*pods: tuple[str, str]) -> list[Labels]:
        groups = [{"targets": ["10.0.0.1:10199"], "labels": discovered(*pod)} for pod in pods]
        (tmp_path / "pods.json").write_text(json.dumps(groups), "utf-8")
        job = {
            "job_name": "of-the-operator",
            "file_sd_configs": [{"files": [str(tmp_path / "pods.json")]}],
            "relabel_configs": relabelings(MONITOR["spec"]["jobLabel"]),
        }
        config = tmp_path / "prometheus.yaml"
        config.write_text(yaml.safe_dump({"scrape_configs": [job]}), "utf-8")
        found = json.loads(
            run(component("promtool"), "check", "service-discovery", "--timeout=1s", config, job["job_name"])
        )
        by_pod = {each["discoveredLabels"][POD]: each["labels"] for each in found}
        return [{k: v for k, v in by_pod[pod].items() if not k.startswith("__")} for _, pod in pods]

    return targets


def discovered(workload: str, pod: str) -> Labels:
    """What Kubernetes tells Prometheus of a pod."""
    metadata = MANIFESTS[SERVICES[workload]]["metadata"]
    return {
        POD: pod,
        "__meta_kubernetes_namespace": "databases",
        "__meta_kubernetes_service_name": metadata["name"],
        "__meta_kubernetes_service_label_app_kubernetes_io_name": metadata["labels"]["app.kubernetes.io/name"],
    }


@pytest.mark.parametrize("workload", SERVICES)
def test_the_monitor_finds_the_service(workload: str) -> None:
    """By its labels, and its port by name."""
    service = MANIFESTS[SERVICES[workload]]
    assert MONITOR["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert ENDPOINT["port"] in [port["name"] for port in service["spec"]["ports"]]


def test_it_is_scraped_as_the_sample_is() -> None:
    """As often, for as long, at the same path."""
    sample = yaml.safe_load((ROOT / "prometheus" / "prometheus.example.yaml").read_text("utf-8"))
    (job,) = sample["scrape_configs"]
    assert ENDPOINT["interval"] == job["scrape_interval"]
    assert ENDPOINT["scrapeTimeout"] == job["scrape_timeout"]
    assert ENDPOINT["path"] == "/metrics"


def test_a_new_pod_goes_on_with_the_series_of_the_old_one(targets: Callable[..., list[Labels]]) -> None:
    """No label of a Deployment's target changes with a rollout."""
    old, new = targets((ONE, "ninedata-exporter-5d4c9-x7k2p"), (ONE, "ninedata-exporter-6f8b7-q9z4m"))
    assert old == new
    assert old["instance"] == "databases/ninedata-exporter"


def test_shards_are_told_from_each_other(targets: Callable[..., list[Labels]]) -> None:
    """Each by its own name, which it keeps."""
    name = MANIFESTS[SHARDS]["metadata"]["name"]
    first, second = targets((SHARDS, f"{name}-0"), (SHARDS, f"{name}-1"))
    assert first["instance"] == f"databases/{name}-0"
    assert second == first | {"instance": f"databases/{name}-1"}


def test_the_alerts_know_the_job(targets: Callable[..., list[Labels]]) -> None:
    """One job for both; an exporter that is down before it was ever scraped is found by its name."""
    (pattern,) = re.findall(r'up\{job=~"(.+)"\}', (ROOT / "prometheus" / "ninedata.rules.yaml").read_text("utf-8"))
    one, shard = targets((ONE, "ninedata-exporter-5d4c9-x7k2p"), (SHARDS, "ninedata-exporter-shard-0"))
    assert one["job"] == shard["job"]
    assert re.fullmatch(pattern, one["job"])
