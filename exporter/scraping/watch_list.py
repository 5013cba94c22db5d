"""The tasks that an exporter watches, from all sources."""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping

from exporter.config import Config, Task
from exporter.logs import event
from exporter.ninedata import KINDS
from exporter.ninedata.task_lists import PAGE_SIZE
from exporter.scraping.discovery import Discovery
from exporter.scraping.shard import Shard
from exporter.scraping.task_files import TaskFile, TaskFiles

_log = logging.getLogger(__name__)


class WatchList:
    """The tasks of the configuration, of the task files, and of discovery, each once; of these, one shard's share.

    If several sources name the same task, the configuration wins over task files, those in the order of their paths,
    and both win over discovery.
    """

    def __init__(self, config: Config, shard: Shard, task_files: TaskFiles, discoveries: Iterable[Discovery]) -> None:
        self.task_files = task_files
        self.discoveries = tuple(discoveries)
        self.files: tuple[TaskFile, ...] = task_files.current
        """The task files with their last good content."""
        self.repeated: Mapping[str, tuple[str, ...]] = {}
        """By the path of a task file: the task ids in it that another source before it names already."""
        self.named: tuple[Task, ...] = ()
        """This shard's tasks that the configuration or a file names."""
        self._config = config
        self._shard = shard
        self._all_named: Mapping[str, Task] = {}
        """The tasks that the configuration or a file names, of all shards, by id."""
        self._unread_files: tuple[str, ...] = task_files.unread
        self._merge()

    def refresh(self) -> None:
        """Read the task files that changed. May block; logs what changes, and never raises."""
        self.task_files.refresh()
        if self.task_files.current != self.files:
            self.files = self.task_files.current
            self._merge()
        # After the tasks: an incomplete list must never look complete.
        self._unread_files = self.task_files.unread

    @property
    def discovered(self) -> tuple[Task, ...]:
        """This shard's tasks that only discovery names."""
        return tuple(task for found in self.discoveries for task in self.share(found.tasks))

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks that this exporter watches."""
        return self.named + self.discovered

    def find(self, task_id: str) -> Task | None:
        """A task of any shard by its id; None if no source names it."""
        if task_id in self._all_named:
            return self._all_named[task_id]
        discovered = (task for discovery in self.discoveries for task in discovery.tasks)
        return next((task for task in discovered if task.task_id == task_id), None)

    def watches(self, task: Task) -> bool:
        """Whether this exporter watches the task."""
        return self._shard.has(task.task_id) and self.find(task.task_id) == task

    @property
    def unread(self) -> tuple[str, ...]:
        """Sources, for people, that were never read whole since the start: with any, tasks may be missing."""
        files = tuple(f"task file {path}" for path in self._unread_files)
        how = "a scrape of the metrics reads it, unless collect[] leaves out discovery"
        lists = tuple(f"list of {found.kind} tasks: {how}" for found in self.discoveries if not found.complete)
        return files + lists

    def counts(self) -> dict[str, int]:
        """The number of watched tasks by kind, without the kinds of which tasks may be missing."""
        if self._unread_files:
            return {}
        counts = Counter(task.ref.kind for task in self.tasks)
        incomplete = {found.kind for found in self.discoveries if not found.complete}
        return {kind: counts[kind] for kind in KINDS if kind not in incomplete}

    def most_requests(self) -> int:
        """The most requests that a scrape sends, without retries."""
        pages = sum(math.ceil(max(len(found.known), 1) / PAGE_SIZE) for found in self.discoveries)
        discovered = sum(self._config.most_requests(task, listed=True) for task in self.discovered)
        return sum(map(self._config.most_requests, self.named)) + discovered + pages

    def share(self, discovered: Iterable[Task]) -> tuple[Task, ...]:
        """Of discovered tasks those that this shard watches because of the discovery."""
        named, shard = self._all_named, self._shard
        return tuple(task for task in discovered if task.task_id not in named and shard.has(task.task_id))

    def _merge(self) -> None:
        """Merge the tasks of the configuration and of the files; log task ids that are repeated now."""
        named = {task.task_id: task for task in self._config.tasks}
        repeated = {}
        for file in self.files:
            ids = tuple(task.task_id for task in file.tasks if task.task_id in named)
            named |= {task.task_id: task for task in file.tasks if task.task_id not in named}
            if ids:
                repeated[file.path] = ids
            if ids and ids != self.repeated.get(file.path):
                message = "task file repeats task ids that another source names; these entries are ignored"
                event(_log, logging.WARNING, message, file=file.path, task_ids=",".join(ids[:10]))
        share = tuple(task for task in named.values() if self._shard.has(task.task_id))
        self.named, self._all_named, self.repeated = share, named, repeated
