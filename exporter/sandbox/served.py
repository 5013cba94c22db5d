"""The tasks of one family while they are served, with their prechecks as they stand at each moment."""

import json
import math
import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from exporter.sandbox.clock import Clock
from exporter.sandbox.envelopes import rendered
from exporter.sandbox.messages import Answer
from exporter.sandbox.prechecks import Script, State
from exporter.sandbox.tasks import Task

Data = Callable[[Task, str, State], Mapping[str, object]]
"""An answer's `data` of a task, its precheck's id, and the precheck's state."""

_ID_ALPHABET = string.ascii_lowercase + string.digits


@dataclass(slots=True)
class _Precheck:
    """One precheck as served. Its data are rendered once for each state, as most queries find the state unchanged."""

    task: Task
    precheck_task_id: str
    script: Script
    started: float
    request_id: str | None = None
    data: bytes = b""
    data_until: float = -math.inf


class Served:
    """What one family's routes answer from. `max_page_size` is the most entries that a page of a list has."""

    def __init__(
        self, tasks: Iterable[Task], clock: Clock, data: Data, *, has_precheck_ids: bool, max_page_size: int
    ) -> None:
        self.tasks = tuple(tasks)
        self.max_page_size = max_page_size
        self._clock = clock
        self._data = data
        self._has_precheck_ids = has_precheck_ids
        self.reset()

    def reset(self) -> None:
        """All prechecks begin again as at the sandbox's start."""
        now = self._clock.elapsing()
        self._prechecks: dict[tuple[str, str], _Precheck] = {}
        self._current: dict[str, _Precheck] = {}
        for task in self.tasks:
            if task.script:
                started = now - task.started_seconds_ago
                self._add(_Precheck(task, task.precheck_task_id, task.script, started, task.request_id))

    def status(self, task_id: str, precheck_task_id: str = "") -> Answer | None:
        """The answer about a precheck; None where there is no such precheck."""
        precheck = self._prechecks.get((task_id, precheck_task_id))
        if precheck is None:
            return None
        elapsed = self._clock.elapsing() - precheck.started
        if elapsed >= precheck.data_until or not precheck.data:
            state = precheck.script.state_at(elapsed)
            data = self._data(precheck.task, precheck_task_id, state)
            precheck.data, precheck.data_until = json.dumps(data, ensure_ascii=False).encode(), state.until
        return rendered(precheck.data, precheck.request_id)

    def start_again(self, task_id: str) -> str:
        """Start a task's precheck anew, and tell its id.

        The old id keeps showing how its run ends; without ids the new run takes the old one's place, and its id is "".

        Raises:
            KeyError: there is no such task, or it never had a precheck.
        """
        now = self._clock.elapsing()
        old = self._current[task_id]
        elapsed = now - old.started
        new_id = _new_precheck_id() if self._has_precheck_ids else ""
        self._add(_Precheck(old.task, new_id, old.script.following(elapsed), now))
        old.script, old.data = old.script.finished(elapsed), b""
        return new_id

    def _add(self, precheck: _Precheck) -> None:
        self._prechecks[precheck.task.task_id, precheck.precheck_task_id] = precheck
        self._current[precheck.task.task_id] = precheck


def _new_precheck_id() -> str:
    return "pcte-" + "".join(secrets.choice(_ID_ALPHABET) for _ in range(12))
