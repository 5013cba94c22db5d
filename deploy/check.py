"""Check the manifests without a cluster: `python -m deploy.check`. Exit status 1 and a line per problem, or 0."""

import sys
from collections.abc import Iterator
from pathlib import Path

from deploy import prometheus_rule
from deploy.manifests import EXAMPLES, KUBERNETES, KUSTOMIZATION, BuildError, kustomize, lint, manifests, render
from deploy.schemas import problems_of


def problems_in(directory: Path) -> Iterator[str]:
    """What Kubernetes, the Prometheus operator or kubectl will not accept in the files of a folder."""
    files = list(manifests(directory))
    for path, manifest in files:
        for problem in problems_of(manifest):
            yield f"{path.relative_to(directory)}: {problem}"
    applied = []
    for kustomization in sorted(directory.rglob(KUSTOMIZATION)):
        try:
            applied += kustomize(kustomization.parent)
        except BuildError as error:
            yield f"{kustomization.relative_to(directory)}: {error}"
    for path, manifest in files:
        if manifest not in applied:
            yield f"{path.relative_to(directory)}: no kustomization applies it unchanged"


def problems_of_chart() -> Iterator[str]:
    """What helm will not render, and what Kubernetes or the operator will not accept of the result."""
    for values in ([], *([example] for example in EXAMPLES)):
        try:
            lint(*values)
            for manifest in render(*values):
                for problem in problems_of(manifest):
                    yield f"chart {' '.join(values)}: {manifest['kind']} {manifest['metadata']['name']}: {problem}"
        except BuildError as error:
            yield f"chart {' '.join(values)}: {error}"


def out_of_date() -> Iterator[str]:
    """The PrometheusRule, if it differs from the rules file that it is made from."""
    rules = prometheus_rule.RULES.read_text(encoding="utf-8")
    if prometheus_rule.FILE.read_text(encoding="utf-8") != prometheus_rule.built(rules):
        yield f"{prometheus_rule.FILE.name} is out of date: python -m deploy.prometheus_rule"


def main() -> int:
    """Print the problems of the shipped files."""
    found = [*problems_in(KUBERNETES), *problems_of_chart(), *out_of_date()]
    sys.stdout.writelines(f"{problem}\n" for problem in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
