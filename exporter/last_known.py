"""What was last heard of each task: for the pages and the log, never for the metrics."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from exporter.logs import event
from exporter.ninedata import Precheck, Reason
from exporter.snapshot import QueryFailure, TaskResult

_log = logging.getLogger(__name__)


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
    asked: int = 0
    """The number of the latest scrape in which a request for the task left."""

    @property
    def hung(self) -> bool:
        """Whether the latest request was not answered in time."""
        failure = self.last.outcome
        return (
            isinstance(failure, QueryFailure)
            and self.last.asked
            and failure.reason in (Reason.TIMEOUT, Reason.DEADLINE)
        )


class LastKnown:
    """Remembers the latest results per task id, and logs what changes: once, not at every scrape."""

    def __init__(self) -> None:
        self._of_task: dict[str, Knowledge] = {}

    def get(self, task_id: str) -> Knowledge | None:
        """What is known of a task; None before its first scrape."""
        return self._of_task.get(task_id)

    def record(self, result: TaskResult, scrape: int) -> None:
        """Take note of a result of the `scrape`-th scrape."""
        before = self._of_task.get(result.task.task_id)
        if before is not None and before.last.task.ref != result.task.ref:
            before = None  # another precheck of the task: what was known is of the one before it
        if isinstance(result.outcome, Precheck):
            _log_recovery(before, result)
            _log_status(before.precheck if before else None, result.outcome, result)
            after = Knowledge(result, result.outcome, result.at, None, scrape)
        else:
            _log_failure(before, result.outcome, result)
            known = before or Knowledge(result)
            after = replace(
                known,
                last=result,
                failing_since=known.failing_since or result.at,
                asked=scrape if result.asked else known.asked,
            )
        self._of_task[result.task.task_id] = after


def _log_status(before: Precheck | None, now: Precheck, result: TaskResult) -> None:
    if before is not None and before.status is now.status:
        return
    failing = [item.item for item in now.items if item.status.needs_attention]
    event(
        _log,
        logging.WARNING if now.status.needs_attention else logging.INFO,
        "precheck status changed" if before else "precheck status first seen",
        task=result.task.name,
        task_id=result.task.task_id,
        status=now.status.value,
        before=before.status.value if before else None,
        status_word=now.status_word if now.status.value == "Unknown" else None,
        failing_items=",".join(failing) or None,
        request_id=now.request_id or None,
    )


def _log_failure(before: Knowledge | None, failure: QueryFailure, result: TaskResult) -> None:
    if before is not None:
        last = before.last.outcome
        if isinstance(last, QueryFailure) and last.reason is failure.reason:
            return
    event(
        _log,
        logging.WARNING,
        "query fails",
        task=result.task.name,
        task_id=result.task.task_id,
        reason=failure.reason.value,
        error=failure.message,
        request_id=failure.request_id or None,
    )


def _log_recovery(before: Knowledge | None, result: TaskResult) -> None:
    if before is None or before.failing_since is None:
        return
    event(
        _log,
        logging.INFO,
        "query works again",
        task=result.task.name,
        task_id=result.task.task_id,
        failed_for_seconds=(result.at - before.failing_since).total_seconds(),
    )
