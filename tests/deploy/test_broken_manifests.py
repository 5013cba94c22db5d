"""`deploy.check` finds faults in manifests: each case breaks one in one way."""

import shutil
from pathlib import Path

import pytest

from deploy.check import problems_in
from deploy.manifests import KUBERNETES

# A file, what is replaced in it, by what, and the problem.
BROKEN = {
    "a key misspelt": (
        "deployment.yaml",
        "readOnlyRootFilesystem:",
        "readOnlyRootFileSystem:",
        "deployment.yaml: Kubernetes 1.28: spec.template.spec.containers.0.securityContext: Additional properties",
    ),
    "a version that is gone": ("deployment.yaml", "apps/v1", "apps/v1beta1", "find schema for kind Deployment"),
    "a key of the operator misspelt": (
        "monitoring/servicemonitor.yaml",
        "scrapeTimeout:",
        "scrape_timeout:",
        "monitoring/servicemonitor.yaml: spec.endpoints.0.scrape_timeout: Extra inputs are not permitted",
    ),
    "a rule without an expression": (
        "monitoring/prometheusrule.yaml",
        "expr: vector(1)",
        "for: 1m",
        "spec.groups.0.rules.0.expr: Field required",
    ),
    "a file left out": (
        "base/kustomization.yaml",
        "  - networkpolicy.yaml\n",
        "",
        "base/networkpolicy.yaml: no kustomization applies it unchanged",
    ),
    "a misspelt kustomization": ("kustomization.yaml", "resources:", "resource:", 'unknown field "resource"'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_manifest_is_found(name: str, tmp_path: Path) -> None:
    """The problem names the file, or the kustomization that reads it."""
    file, old, new, problem = BROKEN[name]
    shutil.copytree(KUBERNETES, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / file).read_text("utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1), "utf-8")
    found = list(problems_in(tmp_path))
    assert any(problem in line for line in found), found
