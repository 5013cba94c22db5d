"""The latest results of each task: for the pages, the log, and the order of the next scrape; never for the metrics."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from exporter.logs import event
from exporter.ninedata import KINDS, Precheck, Reason, TaskState
from exporter.ninedata.text import cut_middle
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure, QueryResult

_log = logging.getLogger(__name__)

MAX_LINES = 20
"""Lines of one kind that one scrape writes to the log; the rest is counted. An outage concerns every task at once."""


Priority = tuple[bool, int]
"""Sorts the queries of a scrape: skipped ones first, those that timed out last."""
Answer = Precheck | TaskState
A = TypeVar("A", Precheck, TaskState)


@dataclass(frozen=True, slots=True)
class QueryHistory(Generic[A]):
    """The latest results of one query of one task."""

    last: QueryResult[A]
    """The latest query."""
    answer: A | None = None
    """The latest answer that was understood."""
    answered_at: datetime | None = None
    failing_since: datetime | None = None
    """When the queries began to fail; None if the latest one succeeded."""
    logged_reason: Reason | None = None
    """The reason of the latest "query failed" line in the log; None after a success."""
    last_sent: int = 0
    """The number of the latest scrape in which a request was sent."""


class QueryHistories(Generic[A]):
    """The history of the same query of all watched tasks, by their id; `about` a precheck or a task."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._tasks: dict[str, QueryHistory[A]] = {}

    @property
    def task_ids(self) -> AbstractSet[str]:
        """Of the tasks that have a history."""
        return self._tasks.keys()

    def get(self, task_id: str) -> QueryHistory[A] | None:
        """The history of a task; None before its first query."""
        return self._tasks.get(task_id)

    def priority(self, task_id: str) -> Priority:
        """Sorts this query among those of a scrape."""
        history = self._tasks.get(task_id)
        if history is None:
            return False, 0
        failure = history.last.failure
        return failure is not None and failure.timed_out, history.last_sent

    def retain(self, task_ids: AbstractSet[str]) -> None:
        """Forget all other tasks."""
        if not self._tasks.keys() <= task_ids:
            self._tasks = {task_id: task for task_id, task in self._tasks.items() if task_id in task_ids}

    def record(self, results: Iterable[QueryResult[A]], scrape: int) -> None:
        """Add the results of a scrape, and log what changed."""
        lines = _Lines(self._about)
        for result in results:
            before = self._tasks.get(result.task.task_id)
            if before is not None and before.last.task.ref != result.task.ref:
                before = None  # the task has a new precheck
            self._tasks[result.task.task_id] = _after(before, result, scrape, lines)
        lines.end_scrape()


class History:
    """The history of all watched tasks. Logs changes: one line per change and task, not per scrape."""

    def __init__(self) -> None:
        self.prechecks = QueryHistories[Precheck]("precheck")
        self.states = QueryHistories[TaskState]("task")
        self.discovery_priorities: dict[str, Priority] = {}
        """Sorts each discovery among the queries, by kind."""
        self._scrapes = 0
        self._skipped: set[tuple[int, str]] = set()
        self._discovery_reasons: dict[str, Reason] = {}

    def retain(self, task_ids: AbstractSet[str]) -> None:
        """Forget all other tasks."""
        self._skipped = {query for query in self._skipped if query[1] in task_ids}
        self.prechecks.retain(task_ids)
        self.states.retain(task_ids)

    def record(
        self,
        results: Iterable[QueryResult[Precheck]],
        states: Iterable[QueryResult[TaskState]] = (),
        discoveries: Iterable[DiscoveryResult] = (),
    ) -> None:
        """Add the results of one scrape, and log what changed."""
        self._scrapes += 1
        # A status that a list failed to show is a failure of the list, not of each task.
        results, states = tuple(results), tuple(each for each in states if each.up or each.seconds is not None)
        self.prechecks.record(results, self._scrapes)
        self.states.record(states, self._scrapes)
        self._record_skipped(results, states)
        for discovery in discoveries:
            self._record_discovery(discovery)

    def _record_skipped(self, *groups: Sequence[QueryResult[Any]]) -> None:
        before, reasons = bool(self._skipped), set()
        for about, results in enumerate(groups):
            if self._skipped:
                self._skipped -= {(about, result.task.task_id) for result in results if result.sent}
            self._skipped |= {(about, result.task.task_id) for result in results if not result.sent}
            reasons |= {result.failure.reason for result in results if result.failure}
        if not (before or self._skipped):
            return
        skipped = len({task_id for _, task_id in self._skipped})
        tasks = len(self.prechecks.task_ids | self.states.task_ids)
        if skipped and not before:
            message = "scrape ran out of time before querying all tasks"
            if Reason.RATE_LIMITED in reasons:
                message = "scrape left out tasks because of a rate limit"
            event(_log, logging.WARNING, message, skipped=skipped, tasks=tasks)
        elif before and not skipped:
            event(_log, logging.INFO, "scrape queried all tasks again", tasks=tasks)

    def _record_discovery(self, discovery: DiscoveryResult) -> None:
        failure, kind = discovery.failure, discovery.kind
        before = self._discovery_reasons.pop(kind, None)
        last_sent = self._scrapes if failure is None or failure.sent else self.discovery_priorities.get(kind, (0, 0))[1]
        self.discovery_priorities[kind] = failure is not None and failure.timed_out, last_sent
        if failure is not None:
            self._discovery_reasons[kind] = failure.reason
        if failure is not None and failure.reason is not before:
            message = "discovery failed; the tasks known so far stay watched"
            fields = _failure_fields(failure, KINDS[kind].list_request)
            event(_log, logging.WARNING, message, kind=kind, **fields, tasks=len(discovery.tasks))
        elif failure is None and before is not None:
            event(_log, logging.INFO, "discovery succeeded again", kind=kind, tasks=len(discovery.tasks))


