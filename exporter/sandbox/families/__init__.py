"""The families of prechecks: one module each, listed here and nowhere else."""

from exporter.sandbox.families import data_compare, replication, schema_compare
from exporter.sandbox.families.family import Family
from exporter.sandbox.messages import Request

FAMILIES: tuple[Family, ...] = (data_compare.FAMILY, schema_compare.FAMILY, replication.FAMILY)

KINDS: tuple[str, ...] = tuple(family.kind for family in FAMILIES)

_ROUTES = {path: route for family in FAMILIES for path, route in family.routes.items()}


def family_of(kind: str) -> Family:
    """The family of a kind of task.

    Raises:
        ValueError: there is none.
    """
    for family in FAMILIES:
        if family.kind == kind:
            return family
    raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")


def names_of(request: Request) -> tuple[str, ...]:
    """The names that a request goes by, see `Route`; none at a path of no family."""
    route = _ROUTES.get(request.path)
    return route.names(request) if route else ()
