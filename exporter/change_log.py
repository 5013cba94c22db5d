"""The log of what changes: a line per change and task, not per scrape, and not per task of a whole fleet."""

import logging
from collections import Counter
from collections.abc import Collection

from exporter.config import Task
from exporter.logs import event
from exporter.ninedata import DISCOVERED_KIND, LIST_NAME, Precheck, Reason, Status, advice_on
from exporter.snapshot import Discovered, QueryFailure, TaskResult

_log = logging.getLogger(__name__)

MAX_LINES = 20
"""Lines of one kind that a scrape may write; the rest is counted. An outage concerns every task at once."""


class ChangeLog:
    """Writes the lines. `end_scrape()` sums up what a scrape had too much of."""

    def __init__(self) -> None:
        self._written: Counter[tuple[str, str]] = Counter()
        self._leaving_out = False

    def status(self, before: Precheck | None, now: Precheck, result: TaskResult) -> None:
        """A task has another status than before, or its first."""
        failing = [item.item for item in now.items if item.status.needs_attention]
        self._line(
            logging.WARNING if failing or now.status.needs_attention else logging.INFO,
            "precheck status changed" if before else "precheck status first seen",
            now.status.value,
            result,
            status=now.status.value,
            before=before.status.value if before else None,
            status_word=now.status_word if now.status is Status.UNKNOWN else None,
            failing_items=",".join(failing) or None,
            request_id=now.request_id or None,
        )

    def failure(self, failure: QueryFailure, result: TaskResult) -> None:
        """A task's query fails, or fails for another reason than before."""
        self._line(
            logging.WARNING,
            "query fails",
            failure.reason.value,
            result,
            reason=failure.reason.value,
            error=failure.message,
            advice=advice_on(failure.reason, result.task.ref.kind),
            request_id=failure.request_id or None,
        )

    def recovery(self, result: TaskResult, seconds: float) -> None:
        """A task's query works again, `seconds` after it began to fail."""
        self._line(logging.INFO, "query works again", "", result, failed_for_seconds=seconds)

    def end_scrape(self, *, left_out: int, tasks: int) -> None:
        """A scrape is over. Of `tasks`, `left_out` had no turn the last time."""
        for (message, about), count in self._written.items():
            if count > MAX_LINES:
                event(_log, logging.WARNING, f"{message}: more tasks", about=about or None, more=count - MAX_LINES)
        self._written.clear()
        if bool(left_out) is not self._leaving_out:
            self._leaving_out = bool(left_out)
            message = "tasks had no turn in a scrape" if left_out else "every task has its turn again"
            event(_log, logging.WARNING if left_out else logging.INFO, message, left_out=left_out, tasks=tasks)

    def _line(self, level: int, message: str, about: str, result: TaskResult, **fields: object) -> None:
        self._written[message, about] += 1
        if self._written[message, about] <= MAX_LINES:
            event(_log, level, message, task=result.task.name, task_id=result.task.task_id, **fields)


class DiscoveryLog:
    """The log of discovery: a line when it begins to fail or fails for another reason, and when it works again.

    And one for what came and went, however much that is.
    """

    def __init__(self) -> None:
        self._reason: Reason | None = None
        self._failing_since = 0.0

    def change(self, before: Collection[Task], now: Collection[Task]) -> None:
        """Other tasks are discovered than before."""
        old, new = {task.task_id for task in before}, {task.task_id for task in now}
        event(_log, logging.INFO, "discovered tasks", tasks=len(new), new=len(new - old), gone=len(old - new))

    def record(self, discovered: Discovered, now: float) -> None:
        """Take note of an attempt that ended at `now`, of any clock."""
        failure, before = discovered.failure, self._reason
        self._reason = failure.reason if failure else None
        if failure is None:
            if before is not None:
                self._line(
                    logging.INFO, "discovery works again", discovered, failed_for_seconds=now - self._failing_since
                )
            return
        if before is None:
            self._failing_since = now
        if failure.reason is not before:
            self._line(
                logging.WARNING,
                "discovery fails; the tasks known so far stay watched",
                discovered,
                reason=failure.reason.value,
                error=failure.message,
                advice=advice_on(failure.reason, LIST_NAME),
                request_id=failure.request_id or None,
            )

    def _line(self, level: int, message: str, discovered: Discovered, **fields: object) -> None:
        event(_log, level, message, kind=DISCOVERED_KIND, tasks=len(discovered.tasks), **fields)
