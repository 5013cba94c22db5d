"""The shipped manifests, and the command as it is run in them."""

import sys
from collections.abc import Sequence
from typing import Any

from deploy.manifests import KUBERNETES, manifests
from tests.programs import ROOT, run

UNIT = ROOT / "deploy" / "systemd" / "ninedata-exporter.service"

Manifest = dict[str, Any]

MANIFESTS: dict[str, Manifest] = {
    path.relative_to(KUBERNETES).as_posix(): dict(manifest) for path, manifest in manifests(KUBERNETES)
}
"""Each by its file's path."""

ONE, SHARDS = "deployment.yaml", "sharded/statefulset.yaml"
WORKLOADS = (ONE, SHARDS)
SERVICES = {ONE: "service.yaml", SHARDS: "sharded/service.yaml"}


def pod(workload: str) -> Manifest:
    """The template of its pods."""
    return dict(MANIFESTS[workload]["spec"]["template"])


def container(workload: str) -> Manifest:
    """Its only container."""
    (container,) = pod(workload)["spec"]["containers"]
    return dict(container)


def exporter(arguments: Sequence[str]) -> str:
    """What the exporter says to `--config.check` with these arguments; it must accept them."""
    return run(sys.executable, "-m", "exporter", *arguments, "--config.check")
