"""Which fault holds for which request."""

from dataclasses import dataclass

from exporter.sandbox.faults.fault import Fault


@dataclass(slots=True)
class _Armed:
    fault: Fault
    left: int | None


class Board:
    """At most one fault per task, and one for all requests, which yields to a task's own.

    What is said of a task's id holds for each name that requests go by, see `Route.names`.
    """

    def __init__(self) -> None:
        self._armed: dict[str | None, _Armed] = {}

    def set(self, fault: Fault, task_id: str | None = None) -> None:
        """Put a fault in the place of the one that was there; without a task id it is for all requests."""
        self._armed[task_id] = _Armed(fault, fault.times)

    def clear(self, task_id: str | None = None) -> None:
        """Take a task's fault away; without a task id, all faults."""
        if task_id is None:
            self._armed.clear()
        else:
            self._armed.pop(task_id, None)

    def take(self, *names: str) -> Fault | None:
        """The fault for a request that goes by these names, the most special one first; it is counted as used once."""
        key = next((name for name in names if name in self._armed), None)
        armed = self._armed.get(key)
        if armed is None:
            return None
        if armed.left is not None:
            armed.left -= 1
            if not armed.left:
                del self._armed[key]
        return armed.fault
