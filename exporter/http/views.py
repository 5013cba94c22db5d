"""What the pages show of a task, and the same as JSON: plain data."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from exporter.config import Task
from exporter.ninedata import KINDS, CheckItem, Status, TaskState, TaskStatus
from exporter.scraping.history import A, History, QueryHistory

STATUSES: tuple[str, ...] = (
    Status.FAILED,
    TaskStatus.ABNORMAL,
    TaskStatus.PRECHECK_FAILED,
    "Query failing",
    Status.WARNING,
    TaskStatus.STOPPED,
    TaskStatus.SUSPENDED,
    TaskStatus.LOCKED,
    Status.UNKNOWN,
    "Not queried",
    Status.RUNNING,
    TaskStatus.STARTING,
    TaskStatus.PRECHECKING,
    Status.UNSTARTED,
    TaskStatus.CREATED,
    TaskStatus.NOT_STARTED,
    TaskStatus.PRECHECK_SUCCESS,
    Status.SUCCESS,
)
"""The words for prechecks and tasks, the most urgent first."""
_RANKS = {status: rank for rank, status in enumerate(STATUSES)}


class LastQuery(NamedTuple):
    """The latest query of a precheck or of a task itself. The fields are those of the JSON."""

    at: datetime
    duration_seconds: float | None
    up: bool
    reason: str | None
    """Why it failed; None if it did not, as are the error and the advice."""
    error: str | None
    advice: str | None
    request_id: str | None
    failing_for_seconds: float | None
    """The time since the queries began to fail."""


class QueryView(NamedTuple):
    """The latest query and answer about a precheck, or about a task itself. The fields are those of the JSON."""

    status: str | None = None
    status_word: str | None = None
    """The API's own word for an unknown status."""
    answered_at: datetime | None = None
    age_seconds: float | None = None
    request_id: str | None = None
    """Of the latest answer, as all above."""
    last_query: LastQuery | None = None
    """None before the first."""

    @property
    def failure(self) -> LastQuery | None:
        """The latest query if it failed."""
        return self.last_query if self.last_query and not self.last_query.up else None

    @property
    def word(self) -> str:
        """The state for people. As in the metrics, what failed to be queried has no status now."""
        return "Query failing" if self.failure else self.status or "Not queried"

    def as_json(self) -> dict[str, object]:
        """The fields, also of the latest query."""
        return self._asdict() | {"last_query": self.last_query and self.last_query._asdict()}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a task: a query or a check item that failed, or an error. Equal for tasks with the same."""

    status: str
    title: str
    message: str
    advice: str = ""
    item: str = ""
    """The identifier of a check item."""
    failing_for: float | None = field(default=None, compare=False)
    """Seconds since the queries began to fail."""
    request_id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task at one time."""

    task: Task
    precheck: QueryView | None
    """None for a task without a precheck."""
    state: QueryView | None
    """Of the task itself; None if only its precheck is watched."""
    items: Sequence[CheckItem]
    """The check items, the most urgent first."""
    results: TaskState | None
    """The latest answer about the task itself."""
    problems: Sequence[Problem]

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of check items in each status that occurs, the most urgent first."""
        return Counter(item.status for item in self.items)

    @property
    def facts(self) -> list[str]:
        """What a comparison found and how far a replication is, in a few words each."""
        return list(_facts(self.results)) if self.results else []

    @property
    def urgency(self) -> tuple[bool, int, str]:
        """Sort key: tasks that failed themselves, then by the most urgent status, then by name."""
        failed = self.results is not None and self.results.status.needs_attention
        words = [problem.status for problem in self.problems]
        for query in filter(None, (self.precheck, self.state)):
            words += (query.word, query.status or query.word)
        return not failed, min(_RANKS[word] for word in words), self.task.name

    def as_json(self) -> dict[str, object]:
        """The task as JSON; durations in seconds."""
        ref = self.task.ref
        return {
            "task_id": ref.task_id,
            "task": self.task.name,
            "kind": ref.kind,
            "precheck_task_id": ref.precheck_task_id,
            "labels": dict(self.task.labels),
            **(self.precheck or QueryView()).as_json(),
            "items": [
                {
                    "item": item.item,
                    "item_name": item.name,
                    "description": item.description,
                    "status": item.status,
                    "reason": item.message,
                }
                for item in self.items
            ],
            "state": self.state.as_json() | _results_as_json(self.results) if self.state else None,
        }


def view_of(task: Task, history: History, now: datetime) -> TaskView:
    """The view of a task at the time `now`."""
    precheck_history, state_history = history.prechecks.of(task), history.states.of(task)
    kind = KINDS[task.ref.kind]
    precheck = _query_view(precheck_history, kind.name, now) if task.has_precheck else None
    state = _query_view(state_history, kind.state_request, now) if state_history or not task.has_precheck else None
    items = precheck_history.answer.items if precheck_history and precheck_history.answer else ()
    items = tuple(sorted(items, key=lambda item: _RANKS[item.status]))
    results = state_history.answer if state_history else None
    return TaskView(task, precheck, state, items, results, tuple(_problems(precheck, state, items, results)))


def _query_view(history: QueryHistory[A] | None, request: str, now: datetime) -> QueryView:
    if history is None:
        return QueryView()
    last, answer, failure = history.last, history.answer, history.last.failure
    answered_at, since = history.answered_at, history.failing_since
    query = LastQuery(
        at=last.at,
        duration_seconds=last.seconds,
        up=last.up,
        reason=failure.reason if failure else None,
        error=failure.message if failure else None,
        advice=failure.advice(request) if failure else None,
        request_id=last.outcome.request_id or None,
        failing_for_seconds=(now - since).total_seconds() if since else None,
    )
    if answer is None:
        return QueryView(last_query=query)
    return QueryView(
        status=answer.status,
        status_word=(answer.status_word or None) if answer.status.value == "Unknown" else None,
        answered_at=answered_at,
        age_seconds=(now - answered_at).total_seconds() if answered_at else None,
        request_id=answer.request_id or None,
        last_query=query,
    )


def _problems(
    precheck: QueryView | None, state: QueryView | None, items: Sequence[CheckItem], results: TaskState | None
) -> Iterator[Problem]:
    of_state = "query of the task itself" if precheck else "query"
    for name, query in (("query", precheck), (of_state, state)):
        if query and (failed := query.failure):
            title = f"The {name} fails: {failed.reason}"
            about = failed.failing_for_seconds, failed.request_id or ""
            yield Problem("Query failing", title, failed.error or "", failed.advice or "", "", *about)
    if results and results.error:
        yield Problem(results.status, "Error of the task itself", results.error)
    for item in items:
        if item.status.needs_attention:
            message = item.message or "The API gives no reason."
            yield Problem(item.status, item.name or item.item, message, item=item.item)


def _facts(results: TaskState) -> Iterator[str]:
    if found := results.execution:
        numbers = {"different": found.different, "only in the source": found.only_source}
        numbers["only in the target"] = found.only_target
        rows = [f"{rows:,.0f} {where}" for where, rows in numbers.items() if rows is not None]
        if rows:
            yield f"rows: {', '.join(rows)}"
        if found.skipped_tables:
            yield f"{found.skipped_tables:,.0f} tables skipped"
    for subtask in results.subtasks:
        if subtask.delay_seconds is not None:
            yield f"{subtask.name} is {in_words(subtask.delay_seconds)} behind"
        elif subtask.progress is not None and subtask.status is TaskStatus.RUNNING:
            yield f"{subtask.name} {subtask.progress:.0%}"


def _results_as_json(results: TaskState | None) -> dict[str, object]:
    found = results or TaskState(TaskStatus.UNKNOWN)
    execution = found.execution
    return {
        "error": found.error or None,
        "execution": execution
        and {
            "execution_id": found.execution_id,
            "status": execution.status,
            "only_source_rows": execution.only_source,
            "only_target_rows": execution.only_target,
            "different_rows": execution.different,
            "skipped_tables": execution.skipped_tables,
            "started_at": execution.started_at,
            "updated_at": execution.updated_at,
        },
        "subtasks": [
            {
                "subtask": subtask.name,
                "status": subtask.status,
                "progress_ratio": subtask.progress,
                "delay_seconds": subtask.delay_seconds,
            }
            for subtask in found.subtasks
        ],
    }


def in_words(seconds: float) -> str:
    """A duration for people: `45 s`, `5 min`, `1 h 30 min`, `2 d 3 h`."""
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{max(seconds, 0):.0f} s"
    minutes = int(seconds / 60)
    parts = {"d": minutes // 1440, "h": minutes // 60 % 24, "min": minutes % 60}
    return " ".join([f"{number} {unit}" for unit, number in parts.items() if number][:2])
