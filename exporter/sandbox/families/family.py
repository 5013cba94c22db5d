"""What the sandbox needs to know of a family of prechecks."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.sandbox.families.routes import Route
from exporter.sandbox.prechecks import Item
from exporter.sandbox.served import Data


@dataclass(frozen=True, slots=True)
class Family:
    """The prechecks of one kind of task: how they are asked for, and how they are told."""

    kind: str
    """The exporter's name for it."""
    id_prefix: str
    """How the ids of its tasks begin."""
    checks: tuple[Item, ...]
    """The check items of its prechecks, in their order; all pass, and take no time."""
    data: Data
    routes: Mapping[str, Route]
    """By path."""
    has_precheck_ids: bool = True
    """Whether each precheck has an id, so that a new one leaves the one before it in place."""
