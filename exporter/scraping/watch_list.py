"""The tasks that an exporter watches, from all sources."""

import logging
from collections import Counter
from dataclasses import replace

from exporter.config import Config, Task
from exporter.logs import event
from exporter.ninedata import DISCOVERED_KIND, KINDS
from exporter.scraping.discovery import Discovery
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import DiscoveryResult
from exporter.scraping.task_files import TaskFile, TaskFiles

_log = logging.getLogger(__name__)


class WatchList:
    """The tasks of the configuration, of the task files, and of discovery, each once; of these, one shard's share.

    If several sources name the same task, the configuration wins over task files, those in the order of their paths,
    and both win over discovery.
    """

    def __init__(self, config: Config, shard: Shard, task_files: TaskFiles, discovery: Discovery | None) -> None:
        self.task_files = task_files
        self.discovery = discovery
        self._config = config
        self._shard = shard
        self._merged_files: tuple[TaskFile, ...] | None = None
        self._named: dict[str, Task] = {}
        self._repeated: dict[str, tuple[str, ...]] = {}
        self._listed: tuple[Task, ...] = ()
        self._discovered_from: tuple[Task, ...] = ()
        self._discovered: tuple[Task, ...] = ()

    @property
    def files(self) -> tuple[TaskFile, ...]:
        """The task files with their last good content."""
        return self.task_files.current

    @property
    def repeated(self) -> dict[str, tuple[str, ...]]:
        """By the path of a task file: the task ids in it that another source before it names already."""
        self._merge()
        return self._repeated

    @property
    def listed(self) -> tuple[Task, ...]:
        """This shard's tasks that the configuration or a file names; the same object while nothing changes."""
        self._merge()
        return self._listed

    @property
    def discovered(self) -> tuple[Task, ...]:
        """This shard's tasks that only discovery names; the same object while nothing changes."""
        return self._share(self.discovery.tasks if self.discovery else ())

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks that this exporter watches."""
        return self.listed + self.discovered

    @property
    def last_discovery(self) -> DiscoveryResult | None:
        """The latest discovery; None before the first."""
        return self.discovery.last if self.discovery else None

    def find(self, task_id: str) -> Task | None:
        """A task by its id, in whatever shard; None if no source names it."""
        self._merge()
        if task_id in self._named:
            return self._named[task_id]
        discovered = self.discovery.tasks if self.discovery else ()
        return next((task for task in discovered if task.task_id == task_id), None)

    def watches(self, task: Task) -> bool:
        """Whether this exporter watches the task."""
        return self._shard.has(task.task_id) and self.find(task.task_id) == task

    @property
    def unread(self) -> tuple[str, ...]:
        """The sources, for people, that were not read whole since the start: while there are any, tasks are missing."""
        files = tuple(f"task file {path}" for path in self.task_files.unread)
        if self.discovery is None or self.discovery.complete:
            return files
        return (*files, "list of replication tasks, which a scrape of the metrics reads (all, or collect[]=discovery)")

    def counts(self) -> dict[str, int]:
        """The number of watched tasks of each kind; without the kinds of which tasks may be missing."""
        if self.task_files.unread:
            return {}
        counts = Counter(task.ref.kind for task in self.tasks)
        incomplete = self.discovery is not None and not self.discovery.complete
        return {kind: counts[kind] for kind in KINDS if not (incomplete and kind == DISCOVERED_KIND)}

    def share(self, result: DiscoveryResult) -> DiscoveryResult:
        """A discovery's result limited to the tasks that this shard watches because of it."""
        return replace(result, tasks=self._share(result.tasks))

    def _share(self, discovered: tuple[Task, ...]) -> tuple[Task, ...]:
        self._merge()
        if discovered is not self._discovered_from:
            self._discovered_from = discovered
            self._discovered = tuple(
                task for task in discovered if task.task_id not in self._named and self._shard.has(task.task_id)
            )
        return self._discovered

    def _merge(self) -> None:
        """Merge the configuration's tasks and those of the files, if a file changed."""
        files = self.files
        if files is self._merged_files:
            return
        self._merged_files = files
        self._discovered_from = self._discovered = ()
        self._named = {task.task_id: task for task in self._config.tasks}
        repeated = {}
        for file in files:
            ids = tuple(task.task_id for task in file.tasks if task.task_id in self._named)
            self._named |= {task.task_id: task for task in file.tasks if task.task_id not in self._named}
            if ids:
                repeated[file.path] = ids
                if ids != self._repeated.get(file.path):
                    message = "task file repeats task ids that another source names; these entries are ignored"
                    event(_log, logging.WARNING, message, file=file.path, task_ids=",".join(ids[:10]))
        self._repeated = repeated
        self._listed = tuple(task for task in self._named.values() if self._shard.has(task.task_id))
