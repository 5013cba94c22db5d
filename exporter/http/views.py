"""What the pages show: plain data for a template or for JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from exporter.config import Task
from exporter.ninedata import KINDS, CheckItem, Precheck, Status, TaskState, TaskStatus
from exporter.scraping.history import A, History, QueryHistory
from exporter.scraping.snapshot import QueryFailure

_URGENCY: dict[str, int] = {  # 0 is a task that itself failed, 2 a query that failed
    Status.FAILED: 1,
    TaskStatus.ABNORMAL: 1,
    TaskStatus.PRECHECK_FAILED: 1,
    Status.WARNING: 3,
    TaskStatus.STOPPED: 3,
    TaskStatus.SUSPENDED: 3,
    TaskStatus.LOCKED: 3,
    Status.UNKNOWN: 4,
    Status.RUNNING: 5,
    TaskStatus.STARTING: 5,
    TaskStatus.PRECHECKING: 5,
    Status.UNSTARTED: 6,
    TaskStatus.CREATED: 6,
    TaskStatus.NOT_STARTED: 6,
    TaskStatus.PRECHECK_SUCCESS: 6,
    Status.SUCCESS: 7,
}
"""By the words of prechecks and of tasks, some of which are the same."""


@dataclass(frozen=True, slots=True)
class QueryView(Generic[A]):
    """The latest results of one query of one task, at the time `now`."""

    history: QueryHistory[A] | None
    """None before the first query."""
    now: datetime
    request: str
    """The kind of its requests."""

    @property
    def answer(self) -> A | None:
        """The latest answer."""
        return self.history.answer if self.history else None

    @property
    def word(self) -> str:
        """The state for people. As in the metrics, what failed to be queried has no status now."""
        if self.failure:
            return "Query failing"
        return self.answer.status.value if self.answer else "Not queried"

    @property
    def unknown_word(self) -> str:
        """The API's own word for an unknown status."""
        answer = self.answer
        return answer.status_word if answer and answer.status.value == "Unknown" else ""

    @property
    def age(self) -> float | None:
        """Seconds since the latest answer."""
        at = self.history.answered_at if self.history else None
        return (self.now - at).total_seconds() if at else None

    @property
    def failure(self) -> QueryFailure | None:
        """Why the latest query failed; None if it succeeded."""
        return self.history.last.failure if self.history else None

    @property
    def failing_for(self) -> float | None:
        """Seconds since the queries began to fail."""
        since = self.history.failing_since if self.history else None
        return (self.now - since).total_seconds() if since else None

    @property
    def advice(self) -> str:
        """What to do about the failure."""
        return self.failure.advice(self.request) if self.failure else ""

    @property
    def failure_key(self) -> tuple[str, ...]:
        """Equal for queries that fail for the same cause."""
        return (self.failure.reason, self.failure.message, self.advice) if self.failure else ()

    def as_json(self) -> dict[str, object] | None:
        """The latest query as JSON; None before the first."""
        if self.history is None:
            return None
        last, failure = self.history.last, self.failure
        answer = failure or self.answer
        return {
            "at": iso_time(last.at),
            "duration_seconds": last.seconds,
            "up": last.up,
            "reason": failure.reason.value if failure else None,
            "error": failure.message if failure else None,
            "advice": self.advice or None,
            "request_id": (answer.request_id if answer else "") or None,
            "failing_for_seconds": self.failing_for,
        }

    def answer_as_json(self) -> dict[str, object]:
        """What every answer has, as JSON; null before the first."""
        return {
            "status": self.answer.status.value if self.answer else None,
            "status_word": self.unknown_word or None,
            "answered_at": iso_time(self.history.answered_at if self.history else None),
            "age_seconds": self.age,
            "request_id": (self.answer.request_id if self.answer else "") or None,
        }


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task at one time."""

    task: Task
    precheck_query: QueryView[Precheck]
    state_query: QueryView[TaskState]

    @property
    def query(self) -> QueryView[Precheck] | QueryView[TaskState]:
        """The query that the page tells first: of the precheck if there is one."""
        return self.precheck_query if self.task.has_precheck else self.state_query

    @property
    def precheck(self) -> Precheck | None:
        """The latest answer about the precheck."""
        return self.precheck_query.answer

    @property
    def state(self) -> TaskState | None:
        """The latest answer about the task itself."""
        return self.state_query.answer

    @property
    def shows_state(self) -> bool:
        """Whether the task itself is watched."""
        return self.state_query.history is not None or not self.task.has_precheck

    @property
    def failing(self) -> list[QueryView[Precheck] | QueryView[TaskState]]:
        """The queries that failed."""
        return [query for query in (self.precheck_query, self.state_query) if query.failure]

    @property
    def error_key(self) -> tuple[str, ...]:
        """Equal for tasks that failed themselves with the same text."""
        return (self.state.status, self.state.error) if self.state else ()

    @property
    def items(self) -> list[CheckItem]:
        """The check items, those that need attention first."""
        return sorted(self.precheck.items if self.precheck else (), key=lambda item: _URGENCY[item.status])

    @property
    def attention(self) -> list[CheckItem]:
        """The check items in Failed or Warning."""
        return [item for item in self.items if item.status.needs_attention]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """The number of check items in each status that occurs."""
        counts = Counter(item.status.value for item in self.items)
        return [(word, counts[word]) for word in _URGENCY if counts[word]]

    @property
    def facts(self) -> list[str]:
        """What a comparison found and how far a replication is, in a few words each."""
        return list(_facts(self.state)) if self.state else []

    @property
    def urgency(self) -> tuple[int, str]:
        """Sort key: tasks that need attention first, then by name."""
        found = [2] if self.failing else []
        if self.state:
            failed = self.state.status in (TaskStatus.FAILED, TaskStatus.ABNORMAL)
            found.append(0 if failed else _URGENCY[self.state.status])
        if self.precheck or not found:
            found.append(_URGENCY[self.precheck.status if self.precheck else Status.UNKNOWN])
        return min([*found, *(_URGENCY[item.status] for item in self.attention)]), self.task.name

    def as_json(self) -> dict[str, object]:
        """The task as JSON; durations in seconds, times in ISO 8601."""
        ref = self.task.ref
        return {
            "task_id": ref.task_id,
            "task": self.task.name,
            "kind": ref.kind,
            "precheck_task_id": ref.precheck_task_id,
            "labels": dict(self.task.labels),
            **self.precheck_query.answer_as_json(),
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
            "last_query": self.precheck_query.as_json(),
            "state": self._state_as_json() if self.shows_state else None,
        }

    def _state_as_json(self) -> dict[str, object]:
        state = self.state
        execution = state.execution if state else None
        return {
            **self.state_query.answer_as_json(),
            "error": (state.error if state else "") or None,
            "execution": execution
            and {
                "execution_id": state.execution_id if state else None,
                "status": execution.status.value,
                "only_source_rows": execution.only_source,
                "only_target_rows": execution.only_target,
                "different_rows": execution.different,
                "skipped_tables": execution.skipped_tables,
                "started_at": iso_time(execution.started_at),
                "updated_at": iso_time(execution.updated_at),
            },
            "subtasks": [
                {
                    "subtask": subtask.name,
                    "status": subtask.status.value,
                    "progress_ratio": subtask.progress,
                    "delay_seconds": subtask.delay_seconds,
                }
                for subtask in (state.subtasks if state else ())
            ],
            "last_query": self.state_query.as_json(),
        }


def _facts(state: TaskState) -> Iterator[str]:
    if found := state.execution:
        numbers = {"different": found.different, "only in the source": found.only_source}
        numbers["only in the target"] = found.only_target
        rows = [f"{rows:,.0f} {where}" for where, rows in numbers.items() if rows is not None]
        if rows:
            yield f"rows: {', '.join(rows)}"
        if found.skipped_tables:
            yield f"{found.skipped_tables:,.0f} tables skipped"
    for subtask in state.subtasks:
        if subtask.delay_seconds is not None:
            yield f"{subtask.name} is {subtask.delay_seconds:,.1f} s behind"
        elif subtask.progress is not None and subtask.status is TaskStatus.RUNNING:
            yield f"{subtask.name} {subtask.progress:.0%}"


def view_of(task: Task, history: History, now: datetime) -> TaskView:
    """The view of a task."""
    kind = KINDS[task.ref.kind]
    precheck = QueryView(history.prechecks.of(task), now, kind.name)
    return TaskView(task, precheck, QueryView(history.states.of(task), now, kind.state_request))


def summary_of(queries: Iterable[QueryView[A]]) -> list[tuple[str, int]]:
    """The number of prechecks, or of tasks, in each state, urgent ones first. Each counts once."""
    counts = Counter(query.word for query in queries)
    order = ["Query failing", *(str(word) for word in _URGENCY), "Not queried"]
    return [(word, counts[word]) for word in order if counts[word]]


def age_in_words(seconds: float) -> str:
    """`12 s`, `5 min`, `3 h`, `2 d`."""
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{max(seconds, 0) / unit:.0f} {name}"
    return f"{seconds / 86400:.0f} d"


def iso_time(moment: datetime | None) -> str | None:
    """In ISO 8601."""
    return moment.isoformat() if moment else None
