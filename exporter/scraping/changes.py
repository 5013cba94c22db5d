"""What changed with a scrape, as lines of the log: one per change and task, not one per scrape."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from exporter.config import Task
from exporter.logs import event
from exporter.ninedata import KINDS, Precheck, Reason, TaskState
from exporter.ninedata.text import cut_middle
from exporter.scraping.history import A, History, QueryHistories
from exporter.scraping.snapshot import QueryResult, Snapshot

_log = logging.getLogger(__name__)

MAX_LINES = 20
"""Lines with the same message and `about` that one scrape logs; the rest is counted. An outage concerns every task."""


class Change(NamedTuple):
    """A line of the log about one task."""

    message: str
    about: str
    """The new status, or the reason of a failure: lines are counted by message and this."""
    task: Task
    fields: Mapping[str, object]
    level: int = logging.WARNING


def record_and_log(snapshot: Snapshot, history: History) -> None:
    """Put the results of a scrape into the history, and log what is new in them."""
    # A status that a list failed to show is a failure of the list, not of each task.
    states = [state for state in snapshot.states if state.up or state.seconds is not None]
    changes = [
        *_record("precheck", "query", history.prechecks, snapshot.prechecks),
        *_record("task", "task query", history.states, states),
    ]
    _log_changes(changes)
    _log_skipped([*snapshot.prechecks, *states], history)


def _log_skipped(results: Sequence[QueryResult[Any]], history: History) -> None:
    tasks = {result.task.task_id for result in results}
    failures = [(result.task.task_id, result.failure) for result in results]
    reasons = {task_id: failure.reason for task_id, failure in failures if failure and not failure.sent}
    before, history.skipped = history.skipped, (history.skipped - tasks) | reasons.keys()
    if reasons and not before:
        message = "scrape ran out of time before querying all tasks"
        if Reason.RATE_LIMITED in reasons.values():
            message = "scrape left out tasks because of a rate limit"
        event(_log, logging.WARNING, message, skipped=len(reasons), tasks=len(tasks))
    elif before and not history.skipped:
        event(_log, logging.INFO, "scrape queried all tasks again", tasks=len(tasks))


def _record(
    subject: str, query: str, histories: QueryHistories[A], results: Iterable[QueryResult[A]]
) -> Iterator[Change]:
    """Put results into the history; yields what changed."""
    for result in results:
        before, answer, failure = histories.record(result), result.answer, result.failure
        known, logged_reason = (before.answer, before.logged_reason) if before else (None, None)
        if answer is not None and (known is None or known.status is not answer.status):
            yield _status_change(subject, known, answer, result.task)
        if failure is None:
            if before and before.failing_since and logged_reason:
                seconds = (result.at - before.failing_since).total_seconds()
                yield Change(f"{query} succeeded again", "", result.task, {"failed_for_seconds": seconds}, logging.INFO)
        elif failure.sent and failure.reason is not logged_reason:
            kind = KINDS[result.task.ref.kind]
            fields = failure.log_fields(kind.name if subject == "precheck" else kind.state_request)
            yield Change(f"{query} failed", failure.reason.value, result.task, fields)


def _status_change(subject: str, before: Precheck | TaskState | None, now: Precheck | TaskState, task: Task) -> Change:
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
    message = f"{subject} status changed" if before else f"{subject} status"
    return Change(message, now.status.value, task, fields, level)


def _log_changes(changes: Iterable[Change]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for message, about, task, fields, level in changes:
        counts[message, about] += 1
        if counts[message, about] <= MAX_LINES:
            event(_log, level, message, task=task.name, task_id=task.task_id, **fields)
    for (message, about), count in counts.items():
        if count > MAX_LINES:
            event(_log, logging.WARNING, f"{message}: more tasks", about=about or None, more=count - MAX_LINES)
