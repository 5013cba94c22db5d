"""Checks manifests against the schemas of Kubernetes and of the Prometheus operator.

Unknown keys are problems, because a cluster may drop them silently.
"""

from collections.abc import Iterable, Iterator, Mapping

import kubernetes_validate  # type: ignore[import-untyped] # it has no types
from cloudcoil.models.prometheus_operator.v1 import PrometheusRule, ServiceMonitor
from cloudcoil.models.prometheus_operator.v1alpha1 import AlertmanagerConfig
from pydantic import BaseModel, ValidationError

from deploy.manifests import Manifest

KUBERNETES = ("1.28", "1.37")
"""The oldest version that has everything the manifests use, and the newest supported one."""

_OPERATOR: Mapping[str, type[BaseModel]] = {
    "AlertmanagerConfig": AlertmanagerConfig,
    "PrometheusRule": PrometheusRule,
    "ServiceMonitor": ServiceMonitor,
}


def problems_of(manifest: Manifest) -> Iterator[str]:
    """The problems of a manifest, each with the path of the key."""
    if str(manifest.get("apiVersion")).startswith("monitoring.coreos.com/"):
        yield from _operator_problems(manifest)
        return
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"Kubernetes {version}: {_path(error.path)}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield error.message


def _operator_problems(manifest: Manifest) -> Iterator[str]:
    model = _OPERATOR.get(manifest["kind"])
    if model is None:
        yield f"{manifest['kind']} is not a known kind of the Prometheus operator"
        return
    try:
        model.model_validate(manifest, extra="forbid", by_alias=True, by_name=False)
    except ValidationError as error:
        for each in error.errors():
            yield f"{_path(each['loc'])}: {each['msg']}"


def _path(parts: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in parts)
