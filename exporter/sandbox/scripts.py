"""Scripts: what a precheck, or a task itself, shows at each moment, computed from the time since its start."""

import math
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

from exporter.ninedata import CheckItem, Precheck, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a script."""

    lasts: float = math.inf
    """Seconds until the next part begins."""


@dataclass(frozen=True, slots=True)
class PrecheckRun(Part):
    """One run of a precheck: it waits, works through its items one by one, and then its result stands."""

    items: tuple[CheckItem, ...]
    """As they are at the end."""
    queued_seconds: float = 0.0
    item_seconds: float = 0.0

    def at(self, elapsed: float) -> Precheck:
        """What it shows so many seconds after its start."""
        worked = elapsed - self.queued_seconds
        if worked >= self.item_seconds * len(self.items):
            ends = [item.status for item in self.items]
            status = next((status for status in (Status.FAILED, Status.WARNING) if status in ends), Status.SUCCESS)
            return Precheck(status, self.items)
        items = [replace(item, status=Status.UNSTARTED, message="") for item in self.items]
        if worked < 0:
            return Precheck(Status.UNSTARTED, tuple(items))
        running = int(worked // self.item_seconds)
        items[running] = replace(items[running], status=Status.RUNNING)
        return Precheck(Status.RUNNING, (*self.items[:running], *items[running:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution(Part):
    """One execution of a comparison: it runs for some seconds, and then its result stands."""

    status: str = "success"
    seconds: float = 0.0
    error: str = ""
    only_source: int = 0
    only_target: int = 0
    different: int = 0
    skipped_tables: int = 0

    def at(self, elapsed: float) -> Self:
        """What it shows so many seconds after its start: rows are found steadily."""
        if elapsed >= self.seconds:
            return self
        done = elapsed / self.seconds
        return replace(
            self,
            status="running",
            error="",
            only_source=int(self.only_source * done),
            only_target=int(self.only_target * done),
            different=int(self.different * done),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Part):
    """What a replication does for some time."""

    status: str = "running"
    subtask: str = "inc_writer"
    """The one that is at work, or that stopped."""
    delay_seconds: float = 0.672
    """At the start of the stage."""
    delay_growth: float = 0.0
    """By how many seconds the delay grows in a second."""

    def at(self, elapsed: float) -> Self:
        """What it shows so many seconds after its start."""
        return replace(self, delay_seconds=self.delay_seconds + self.delay_growth * elapsed)


P = TypeVar("P", bound=Part)


class Script(Generic[P]):
    """Parts that follow one another, over and over, from the moment at which it began."""

    def __init__(self, *parts: P, began: float = 0.0) -> None:
        self.parts = parts
        self.began = began

    def played_from(self, moment: float) -> "Script[P]":
        """The script with its beginning relative to a moment."""
        return Script(*self.parts, began=moment + self.began)

    def at(self, now: float) -> tuple[int, P, float]:
        """The part that plays: its number, counted on in every round, the part, and the seconds since its start."""
        rounds, elapsed = divmod(max(now - self.began, 0.0), sum(part.lasts for part in self.parts))
        index = 0
        while elapsed >= self.parts[index].lasts:
            elapsed -= self.parts[index].lasts
            index = (index + 1) % len(self.parts)
        return int(rounds) * len(self.parts) + index, self.parts[index], elapsed
