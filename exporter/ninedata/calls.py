"""One question to the API, ready to be sent: what is asked, and how the answer is understood."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from exporter.ninedata.kinds import KINDS
from exporter.ninedata.model import Precheck, TaskRef

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A GET request of the API."""

    name: str
    """The value of `kind` in the books of requests."""
    path: str
    """The `/openapi/...` path, which is also what is signed."""
    parameters: Mapping[str, str]
    parse: Callable[[Mapping[str, object]], T]
    """The value in a successful answer's envelope. Raises QueryError where there is none."""


def precheck_call(task: TaskRef) -> Call[Precheck]:
    """Asks for a task's precheck."""
    kind = KINDS[task.kind]
    return Call(kind.name, kind.path, kind.parameters(task), lambda envelope: kind.parse(envelope, task))
