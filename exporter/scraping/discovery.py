"""Discovery: which of the tasks of a kind that the key can see are watched."""

import fnmatch
import logging
from collections.abc import Mapping
from itertools import islice

from exporter.config import DiscoverySettings, Task
from exporter.logs import event
from exporter.ninedata import KINDS, LISTS, ListedTask, Reason, TaskRef
from exporter.ninedata.task_lists import MAX_TASKS
from exporter.scraping.history import next_priority
from exporter.scraping.snapshot import DiscoveryResult, QueryFailure

_log = logging.getLogger(__name__)


class Discovery:
    """The tasks of a kind as they were listed last, and those that the configuration selects from them.

    `before` is the discovery of an earlier configuration of the same server.
    """

    def __init__(self, settings: DiscoverySettings, before: "Discovery | None" = None) -> None:
        self.kind = settings.kind
        self._settings = settings
        self._statuses = {status.casefold() for status in settings.statuses}
        self._wanted = [pattern for pattern in settings.names if not pattern.startswith("!")]
        self._excluded = [pattern[1:] for pattern in settings.names if pattern.startswith("!")]
        self.known: Mapping[str, ListedTask] = {}
        """All listed tasks by id, selected or not."""
        self.complete = False
        """Whether the list was read whole once since the start; of a longer one, the first MAX_TASKS count as whole."""
        self.last: DiscoveryResult | None = None
        """The latest attempt."""
        self.priority = 0
        """Of its query in the next scrape, see `next_priority`."""
        if before is not None:
            # A list of one status lacks the tasks that another selection needs.
            self.complete = before.complete and before.status_filter in (None, self.status_filter)
            self.known, self.last, self.priority = before.known, before.last, before.priority
        self.tasks = self._select()
        """The selected tasks."""

    @property
    def status_filter(self) -> str | None:
        """The one status that the server is asked for; None to list all."""
        one = len(self._settings.statuses) == 1 and LISTS[self.kind].filters_by_status
        return next(iter(self._settings.statuses)) if one else None

    def result(self, failure: QueryFailure | None, seconds: float) -> DiscoveryResult:
        """The result of an attempt, with the tasks to watch now."""
        return DiscoveryResult(self.kind, self.tasks, failure, seconds, complete=self.complete)

    def update(self, found: Mapping[str, ListedTask], failure: QueryFailure | None, seconds: float) -> DiscoveryResult:
        """Put a list into force, and log what changed. After a failure the tasks known before stay."""
        if failure is not None:
            found = dict(islice({**self.known, **found}.items(), MAX_TASKS))
        too_long = failure is not None and failure.reason is Reason.TOO_LARGE and len(found) == MAX_TASKS
        self.complete = self.complete or failure is None or too_long
        if found != self.known:
            self.known = dict(found)
            before, self.tasks = self.tasks, self._select()
            self._log_tasks(before)
        self._log_failure(failure)
        self.priority = next_priority(self.priority, failure)
        self.last = self.result(failure, seconds)
        return self.last

    def _log_tasks(self, before: tuple[Task, ...]) -> None:
        if self.tasks != before:
            old, new = {task.task_id for task in before}, {task.task_id for task in self.tasks}
            counts = {"tasks": len(new), "new": len(new - old), "gone": len(old - new)}
            event(_log, logging.INFO, "discovered tasks", kind=self.kind, **counts)

    def _log_failure(self, failure: QueryFailure | None) -> None:
        before = self.last.failure if self.last else None
        if failure is not None and (before is None or failure.reason is not before.reason):
            message = "discovery failed; the tasks known so far stay watched"
            fields = failure.log_fields(KINDS[self.kind].list_request)
            event(_log, logging.WARNING, message, kind=self.kind, **fields, tasks=len(self.tasks))
        elif failure is None and before is not None:
            event(_log, logging.INFO, "discovery succeeded again", kind=self.kind, tasks=len(self.tasks))

    def _select(self) -> tuple[Task, ...]:
        return tuple(
            # The dashboards quote names with backquotes.
            Task(TaskRef(self.kind, found.task_id, ""), found.name.replace("`", "'"), self._settings.labels)
            for found in sorted(self.known.values(), key=lambda found: found.task_id)
            if self._selects(found)
        )

    def _selects(self, found: ListedTask) -> bool:
        return (
            (not self._statuses or found.status.casefold() in self._statuses)
            and (not self._wanted or any(fnmatch.fnmatchcase(found.name, pattern) for pattern in self._wanted))
            and not any(fnmatch.fnmatchcase(found.name, pattern) for pattern in self._excluded)
        )
