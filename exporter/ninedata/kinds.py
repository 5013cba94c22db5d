"""The kinds of precheck: one module each, listed here and nowhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exporter.ninedata import data_compare
from exporter.ninedata.model import Precheck, TaskRef


@dataclass(frozen=True, slots=True)
class Kind:
    """How prechecks of one kind are asked for and understood."""

    name: str
    path: str
    """The `/openapi/...` path, which is also what is signed."""
    parameters: Callable[[TaskRef], dict[str, str]]
    parse: Callable[[Mapping[str, object], TaskRef], Precheck]


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "data_compare": Kind("data_compare", data_compare.PATH, data_compare.parameters, data_compare.parse),
    }
)