def _after(before: QueryHistory[A] | None, result: QueryResult[A], scrape: int, lines: "_Lines") -> QueryHistory[A]:
    """The history of a query after one more result."""
    answer, failure = result.answer, result.failure
    history = before or QueryHistory(result)
    if answer is not None and (history.answer is None or history.answer.status is not answer.status):
        lines.status(history.answer, answer, result)
    if failure is None:
        if history.logged_reason is not None and history.failing_since is not None:
            lines.recovered(result, (result.at - history.failing_since).total_seconds())
        return QueryHistory(result, answer, result.at, last_sent=scrape)
    logged_reason = history.logged_reason
    if result.sent and logged_reason is not failure.reason:
        lines.failed(failure, result)
        logged_reason = failure.reason
    return QueryHistory(
        result,
        answer or history.answer,
        result.at if answer else history.answered_at,
        failing_since=history.failing_since or result.at,
        logged_reason=logged_reason,
        last_sent=scrape if result.sent else history.last_sent,
    )


class _Lines:
    """The log lines that one scrape writes about prechecks or about tasks, at most MAX_LINES of a kind."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._query = "query" if about == "precheck" else f"{about} query"
        self._written: Counter[tuple[str, str]] = Counter()

    def status(self, before: Answer | None, now: Answer, result: QueryResult[Any]) -> None:
        """A precheck or a task has a new status, or its first."""
        items = now.items if isinstance(now, Precheck) else ()
        attention = [item.item for item in items if item.status.needs_attention]
        fields = {
            "status": now.status.value,
            "before": before.status.value if before else None,
            "status_word": now.status_word if now.status.value == "Unknown" else None,
            "failing_items": ",".join(attention) or None,
            "error": None if isinstance(now, Precheck) else cut_middle(now.error, 500) or None,
            "request_id": now.request_id or None,
        }
        level = logging.WARNING if attention or now.status.needs_attention else logging.INFO
        message = f"{self._about} status changed" if before else f"{self._about} status"
        self._write(level, message, now.status.value, result, fields)

    def failed(self, failure: QueryFailure, result: QueryResult[Any]) -> None:
        """A query fails for a new reason."""
        kind = KINDS[result.task.ref.kind]
        fields = _failure_fields(failure, kind.name if self._about == "precheck" else kind.state_request)
        self._write(logging.WARNING, f"{self._query} failed", failure.reason.value, result, fields)

    def recovered(self, result: QueryResult[Any], seconds: float) -> None:
        """A query succeeds again."""
        self._write(logging.INFO, f"{self._query} succeeded again", "", result, {"failed_for_seconds": seconds})

    def end_scrape(self) -> None:
        """Count the lines that were left out."""
        for (message, about), count in self._written.items():
            if count > MAX_LINES:
                event(_log, logging.WARNING, f"{message}: more tasks", about=about or None, more=count - MAX_LINES)

    def _write(
        self, level: int, message: str, about: str, result: QueryResult[Any], fields: Mapping[str, object]
    ) -> None:
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
