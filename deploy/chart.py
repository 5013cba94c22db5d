"""The Helm chart, rendered with helm."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "helm" / "ninedata-exporter"
EXAMPLES = tuple(sorted((CHART / "ci").glob("*.yaml")))
"""Files of values that must render, beside the defaults."""

_HELM = Path(sys.executable).with_name("helm")
"""Of the package helm-binary."""


class HelmError(Exception):
    """helm refuses the chart or the values; the message is its own."""


def lint() -> None:
    """Check the chart as helm does. Raises HelmError."""
    for values in ((), *((f"--values={path}",) for path in EXAMPLES)):
        _helm("lint", CHART, "--strict", *values)


def render(*arguments: str) -> Iterator[Mapping[str, Any]]:
    """The manifests of a release named `test`; `arguments` are helm's. Raises HelmError."""
    for manifest in yaml.safe_load_all(_helm("template", "test", CHART, *arguments)):
        if manifest is not None:
            yield manifest


def _helm(*arguments: str | Path) -> str:
    done = subprocess.run([_HELM, *arguments], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - the virtual environment's own
    if done.returncode:
        raise HelmError((done.stdout + done.stderr).strip())
    return done.stdout
