"""Scripted prechecks: what a precheck shows at each moment, computed from the time since its start.

A precheck waits (Unstarted), works through its items one by one (Running), and ends: Failed if an item failed, else
Success. Comparisons document no warning, so their precheck succeeds with an item that warns.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate


class ScriptStatus(StrEnum):
    """The words of comparisons. `Warning` is undocumented for them, but the console shows it."""

    UNSTARTED = "Unstarted"
    RUNNING = "Running"
    SUCCESS = "Success"
    WARNING = "Warning"
    FAILED = "Failed"


_WAITING = ScriptStatus.UNSTARTED


@dataclass(frozen=True, slots=True)
class ScriptItem:
    """One check item: how long it runs, how it ends, and the reason with what to do about it."""

    item: str
    name: str
    description: str
    seconds: float = 0.0
    outcome: ScriptStatus = ScriptStatus.SUCCESS
    error_message: str = ""


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """One run of all items, after a time in the queue."""

    items: tuple[ScriptItem, ...]
    queued_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """From the start to the end of the last item."""
        return self.queued_seconds + sum(item.seconds for item in self.items)

    @property
    def outcome(self) -> ScriptStatus:
        """The status at the end."""
        failed = any(item.outcome is ScriptStatus.FAILED for item in self.items)
        return ScriptStatus.FAILED if failed else ScriptStatus.SUCCESS


@dataclass(frozen=True, slots=True)
class ScriptState:
    """What a query shows: the precheck's status, and that of each item."""

    status: ScriptStatus
    items: tuple[tuple[ScriptItem, ScriptStatus], ...]


@dataclass(frozen=True, slots=True)
class Script:
    """The runs of one precheck.

    With `rest_seconds` the runs repeat for ever, and each result stands that long. Without, the first run's result
    stays.
    """

    runs: tuple[ScriptRun, ...]
    rest_seconds: float = math.inf

    def state_at(self, elapsed: float) -> ScriptState:
        """The precheck `elapsed` seconds after its start."""
        run, elapsed = self._run_at(elapsed)
        seconds = [run.queued_seconds, *(item.seconds for item in run.items)]
        running = bisect_right(list(accumulate(seconds)), elapsed) - 1  # the item that runs; -1 in the queue
        items = [(item, item.outcome if index < running else _WAITING) for index, item in enumerate(run.items)]
        if running == len(items):
            return ScriptState(run.outcome, tuple(items))
        if running >= 0:
            items[running] = run.items[running], ScriptStatus.RUNNING
        return ScriptState(_WAITING if running < 0 else ScriptStatus.RUNNING, tuple(items))

    def _run_at(self, elapsed: float) -> tuple[ScriptRun, float]:
        """The run at that moment, and the time since it began."""
        slots = [run.seconds + self.rest_seconds for run in self.runs]
        elapsed = max(elapsed, 0.0) % sum(slots)
        for run, slot in zip(self.runs, slots, strict=True):
            if elapsed < slot:
                return run, elapsed
            elapsed -= slot
        return self.runs[-1], slots[-1]  # rounding


def script_run(
    checks: Sequence[ScriptItem],
    ends: Mapping[str, tuple[ScriptStatus, str]] | None = None,
    *,
    seconds: float = 0.0,
    queued_seconds: float = 0.0,
) -> ScriptRun:
    """A run of `checks`, `seconds` each; `ends` has those that do not succeed, with their messages."""
    ends = ends or {}
    items = []
    for check in checks:
        outcome, message = ends.get(check.item, (ScriptStatus.SUCCESS, ""))
        items.append(replace(check, seconds=seconds, outcome=outcome, error_message=message))
    return ScriptRun(tuple(items), queued_seconds)
