"""Checks manifests against the schemas of Kubernetes and of the Prometheus operator.

Unknown keys are problems, because a cluster may drop them silently.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # it has no types
from cloudcoil.models.prometheus_operator.v1 import PrometheusRule, ServiceMonitor
from cloudcoil.models.prometheus_operator.v1alpha1 import AlertmanagerConfig
from pydantic import BaseModel, ValidationError

Manifest = Mapping[str, Any]

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
        understood = model.model_validate(manifest)
    except ValidationError as error:
        for each in error.errors():
            yield f"{_path(each['loc'])}: {each['msg']}"
        return
    # The models ignore unknown keys: these are missing in what the model writes.
    yield from _lost(manifest, understood.model_dump(mode="json", by_alias=True, exclude_unset=True), ())


def _lost(wanted: object, understood: object, path: tuple[str | int, ...]) -> Iterator[str]:
    if isinstance(wanted, Mapping) and isinstance(understood, Mapping):
        for key, value in wanted.items():
            if key in understood:
                yield from _lost(value, understood[key], (*path, key))
            else:
                yield f"{_path((*path, key))}: is not a known key"
    elif isinstance(wanted, list) and isinstance(understood, list):
        for index, pair in enumerate(zip(wanted, understood, strict=True)):
            yield from _lost(*pair, (*path, index))


def _path(parts: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in parts)
