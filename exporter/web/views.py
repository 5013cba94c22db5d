"""What the pages show of a task: plain data, ready for a template or for JSON. Pure."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from exporter.config import Task
from exporter.last_known import Knowledge
from exporter.ninedata import CheckItem, Precheck, Status, advice_on
from exporter.snapshot import QueryFailure

NOT_QUERIED = "Not queried"

_STATUS_URGENCY = {
    Status.FAILED: 1,
    Status.WARNING: 3,
    Status.UNKNOWN: 4,
    Status.RUNNING: 5,
    Status.UNSTARTED: 6,
    Status.SUCCESS: 7,
}
_FAILING_QUERY_URGENCY = 2
"""Nobody knows how such a task stands."""


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as its page shows it. Ages in seconds."""

    task: Task
    status: Status | None
    """The last known status; None where no query has succeeded yet."""
    status_word: str
    items: tuple[CheckItem, ...]
    """Those that need attention first."""
    age: float | None
    """How old `status` and `items` are."""
    answered_at: datetime | None
    request_id: str
    failure: QueryFailure | None
    """Why the last query failed; None where it did not."""
    failing_for: float | None
    query_seconds: float | None
    queried_at: datetime | None

    @property
    def word(self) -> str:
        """The status in words."""
        if self.status is None:
            return NOT_QUERIED if self.failure is None else "No answer yet"
        return self.status.value

    @property
    def attention(self) -> tuple[CheckItem, ...]:
        """The check items that failed or warn."""
        return tuple(item for item in self.items if item.status.needs_attention)

    @property
    def counts(self) -> list[tuple[Status, int]]:
        """How many check items there are in each status that occurs."""
        counts = Counter(item.status for item in self.items)
        return [(status, counts[status]) for status in _STATUS_URGENCY if counts[status]]

    @property
    def advice(self) -> str:
        """What to do about the failing query."""
        return advice_on(self.failure.reason, self.task.ref.kind) if self.failure else ""

    @property
    def urgency(self) -> tuple[int, str]:
        """Sorts what needs attention first, then by name."""
        ranks = [_STATUS_URGENCY[item.status] for item in self.attention]
        ranks.append(_STATUS_URGENCY[self.status or Status.UNKNOWN])
        if self.failure:
            ranks.append(_FAILING_QUERY_URGENCY)
        return min(ranks), self.task.name

    def as_json(self) -> dict[str, object]:
        """The same for programs. Times in seconds and as ISO 8601."""
        ref = self.task.ref
        return {
            "task_id": ref.task_id,
            "task": self.task.name,
            "kind": ref.kind,
            "precheck_task_id": ref.precheck_task_id,
            "labels": dict(self.task.labels),
            "status": self.status.value if self.status else None,
            "status_word": self.status_word or None,
            "answered_at": self.answered_at.isoformat() if self.answered_at else None,
            "age_seconds": self.age,
            "request_id": self.request_id or None,
            "items": [
                {
                    "item": item.item,
                    "item_name": item.name,
                    "description": item.description,
                    "status": item.status.value,
                    "reason": item.message,
                }
                for item in self.items
            ],
            "last_query": self._query_as_json(),
        }

    def _query_as_json(self) -> dict[str, object] | None:
        if self.queried_at is None:
            return None
        failure = self.failure
        return {
            "at": self.queried_at.isoformat(),
            "duration_seconds": self.query_seconds,
            "up": failure is None,
            "reason": failure.reason.value if failure else None,
            "error": failure.message if failure else None,
            "advice": self.advice or None,
            "request_id": (failure.request_id or None) if failure else (self.request_id or None),
            "failing_for_seconds": self.failing_for,
        }


def view_of(task: Task, known: Knowledge | None, now: datetime) -> TaskView:
    """What is to be shown of a task at the time `now`.

    What was known of another precheck of the same task is not shown: it was started again since.
    """
    if known is None or known.last.task.ref != task.ref:
        return TaskView(task, None, "", (), None, None, "", None, None, None, None)
    precheck = known.precheck or Precheck(Status.UNKNOWN, ())
    failure = known.last.outcome if isinstance(known.last.outcome, QueryFailure) else None
    return TaskView(
        task=task,
        status=known.precheck.status if known.precheck else None,
        status_word=precheck.status_word if precheck.status is Status.UNKNOWN else "",
        items=tuple(sorted(precheck.items, key=lambda item: _STATUS_URGENCY[item.status])),
        age=(now - known.precheck_at).total_seconds() if known.precheck_at else None,
        answered_at=known.precheck_at,
        request_id=precheck.request_id,
        failure=failure,
        failing_for=(now - known.failing_since).total_seconds() if known.failing_since else None,
        query_seconds=known.last.seconds,
        queried_at=known.last.at,
    )


def summary_of(views: list[TaskView]) -> list[tuple[str, int]]:
    """How many tasks there are of each status word, the urgent first."""
    counts = Counter(view.word for view in views)
    failing = sum(view.failure is not None for view in views)
    order = [*(status.value for status in _STATUS_URGENCY), "No answer yet", NOT_QUERIED]
    words = [(word, counts[word]) for word in order if counts[word]]
    return [("Query failing", failing), *words] if failing else words


def age_in_words(seconds: float) -> str:
    """`12 s`, `5 min`, `3 h`, `2 d`."""
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{max(seconds, 0) / unit:.0f} {name}"
    return f"{seconds / 86400:.0f} d"
