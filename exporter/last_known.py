"""What was last heard of each task: for the pages and the log, never for the metrics."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from exporter.change_log import ChangeLog
from exporter.ninedata import Precheck, Reason
from exporter.snapshot import QueryFailure, TaskResult


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of one task."""

    last: TaskResult
    """The latest query, whatever came of it."""
    precheck: Precheck | None = None
    """The latest answer that was understood."""
    precheck_at: datetime | None = None
    failing_since: datetime | None = None
    """When the present row of failed queries began."""
    logged_reason: Reason | None = None
    """The reason for which the log says that the query fails."""
    asked: int = 0
    """The number of the latest scrape in which a request for the task left."""

    @property
    def hung(self) -> bool:
        """Whether the latest request was not answered in time."""
        failure = self.last.outcome
        return isinstance(failure, QueryFailure) and failure.hung


class LastKnown:
    """Remembers the latest results per task id, and has what changes logged."""

    def __init__(self) -> None:
        self._of_task: dict[str, Knowledge] = {}
        self._left_out: set[str] = set()
        self._log = ChangeLog()
        self._scrapes = 0

    def get(self, task_id: str) -> Knowledge | None:
        """What is known of a task; None before its first scrape."""
        return self._of_task.get(task_id)

    def begin_scrape(self) -> int:
        """The number of a scrape that begins, from 1."""
        self._scrapes += 1
        return self._scrapes

    def retain(self, task_ids: AbstractSet[str]) -> None:
        """Forget all other tasks: they are no longer watched."""
        self._left_out &= task_ids
        if not self._of_task.keys() <= task_ids:
            self._of_task = {task_id: known for task_id, known in self._of_task.items() if task_id in task_ids}

    def record(self, result: TaskResult, scrape: int) -> None:
        """Take note of a result of the `scrape`-th scrape."""
        before = self._of_task.get(result.task.task_id)
        if before is not None and before.last.task.ref != result.task.ref:
            before = None  # another precheck of the task: what was known is of the one before it
        outcome = result.outcome
        if isinstance(outcome, Precheck):
            after = self._answered(before, outcome, result, scrape)
        else:
            after = self._failed(before, outcome, result, scrape)
        self._of_task[result.task.task_id] = after
        if result.asked:
            self._left_out.discard(result.task.task_id)
        else:
            self._left_out.add(result.task.task_id)

    def end_scrape(self) -> None:
        """Take note that a scrape is over, of all tasks or of one."""
        self._log.end_scrape(left_out=len(self._left_out), tasks=len(self._of_task))

    def _answered(self, before: Knowledge | None, now: Precheck, result: TaskResult, scrape: int) -> Knowledge:
        if before is not None and before.logged_reason is not None and before.failing_since is not None:
            self._log.recovery(result, (result.at - before.failing_since).total_seconds())
        known = before.precheck if before else None
        if known is None or known.status is not now.status:
            self._log.status(known, now, result)
        return Knowledge(result, now, result.at, asked=scrape)

    def _failed(self, before: Knowledge | None, now: QueryFailure, result: TaskResult, scrape: int) -> Knowledge:
        known = before or Knowledge(result)
        # A task that only had no turn is not logged by itself: the scrape is, once.
        logged = known.logged_reason
        if result.asked and logged is not now.reason:
            self._log.failure(now, result)
            logged = now.reason
        return replace(
            known,
            last=result,
            failing_since=known.failing_since or result.at,
            logged_reason=logged,
            asked=scrape if result.asked else known.asked,
        )
