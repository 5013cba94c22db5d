"""The kinds of precheck: one module each, listed here and nowhere else."""

from collections.abc import Mapping
from types import MappingProxyType

from exporter.ninedata.kinds import data_compare, replication, schema_compare
from exporter.ninedata.kinds.kind import Kind

KINDS: Mapping[str, Kind] = MappingProxyType(
    {module.KIND.name: module.KIND for module in (data_compare, schema_compare, replication)}
)
"""By their names, the default first."""

DEFAULT_KIND = data_compare.KIND.name

__all__ = ["DEFAULT_KIND", "KINDS", "Kind"]
