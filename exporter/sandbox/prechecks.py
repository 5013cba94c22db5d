"""Scripted prechecks: what a precheck shows at each moment of its life, computed from data and elapsed time.

A precheck waits (Unstarted), then works through its items one by one (Running), and ends: Failed where an item failed,
else Success. Comparisons document no warning, so an item that warns lets its precheck succeed; replication tells it.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate
from zlib import crc32


class Status(StrEnum):
    """The words of comparisons. `Warning` is undocumented for them, and seen of items in the console."""

    UNSTARTED = "Unstarted"
    RUNNING = "Running"
    SUCCESS = "Success"
    WARNING = "Warning"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Item:
    """One check: how long it runs and how it ends; `error_message` holds the reason and what to do about it."""

    item: str
    name: str
    description: str
    seconds: float = 0.0
    outcome: Status = Status.SUCCESS
    error_message: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One passage through the items, after a time in the queue."""

    items: tuple[Item, ...]
    queued_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """From the start to the end of the last item."""
        return self.queued_seconds + sum(item.seconds for item in self.items)

    @property
    def outcome(self) -> Status:
        """The status at the end."""
        failed = any(item.outcome is Status.FAILED for item in self.items)
        return Status.FAILED if failed else Status.SUCCESS


@dataclass(frozen=True, slots=True)
class State:
    """What a query shows, and until which elapsed second it stays so (infinite: for good)."""

    status: Status
    items: tuple[tuple[Item, Status], ...]
    until: float

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.status not in (Status.UNSTARTED, Status.RUNNING)


@dataclass(frozen=True, slots=True)
class Script:
    """The runs of one precheck.

    With `rest_seconds` the runs follow each other in place for ever, each result standing that long; without, the first
    run is played and its result stays. `variation` (0 to 1) is the share of its time that a run may save, another one
    for each run, the same at each playing; the rest after it is longer by as much.
    """

    runs: tuple[Run, ...]
    rest_seconds: float | None = None
    variation: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what could not be played.

        Raises:
            ValueError: no runs, a variation outside of 0 to 1, or a repetition that takes no time.
        """
        if not self.runs:
            raise ValueError("a script needs a run")
        if not 0 <= self.variation <= 1:
            raise ValueError(f"variation is from 0 to 1, not {self.variation}")
        if self.rest_seconds is not None and sum(self._slots) <= 0:
            raise ValueError("a script that repeats must take time")

    def state_at(self, elapsed: float) -> State:
        """The precheck `elapsed` seconds after its start; before its start it looks as at its start."""
        elapsed = max(elapsed, 0.0)
        number, start, next_start = self._locate(elapsed)
        run, pace = self.runs[number % len(self.runs)], self._pace(number)
        durations = [run.queued_seconds, *(item.seconds for item in run.items)]
        ends = [start + pace * end for end in accumulate(durations)]
        over = bisect_right(ends, elapsed)
        statuses = [_item_status(item, over - 1 - index) for index, item in enumerate(run.items)]
        if over == len(ends):
            status, until = run.outcome, next_start
        else:
            status, until = Status.RUNNING if over else Status.UNSTARTED, ends[over]
        return State(status, tuple(zip(run.items, statuses, strict=True)), until)

    def finished(self, elapsed: float) -> "Script":
        """What becomes of a precheck that is superseded: the run of that moment, ended, for good."""
        run = self.runs[self._locate(elapsed)[0] % len(self.runs)]
        return Script((Run(tuple(replace(item, seconds=0.0) for item in run.items)),))

    def following(self, elapsed: float) -> "Script":
        """What a new precheck of the same task plays: the same runs, from the next one on."""
        first = (self._locate(elapsed)[0] + 1) % len(self.runs)
        return replace(self, runs=self.runs[first:] + self.runs[:first])

    def _locate(self, elapsed: float) -> tuple[int, float, float]:
        """The number of the run at that moment, counted over all cycles, when it began, and when the next one will."""
        if self.rest_seconds is None:
            return 0, 0.0, math.inf
        slots = self._slots
        cycles = int(elapsed // sum(slots))
        starts = [cycles * sum(slots) + start for start in accumulate(slots, initial=0.0)]
        index = min(bisect_right(starts, elapsed), len(slots)) - 1
        return cycles * len(slots) + index, starts[index], starts[index + 1]

    @property
    def _slots(self) -> list[float]:
        return [run.seconds + (self.rest_seconds or 0.0) for run in self.runs]

    def _pace(self, number: int) -> float:
        """The share of its nominal time that this run takes."""
        return 1.0 - self.variation * crc32(f"run {number}".encode()) / 2**32


def _item_status(item: Item, turn: int) -> Status:
    """`turn` is 0 while it is this item's, less before it, more after it."""
    if turn < 0:
        return Status.UNSTARTED
    return Status.RUNNING if turn == 0 else item.outcome
