"""What a kind of precheck is to the rest of the package."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporter.ninedata.model import Precheck, TaskRef


@dataclass(frozen=True, slots=True)
class Kind:
    """How prechecks of one kind are asked for and understood."""

    name: str
    """The value of `kind` in the configuration and in metrics."""
    title: str
    """What is checked, in words that fit after "prechecks of"."""
    path: str
    """The `/openapi/...` path, which is also what is signed."""
    has_precheck_id: bool
    """Whether a precheck has an id of its own beside the task's."""
    parameters: Callable[[TaskRef], dict[str, str]]
    """The query string of a request."""
    parse: Callable[[Mapping[str, object], TaskRef], Precheck]
    """The precheck in a successful answer. Raises QueryError where it is none, or that of another task."""
