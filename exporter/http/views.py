"""What the pages show: plain data for a template or for JSON."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from exporter.config import Task
from exporter.ninedata import LIST_NAME, CheckItem, Precheck, Status, advice_on
from exporter.scraping.history import TaskHistory
from exporter.scraping.snapshot import QueryFailure
from exporter.scraping.watch_list import WatchList

_URGENCY = {
    Status.FAILED: 1,  # 2 is a query that failed
    Status.WARNING: 3,
    Status.UNKNOWN: 4,
    Status.RUNNING: 5,
    Status.UNSTARTED: 6,
    Status.SUCCESS: 7,
}


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task at the time `now`."""

    task: Task
    history: TaskHistory | None
    """None before the first query of this precheck."""
    now: datetime

    @property
    def precheck(self) -> Precheck | None:
        """The latest answer."""
        return self.history.precheck if self.history else None

    @property
    def word(self) -> str:
        """The state for people. As in the metrics, a task whose latest query failed has no status now."""
        if self.failure:
            return "Query failing"
        return self.precheck.status.value if self.precheck else "Not queried"

    @property
    def items(self) -> list[CheckItem]:
        """The check items, those that need attention first."""
        return sorted(self.precheck.items if self.precheck else (), key=lambda item: _URGENCY[item.status])

    @property
    def attention(self) -> list[CheckItem]:
        """The check items in Failed or Warning."""
        return [item for item in self.items if item.status.needs_attention]

    @property
    def counts(self) -> list[tuple[Status, int]]:
        """The number of check items in each status that occurs."""
        counts = Counter(item.status for item in self.items)
        return [(status, counts[status]) for status in _URGENCY if counts[status]]

    @property
    def age(self) -> float | None:
        """Seconds since the latest answer."""
        at = self.history.precheck_at if self.history else None
        return (self.now - at).total_seconds() if at else None

    @property
    def failure(self) -> QueryFailure | None:
        """Why the latest query failed; None if it succeeded."""
        outcome = self.history.last.outcome if self.history else None
        return outcome if isinstance(outcome, QueryFailure) else None

    @property
    def failing_for(self) -> float | None:
        """Seconds since the queries began to fail."""
        since = self.history.failing_since if self.history else None
        return (self.now - since).total_seconds() if since else None

    @property
    def advice(self) -> str:
        """What to do about the failure."""
        return advice_on(self.failure.reason, self.task.ref.kind) if self.failure else ""

    @property
    def failure_key(self) -> tuple[str, ...]:
        """Equal for tasks whose queries fail for the same cause."""
        return (self.failure.reason, self.failure.message, self.advice) if self.failure else ()

    @property
    def urgency(self) -> tuple[int, str]:
        """Sort key: tasks that need attention first, then by name."""
        statuses = [
            self.precheck.status if self.precheck else Status.UNKNOWN,
            *(item.status for item in self.attention),
        ]
        return min([*(_URGENCY[status] for status in statuses), *([2] if self.failure else [])]), self.task.name

    def as_json(self) -> dict[str, object]:
        """The task as JSON; durations in seconds, times in ISO 8601."""
        ref, precheck = self.task.ref, self.precheck
        return {
            "task_id": ref.task_id,
            "task": self.task.name,
            "kind": ref.kind,
            "precheck_task_id": ref.precheck_task_id,
            "labels": dict(self.task.labels),
            "status": precheck.status.value if precheck else None,
            "status_word": (precheck.status_word if precheck and precheck.status is Status.UNKNOWN else "") or None,
            "answered_at": _iso(self.history.precheck_at if self.history else None),
            "age_seconds": self.age,
            "request_id": (precheck.request_id if precheck else "") or None,
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
        if self.history is None:
            return None
        last, failure = self.history.last, self.failure
        answer = failure or self.precheck
        return {
            "at": _iso(last.at),
            "duration_seconds": last.seconds,
            "up": last.up,
            "reason": failure.reason.value if failure else None,
            "error": failure.message if failure else None,
            "advice": self.advice or None,
            "request_id": (answer.request_id if answer else "") or None,
            "failing_for_seconds": self.failing_for,
        }


def view_of(task: Task, history: TaskHistory | None, now: datetime) -> TaskView:
    """The view of a task. Results of an earlier precheck of the same task are not shown."""
    return TaskView(task, history if history and history.last.task.ref == task.ref else None, now)


def summary_of(views: list[TaskView]) -> list[tuple[str, int]]:
    """The number of tasks in each state, urgent ones first. Each task counts once."""
    counts = Counter(view.word for view in views)
    order = ["Query failing", *(status.value for status in _URGENCY), "Not queried"]
    return [(word, counts[word]) for word in order if counts[word]]


def age_in_words(seconds: float) -> str:
    """`12 s`, `5 min`, `3 h`, `2 d`."""
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{max(seconds, 0) / unit:.0f} {name}"
    return f"{seconds / 86400:.0f} d"


def sources_of(
    watch_list: WatchList,
    config_faults: tuple[str, ...],
    file_faults: tuple[str, ...],
    *,
    waits_for_reload: bool = False,
) -> dict[str, object]:
    """Where the watched tasks come from, for the overview and as JSON."""
    last, repeated = watch_list.last_discovery, watch_list.repeated
    failure = last.failure if last else None
    discovery = {
        "up": last.failure is None if last else None,
        "tasks": len(watch_list.discovered) if watch_list.discovery and watch_list.discovery.complete else None,
        "reason": failure.reason.value if failure else None,
        "error": failure.message if failure else None,
        "advice": advice_on(failure.reason, LIST_NAME) if failure else None,
    }
    return {
        "unread": watch_list.unread,
        "config": {
            "reloaded": not config_faults,
            "faults": config_faults,
            "file_faults": file_faults,
            "waits_for_reload": waits_for_reload,
        },
        "task_files": [
            {
                "file": file.path,
                "tasks": len(file.tasks),
                "loaded_at": _iso(datetime.fromtimestamp(file.loaded_at, UTC) if file.loaded_at else None),
                "faults": file.faults,
                "named_before": repeated.get(file.path, ()),
            }
            for file in watch_list.files
        ],
        "discovery": discovery if watch_list.discovery else None,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
