"""The Helm chart, rendered with helm: what it makes is understood, fits together, and the exporter reads it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.check import problems_of_chart
from deploy.manifests import CHART, EXAMPLES, BuildError, render
from exporter import __version__
from tests.deploy.shipped import MANIFESTS, ONE, container, exporter, pod
from tests.programs import ROOT

Manifest = dict[str, Any]

EVERYTHING, SHARDS = EXAMPLES


def rendered(*arguments: str) -> dict[tuple[str, str], Manifest]:
    """By kind and name."""
    return {(each["kind"], each["metadata"]["name"]): dict(each) for each in render(*arguments)}


def the_pod(manifests: dict[tuple[str, str], Manifest], kind: str) -> Manifest:
    return dict(manifests[kind, "test-ninedata-exporter"]["spec"]["template"]["spec"])


def test_all_values_render_to_what_kubernetes_and_the_operator_understand() -> None:
    """The defaults and each example."""
    assert list(problems_of_chart()) == []


def test_by_default_it_is_what_kustomize_applies() -> None:
    """The same pod, with the names of the release."""
    chart, plain = the_pod(rendered(), "Deployment"), dict(pod(ONE)["spec"])
    (made,), (written,) = chart.pop("containers"), (container(ONE),)
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert made[name]["httpGet"].pop("scheme") == "HTTP"
    assert made == written | {"imagePullPolicy": "IfNotPresent"}
    named = yaml.safe_dump(plain | {"containers": []}).replace("name: ninedata", "name: test-ninedata")
    named = named.replace("serviceAccountName: ninedata", "serviceAccountName: test-ninedata")
    assert chart | {"containers": []} == yaml.safe_load(named)


@pytest.mark.parametrize("values", [(), (EVERYTHING,), (SHARDS,)], ids=["default", "everything", "shards"])
def test_the_exporter_reads_the_configuration(values: Sequence[str], tmp_path: Path) -> None:
    """With the secret beside it, and the task files where they are mounted."""
    manifests = rendered(*values)
    for (kind, name), manifest in manifests.items():
        if kind == "ConfigMap" and "grafana_dashboard" not in manifest["metadata"]["labels"]:
            folder = tmp_path / ("tasks/" + name if name.endswith("-tasks") else "")
            folder.mkdir(parents=True, exist_ok=True)
            for file, text in manifest["data"].items():
                (folder / file).write_text(text.replace("/etc/ninedata-exporter-tasks", f"{tmp_path}/tasks"), "utf-8")
    for key in ("access-key-id", "secret-key"):
        (tmp_path / key).write_text("of-the-test", "utf-8")
    text = (tmp_path / "config.yaml").read_text("utf-8")
    (tmp_path / "config.yaml").write_text(
        text.replace("ca_file: /etc/ninedata-ca/ca.crt", "insecure_skip_verify: true")
    )
    summary = exporter([f"--config.file={tmp_path}/config.yaml"])
    assert "good: " in summary
    if EVERYTHING in values:
        assert "2 tasks" in summary


def test_everything_is_mounted() -> None:
    """Where the arguments and the configuration look for it; a pipeline's ConfigMap may come later."""
    spec = the_pod(rendered(EVERYTHING), "Deployment")
    (made,) = spec["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in made["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in spec["volumes"]}
    assert "--web.config.file=" + mounts["web-config"] + "/web-config.yaml" in made["args"]
    tasks = [volume["configMap"] for volume in spec["volumes"] if volume["name"].startswith("tasks-")]
    assert tasks == [
        {"name": name, "optional": True}
        for name in ("test-ninedata-exporter-tasks", "ninedata-tasks-of-pipeline-a", "ninedata-tasks-of-pipeline-b")
    ]
    assert made["livenessProbe"]["httpGet"]["scheme"] == "HTTPS"


def test_each_shard_knows_its_share() -> None:
    """As many as there are, found through a headless service. One cannot be made of the service of one exporter."""
    manifests = rendered(SHARDS)
    (made,) = the_pod(manifests, "StatefulSet")["containers"]
    workload = manifests["StatefulSet", "test-ninedata-exporter"]
    assert f"--shard=$(SHARD)/{workload['spec']['replicas']}" in made["args"]
    assert manifests["Service", workload["spec"]["serviceName"]]["spec"]["clusterIP"] == "None"
    assert ("Service", workload["spec"]["serviceName"]) not in rendered()


def test_rules_dashboards_and_monitor_are_the_shipped_ones() -> None:
    """Word for word; the monitor differs from the manifest by what it selects and by the values."""
    manifests = rendered(EVERYTHING)
    rules = yaml.safe_load((ROOT / "prometheus" / "ninedata.rules.yaml").read_text("utf-8"))
    assert manifests["PrometheusRule", "test-ninedata-exporter"]["spec"] == rules
    for path in (ROOT / "grafana" / "dashboards").glob("*.json"):
        name = f"test-ninedata-exporter-{path.stem}"
        assert manifests["ConfigMap", name]["data"] == {path.name: path.read_text("utf-8")}
    monitor = manifests["ServiceMonitor", "test-ninedata-exporter"]["spec"]
    service = manifests["Service", "test-ninedata-exporter"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    shipped = MANIFESTS["monitoring/servicemonitor.yaml"]["spec"]
    assert monitor["jobLabel"] == shipped["jobLabel"]
    assert monitor["endpoints"][0]["interval"] == shipped["endpoints"][0]["interval"]
    assert monitor["endpoints"][0]["honorLabels"] is True


def test_probes_and_monitor_have_the_prefix_of_the_flags() -> None:
    """The path of the external URL, unless the route prefix says otherwise; elsewhere the exporter answers 404."""
    external, route = "--web.external-url=https://host/ninedata/", "--web.route-prefix=/"
    for flags, prefix in ([external], "/ninedata"), ([route, external], ""):
        manifests = rendered("--set=serviceMonitor.enabled=true", f"--set-json=extraArgs={json.dumps(flags)}")
        (made,) = the_pod(manifests, "Deployment")["containers"]
        paths = [made[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")]
        assert paths == [f"{prefix}/-/ready", f"{prefix}/-/ready", f"{prefix}/-/healthy"]
        (endpoint,) = manifests["ServiceMonitor", "test-ninedata-exporter"]["spec"]["endpoints"]
        assert endpoint["path"] == f"{prefix}/metrics"


def test_versions_are_the_exporters() -> None:
    """The image's tag is the chart's appVersion."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert chart["version"] == chart["appVersion"] == __version__


REFUSED = {
    "a key misspelt": (["--set=image.repo=x"], "Additional property repo is not allowed"),
    "an address without a scheme": (["--set=config.api.base_url=console.ninedata.cloud"], "base_url"),
    "two secrets": (["--set=existingSecret=a,secret.accessKeyId=b,secret.secretKey=c"], "but not both"),
    "half a secret": (["--set=secret.accessKeyId=b"], "secret.secretKey is missing"),
    "a policy that would let it reach everything": (["--set-json=networkPolicy.egressPorts=[]"], "egressPorts"),
    "a task file of another name": (['--set-json=taskFiles={"a.txt": []}'], "a.txt"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_values_with_a_fault_are_refused(name: str) -> None:
    """By the schema, or by a sentence."""
    arguments, message = REFUSED[name]
    with pytest.raises(BuildError, match=message):
        list(render(*arguments))
