"""The latest results of each task: for the pages, the log, and the order of the next scrape; never for the metrics."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from exporter.logs import event
from exporter.ninedata import LIST_NAME, Precheck, Reason, Status
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, TaskResult

_log = logging.getLogger(__name__)

MAX_LINES = 20
"""Lines of one kind that one scrape writes to the log; the rest is counted. An outage concerns every task at once."""


@dataclass(frozen=True, slots=True)
class TaskHistory:
    """The latest results of one task."""

    last: TaskResult
    """The latest query."""
    precheck: Precheck | None = None
    """The latest answer that was understood."""
    precheck_at: datetime | None = None
    failing_since: datetime | None = None
    """When the queries began to fail; None if the latest one succeeded."""
    logged_reason: Reason | None = None
    """The reason of the latest "query failed" line in the log; None after a success."""
    last_sent: int = 0
    """The number of the latest scrape in which a request for the task was sent."""


class History:
    """The history of all watched tasks by their id. Logs changes: one line per change and task, not per scrape."""

    def __init__(self) -> None:
        self._tasks: dict[str, TaskHistory] = {}
        self._scrapes = 0
        self._skipped: set[str] = set()
        self._discovery_reason: Reason | None = None
        self.discovery_priority = (False, 0)
        """Sorts discovery among the tasks."""

    def get(self, task_id: str) -> TaskHistory | None:
        """The history of a task; None before its first query."""
        return self._tasks.get(task_id)

    def priority(self, task_id: str) -> tuple[bool, int]:
        """Sorts the queries of a scrape: skipped tasks first, tasks that timed out last."""
        history = self._tasks.get(task_id)
        if history is None:
            return False, 0
        outcome = history.last.outcome
        return isinstance(outcome, QueryFailure) and outcome.timed_out, history.last_sent

    def retain(self, task_ids: AbstractSet[str]) -> None:
        """Forget all other tasks."""
        self._skipped &= task_ids
        if not self._tasks.keys() <= task_ids:
            self._tasks = {task_id: task for task_id, task in self._tasks.items() if task_id in task_ids}

    def record(self, results: Iterable[TaskResult], discovery: DiscoveryResult | None = None) -> None:
        """Add the results of one scrape, and log what changed."""
        self._scrapes += 1
        results = tuple(results)
        lines = _Lines()
        for result in results:
            before = self._tasks.get(result.task.task_id)
            if before is not None and before.last.task.ref != result.task.ref:
                before = None  # the task has a new precheck
            after = _after(before, result, self._scrapes, lines)
            self._tasks[result.task.task_id] = after
        lines.end_scrape()
        self._record_skipped(results)
        if discovery is not None:
            self._record_discovery(discovery)

    def _record_skipped(self, results: tuple[TaskResult, ...]) -> None:
        before = bool(self._skipped)
        self._skipped -= {result.task.task_id for result in results if result.sent}
        self._skipped |= {result.task.task_id for result in results if not result.sent}
        if self._skipped and not before:
            reasons = {result.outcome.reason for result in results if isinstance(result.outcome, QueryFailure)}
            message = "scrape ran out of time before querying all tasks"
            if Reason.RATE_LIMITED in reasons:
                message = "scrape left out tasks because of a rate limit"
            event(_log, logging.WARNING, message, skipped=len(self._skipped), tasks=len(self._tasks))
        elif before and not self._skipped:
            event(_log, logging.INFO, "scrape queried all tasks again", tasks=len(self._tasks))

    def _record_discovery(self, discovery: DiscoveryResult) -> None:
        failure, before = discovery.failure, self._discovery_reason
        self._discovery_reason = failure.reason if failure else None
        timed_out = failure is not None and failure.timed_out
        sent = failure is None or failure.sent
        self.discovery_priority = (timed_out, self._scrapes if sent else self.discovery_priority[1])
        if failure is not None and failure.reason is not before:
            message = "discovery failed; the tasks known so far stay watched"
            fields = _failure_fields(failure, LIST_NAME)
            event(_log, logging.WARNING, message, **fields, tasks=len(discovery.tasks))
        elif failure is None and before is not None:
            event(_log, logging.INFO, "discovery succeeded again", tasks=len(discovery.tasks))


def _after(before: TaskHistory | None, result: TaskResult, scrape: int, lines: "_Lines") -> TaskHistory:
    """The history of a task after one more result."""
    outcome = result.outcome
    if isinstance(outcome, Precheck):
        if before is not None and before.logged_reason is not None and before.failing_since is not None:
            lines.recovered(result, (result.at - before.failing_since).total_seconds())
        if before is None or before.precheck is None or before.precheck.status is not outcome.status:
            lines.status(before.precheck if before else None, outcome, result)
        return TaskHistory(result, outcome, result.at, last_sent=scrape)
    history = before or TaskHistory(result)
    logged_reason = history.logged_reason
    if result.sent and logged_reason is not outcome.reason:
        lines.failed(outcome, result)
        logged_reason = outcome.reason
    return replace(
        history,
        last=result,
        failing_since=history.failing_since or result.at,
        logged_reason=logged_reason,
        last_sent=scrape if result.sent else history.last_sent,
    )


class _Lines:
    """The log lines of one scrape, at most MAX_LINES of a kind."""

    def __init__(self) -> None:
        self._written: Counter[tuple[str, str]] = Counter()

    def status(self, before: Precheck | None, now: Precheck, result: TaskResult) -> None:
        """A task has a new status, or its first."""
        attention = [item.item for item in now.items if item.status.needs_attention]
        fields = {
            "status": now.status.value,
            "before": before.status.value if before else None,
            "status_word": now.status_word if now.status is Status.UNKNOWN else None,
            "failing_items": ",".join(attention) or None,
            "request_id": now.request_id or None,
        }
        level = logging.WARNING if attention or now.status.needs_attention else logging.INFO
        self._write(level, "precheck status changed" if before else "precheck status", now.status.value, result, fields)

    def failed(self, failure: QueryFailure, result: TaskResult) -> None:
        """A task's query fails for a new reason."""
        fields = _failure_fields(failure, result.task.ref.kind)
        self._write(logging.WARNING, "query failed", failure.reason.value, result, fields)

    def recovered(self, result: TaskResult, seconds: float) -> None:
        """A task's query succeeds again."""
        self._write(logging.INFO, "query succeeded again", "", result, {"failed_for_seconds": seconds})

    def end_scrape(self) -> None:
        """Count the lines that were left out."""
        for (message, about), count in self._written.items():
            if count > MAX_LINES:
                event(_log, logging.WARNING, f"{message}: more tasks", about=about or None, more=count - MAX_LINES)

    def _write(self, level: int, message: str, about: str, result: TaskResult, fields: Mapping[str, object]) -> None:
        self._written[message, about] += 1
        if self._written[message, about] <= MAX_LINES:
            event(_log, level, message, task=result.task.name, task_id=result.task.task_id, **fields)


def _failure_fields(failure: QueryFailure, kind: str) -> dict[str, object]:
    return {
        "reason": failure.reason.value,
        "error": failure.message,
        "advice": failure.advice(kind),
        "request_id": failure.request_id or None,
    }
