"""The check finds what it is there to find: each test breaks a manifest in one way."""

import shutil
from pathlib import Path

import pytest

from deploy.check import problems_in
from deploy.manifests import KUBERNETES

# A file, what is replaced in it, by what, and what the check says.
BROKEN: dict[str, tuple[str, str, str, str]] = {
    "a key misspelt": (
        "deployment.yaml",
        "readOnlyRootFilesystem:",
        "readOnlyRootFileSystem:",
        "deployment.yaml: Kubernetes 1.28: spec.template.spec.containers.0.securityContext: Additional properties",
    ),
    "a key in the wrong place": (
        "sharded/statefulset.yaml",
        "spec:\n  serviceName: ninedata-exporter-shard\n",
        "serviceName: ninedata-exporter-shard\nspec:\n",
        "sharded/statefulset.yaml: Kubernetes 1.28",
    ),
    "a word for a number": (
        "deployment.yaml",
        "replicas: 1",
        "replicas: one",
        "spec.replicas: 'one' is not of type",
    ),
    "a required key missing": (
        "deployment.yaml",
        "        - name: exporter\n          image:",
        "        - image:",
        "'name' is a required property",
    ),
    "a kind that is not there": (
        "base/serviceaccount.yaml",
        "kind: ServiceAccount",
        "kind: ServiceAcount",
        "Couldn't find schema for kind ServiceAcount",
    ),
    "a version that is gone": (
        "deployment.yaml",
        "apps/v1",
        "apps/v1beta1",
        "Couldn't find schema for kind Deployment",
    ),
    "a key of the operator misspelt": (
        "monitoring/servicemonitor.yaml",
        "scrapeTimeout:",
        "scrape_timeout:",
        "monitoring/servicemonitor.yaml: spec.endpoints.0.scrape_timeout: is not a known key",
    ),
    "a duration that is none": (
        "monitoring/servicemonitor.yaml",
        "interval: 30s",
        "interval: 30 seconds",
        "spec.endpoints.0.interval: String should match pattern",
    ),
    "an action that is none": (
        "monitoring/servicemonitor.yaml",
        "action: labeldrop",
        "action: drop_label",
        "spec.endpoints.0.relabelings.2.action: Input should be",
    ),
    "an expression that is a fraction": (
        "monitoring/prometheusrule.yaml",
        "expr: vector(1)",
        "expr: 0.5",
        "spec.groups.0.rules.0.expr.int: Input should be a valid integer",
    ),
    "a rule without an expression": (
        "monitoring/prometheusrule.yaml",
        "expr: vector(1)",
        "for: 1m",
        "spec.groups.0.rules.0.expr: Field required",
    ),
    "another kind of the operator": (
        "monitoring/servicemonitor.yaml",
        "kind: ServiceMonitor",
        "kind: PodMonitor",
        "PodMonitor is no kind of the Prometheus operator that is known here",
    ),
    "a key twice": (
        "service.yaml",
        "spec:\n",
        "spec:\n  selector: {}\n",
        'mapping key "selector" already defined',
    ),
    "a file left out": (
        "base/kustomization.yaml",
        "  - networkpolicy.yaml\n",
        "",
        "base/networkpolicy.yaml: no kustomization applies it as it is written",
    ),
    "a file that is not there": ("kustomization.yaml", "service.yaml", "services.yaml", "services.yaml"),
    "a kustomization with a key misspelt": (
        "kustomization.yaml",
        "resources:",
        "resource:",
        'unknown field "resource"',
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "said"), BROKEN.values(), ids=BROKEN)
def test_it_is_found(file: str, old: str, new: str, said: str, tmp_path: Path) -> None:
    """And what is said names the file, or the kustomization that reads it."""
    shutil.copytree(KUBERNETES, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / file).read_text("utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1), "utf-8")
    found = list(problems_in(tmp_path))
    assert any(said in problem for problem in found), found
