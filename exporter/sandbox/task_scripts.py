"""Scripted tasks: what a task itself shows at each moment, computed from the time since its start."""

import math
from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of a comparison: it runs for some time, then its result stands."""

    seconds: float = 0.0
    outcome: str = "success"
    error: str = ""
    rows: tuple[int, int, int] = (0, 0, 0)
    """Those only in the source, only in the target, and different."""
    skipped_tables: int = 0

    def running(self, elapsed: float) -> Self:
        """What it shows `elapsed` seconds after its start: rows are found steadily."""
        if elapsed >= self.seconds:
            return self
        done = 1.0 if math.isinf(self.seconds) else elapsed / self.seconds
        only_source, only_target, different = (int(count * done) for count in self.rows)
        return replace(self, outcome="running", error="", rows=(only_source, only_target, different))


@dataclass(frozen=True, slots=True)
class ComparisonScript:
    """The executions of a comparison, over and over, one every `period_seconds`; without a period only the first."""

    executions: tuple[Execution, ...] = (Execution(),)
    period_seconds: float = math.inf
    waiting: str = ""
    """The status of a task that has no execution yet."""

    def status(self, elapsed: float) -> str:
        """The task's status at that moment of the script."""
        return self.waiting or self.execution(self.latest(elapsed), elapsed).outcome

    def latest(self, elapsed: float) -> int:
        """The number of the latest execution, from 0."""
        return int(max(elapsed, 0.0) // self.period_seconds)

    def start(self, number: int) -> float:
        """When an execution starts, in seconds since the start of the script."""
        return number * self.period_seconds if number else 0.0

    def execution(self, number: int, elapsed: float) -> Execution:
        """What an execution shows at that moment of the script."""
        return self.executions[number % len(self.executions)].running(elapsed - self.start(number))


@dataclass(frozen=True, slots=True)
class Stage:
    """What a replication does for some time. The delay goes steadily from that of the stage before to this one's."""

    status: str = "running"
    seconds: float = math.inf
    delay_seconds: float = 0.672
    subtask: str = "inc_writer"


@dataclass(frozen=True, slots=True)
class ReplicationState:
    """What a replication shows at a moment."""

    status: str
    subtask: str
    """The one that is at work, or that stopped."""
    percent: float
    """How much of it is done; it stays 0 for the incremental one."""
    delay_milliseconds: int


@dataclass(frozen=True, slots=True)
class ReplicationScript:
    """The stages of a replication, over and over."""

    stages: tuple[Stage, ...] = (Stage(),)

    def status(self, elapsed: float) -> str:
        """The task's status at that moment of the script."""
        return self.state_at(elapsed).status

    def state_at(self, elapsed: float) -> ReplicationState:
        """What it shows `elapsed` seconds after its start."""
        elapsed = max(elapsed, 0.0) % sum(stage.seconds for stage in self.stages)
        before = self.stages[-1]
        for stage in self.stages:
            if elapsed < stage.seconds:
                break
            elapsed, before = elapsed - stage.seconds, stage
        done = 1.0 if math.isinf(stage.seconds) else elapsed / stage.seconds
        delay = before.delay_seconds + (stage.delay_seconds - before.delay_seconds) * done
        percent = 0.0 if stage.subtask == "inc_writer" else round(100 * done, 1)
        return ReplicationState(stage.status, stage.subtask, percent, round(delay * 1000))


TaskScript = ComparisonScript | ReplicationScript
