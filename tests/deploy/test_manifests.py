"""The Kubernetes manifests: each is understood, and together they fit each other, the image and the exporter."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from deploy.check import out_of_date, problems_in
from deploy.manifests import KUBERNETES, kustomize
from exporter import __version__
from tests.deploy.shipped import MANIFESTS, ONE, SERVICES, SHARDS, WORKLOADS, container, exporter, pod
from tests.programs import ROOT

CONFIG_MAP = "base/configmap.yaml"
FOLDER = "/etc/ninedata-exporter"
MANUAL = ROOT / "deploy" / "README.md"

each_workload = pytest.mark.parametrize("workload", WORKLOADS)


def test_all_are_understood_and_applied() -> None:
    """By Kubernetes, the Prometheus operator and kubectl."""
    assert list(problems_in(KUBERNETES)) == []
    assert list(out_of_date()) == []


@pytest.mark.parametrize("file", MANIFESTS)
def test_a_manifest_can_be_applied_again_and_in_any_namespace(file: str) -> None:
    """Under the name of the exporter. None is a secret, which would replace the real one."""
    metadata = MANIFESTS[file]["metadata"]
    assert set(metadata) == {"name", "labels"}
    assert metadata["name"].startswith("ninedata-exporter")
    assert metadata["labels"]["app.kubernetes.io/name"] == "ninedata-exporter"
    assert MANIFESTS[file]["kind"] != "Secret"


@each_workload
def test_a_workload_finds_its_pods_and_its_service(workload: str) -> None:
    """And not those of the other variant."""
    labels = pod(workload)["metadata"]["labels"]
    service = MANIFESTS[SERVICES[workload]]
    assert MANIFESTS[workload]["spec"]["selector"] == {"matchLabels": labels}
    assert MANIFESTS[workload]["metadata"]["labels"] == service["metadata"]["labels"] == labels
    assert service["spec"]["selector"] == labels
    (other,) = set(WORKLOADS) - {workload}
    assert labels != pod(other)["metadata"]["labels"]


@each_workload
def test_the_port_is_the_one_of_the_image(workload: str) -> None:
    """The container's, which the service, the probes and the network policy have too."""
    (port,) = container(workload)["ports"]
    assert f"EXPOSE {port['containerPort']}\n" in (ROOT / "Dockerfile").read_text("utf-8")
    (served,) = MANIFESTS[SERVICES[workload]]["spec"]["ports"]
    assert served == {"name": port["name"], "port": port["containerPort"], "targetPort": port["name"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container(workload)[probe]["httpGet"]["port"] == port["name"]
    ((let_in,),) = (rule["ports"] for rule in MANIFESTS["base/networkpolicy.yaml"]["spec"]["ingress"])
    assert let_in["port"] == port["containerPort"]


def test_a_pod_is_confined() -> None:
    """To the standard that Kubernetes calls restricted, to a root file system that cannot be written to, and to memory.

    Not to a share of the CPU: being throttled would cost a scrape its tasks. Its account has no token.
    """
    spec, made = pod(ONE)["spec"], container(ONE)
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert made["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(made["resources"]["requests"]) == {"cpu", "memory"}
    assert set(made["resources"]["limits"]) == {"memory"}
    account = MANIFESTS["base/serviceaccount.yaml"]
    assert spec["serviceAccountName"] == account["metadata"]["name"]
    assert spec["automountServiceAccountToken"] is account["automountServiceAccountToken"] is False


def test_a_pod_is_of_the_image_of_this_version() -> None:
    """A tag that would be another image tomorrow is none. The user is the image's, by number."""
    assert container(ONE)["image"] == f"ninedata-exporter:{__version__}"
    context = pod(ONE)["spec"]["securityContext"]
    assert f"USER {context['runAsUser']}:{context['runAsGroup']}\n" in (ROOT / "Dockerfile").read_text("utf-8")


@each_workload
def test_the_exporter_reads_what_is_mounted(workload: str, tmp_path: Path) -> None:
    """With its arguments, the configuration of the config map, and the two keys of the secret that it names."""
    for name, text in MANIFESTS[CONFIG_MAP]["data"].items():
        (tmp_path / name).write_text(text, "utf-8")
    for key in ("access-key-id", "secret-key"):
        (tmp_path / key).write_text("of-the-test", "utf-8")
    arguments = [
        argument.replace("$(SHARD)", "2").replace(FOLDER, str(tmp_path)) for argument in container(workload)["args"]
    ]
    assert f"{tmp_path}/config.yaml: good: " in exporter(arguments)


def test_the_files_are_mounted_readable_for_the_group() -> None:
    """All in one folder, where the configuration finds the secret beside itself; and for nobody else.

    The secret is the one of the manual.
    """
    (mount,) = container(ONE)["volumeMounts"]
    (volume,) = pod(ONE)["spec"]["volumes"]
    assert mount == {"name": volume["name"], "mountPath": FOLDER, "readOnly": True}
    assert volume["projected"]["defaultMode"] == 0o440
    assert volume["projected"]["sources"] == [
        {"configMap": {"name": MANIFESTS[CONFIG_MAP]["metadata"]["name"]}},
        {"secret": {"name": "ninedata-exporter"}},
    ]
    command = "kubectl create secret generic ninedata-exporter --from-file=access-key-id --from-file=secret-key\n"
    assert command in MANUAL.read_text("utf-8")


def test_the_kustomization_of_the_manual_is_one(tmp_path: Path) -> None:
    """Its values get into the manifests."""
    (text,) = re.findall(r"```yaml\n(resources:\n.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)
    shutil.copytree(KUBERNETES, tmp_path / "ninedata-exporter" / "deploy" / "kubernetes")
    own = tmp_path / "own"
    own.mkdir()
    (own / "kustomization.yaml").write_text(text, "utf-8")
    changed = MANIFESTS[CONFIG_MAP] | {"data": dict.fromkeys(MANIFESTS[CONFIG_MAP]["data"], "of-the-test")}
    (own / "configmap.yaml").write_text(yaml.safe_dump(changed), "utf-8")
    applied = {manifest["kind"]: manifest for manifest in kustomize(own)}
    assert len(applied) == len(MANIFESTS) - 3  # the shards and the AlertmanagerConfig
    assert {manifest["metadata"]["namespace"] for manifest in applied.values()} == {"monitoring"}
    assert applied["ConfigMap"]["data"] == changed["data"]
    (container,) = applied["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/ninedata-exporter:{__version__}"
    for kind in ("ServiceMonitor", "PrometheusRule"):
        assert applied[kind]["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_a_shard_differs_from_the_one_by_its_number_alone() -> None:
    """The two templates are otherwise the same. The service, which gives the shards their names, is headless."""
    one, shard = container(ONE), container(SHARDS)
    shards, service = MANIFESTS[SHARDS]["spec"], MANIFESTS[SERVICES[SHARDS]]
    assert shard.pop("args") == [*one.pop("args"), f"--shard=$(SHARD)/{shards['replicas']}"]
    assert shards["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    (variable,) = shard.pop("env")
    assert variable == {
        "name": "SHARD",
        "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['apps.kubernetes.io/pod-index']"}},
    }
    assert shard == one
    specs = [pod(workload)["spec"] | {"containers": []} for workload in WORKLOADS]
    assert specs[0] == specs[1]
