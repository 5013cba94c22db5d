"""The tasks that an exporter watches, from all that name some."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from exporter.config import Config, Task
from exporter.logs import event
from exporter.look import LOOK_SECONDS
from exporter.ninedata import Replication
from exporter.shard import Shard
from exporter.snapshot import Discovered, Turn
from exporter.watch.discovery import AFTER_TASKS, Discovery
from exporter.watch.task_files import TaskFile, TaskFiles

_log = logging.getLogger(__name__)

MAX_IDS_LOGGED = 10


class WatchList:
    """The configuration's tasks, those of the task files, and discovered ones, each once; of them, a shard's share.

    Where several name the same task, the configuration counts before the files, those in the order of their paths, and
    both before discovery.
    """

    def __init__(self, config: Config, shard: Shard, files: TaskFiles, discovery: Discovery | None) -> None:
        self._config = config
        self._shard = shard
        self._files = files
        self._discovery = discovery
        self._made_of: tuple[TaskFile, ...] | None = None
        self._repeated: dict[str, tuple[str, ...]] = {}
        self._named: dict[str, Task] = {}
        self._listed: tuple[Task, ...] = ()
        self._discovered_from: tuple[Task, ...] = ()
        self._discovered: tuple[Task, ...] = ()

    async def refresh(self, seconds: float = LOOK_SECONDS) -> None:
        """Look at the task files; within `seconds`. Never raises."""
        await self._files.refresh(seconds)

    @property
    def files(self) -> tuple[TaskFile, ...]:
        """The task files."""
        return self._files.current

    @property
    def repeated(self) -> dict[str, tuple[str, ...]]:
        """Of each task file, by its path, the ids that it names although they are named before it."""
        self._merge()
        return self._repeated

    @property
    def listed(self) -> tuple[Task, ...]:
        """This shard's share of the tasks that the configuration or a file names; the same object until they change."""
        self._merge()
        return self._listed

    @property
    def discovers(self) -> bool:
        """Whether tasks are to be discovered."""
        return self._discovery is not None

    @property
    def discovery_turn(self) -> Turn:
        """When tasks are to be discovered in the next scrape."""
        return self._discovery.turn if self._discovery else AFTER_TASKS

    @property
    def last_discovered(self) -> Discovered | None:
        """The latest attempt to discover tasks; None where there was none."""
        return self._discovery.last if self._discovery else None

    @property
    def known(self) -> Mapping[str, Replication]:
        """All replication tasks that were listed, by id, whether or not they are watched."""
        return self._discovery.known if self._discovery else {}

    async def discover(self, deadline: float) -> Discovered:
        """Discover tasks anew, by `deadline`; the answer has this shard's share, without what is named as well."""
        if self._discovery is None:
            return Discovered((), None, 0.0)
        found = await self._discovery.discover(deadline)
        return replace(found, tasks=self._share_of(found.tasks))

    @property
    def discovered(self) -> tuple[Task, ...]:
        """This shard's share of the tasks that were discovered last, and are not named as well."""
        return self._share_of(self._discovery.tasks if self._discovery else ())

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All that this exporter watches."""
        return self.listed + self.discovered

    def watches(self, task: Task) -> bool:
        """Whether a task is one of those that this exporter watches."""
        return self._shard.has(task.task_id) and self.find(task.task_id) == task

    def find(self, task_id: str) -> Task | None:
        """A task by its id, whichever shard it belongs to; None where nothing names or discovered it."""
        self._merge()
        if task_id in self._named:
            return self._named[task_id]
        return self._discovery.find(task_id) if self._discovery else None

    def counts(self) -> Counter[str]:
        """How many tasks of each kind this exporter watches."""
        return Counter(task.ref.kind for task in self.tasks)

    def _share_of(self, discovered: tuple[Task, ...]) -> tuple[Task, ...]:
        """This shard's share of discovered tasks, without those that are named as well."""
        self._merge()
        if discovered is not self._discovered_from:
            self._discovered_from = discovered
            self._discovered = tuple(
                task for task in discovered if task.task_id not in self._named and self._shard.has(task.task_id)
            )
        return self._discovered

    def _merge(self) -> None:
        files = self._files.current
        if files is self._made_of:
            return
        self._made_of = files
        self._discovered_from = ()
        self._discovered = ()
        self._named = {task.task_id: task for task in self._config.tasks}
        repeated = {}
        for file in files:
            ids = tuple(task.task_id for task in file.tasks if task.task_id in self._named)
            self._named.update({task.task_id: task for task in file.tasks if task.task_id not in self._named})
            if ids:
                repeated[file.path] = ids
                if ids != self._repeated.get(file.path):
                    message = "task file names tasks that are named before it; those stay as they are"
                    event(_log, logging.WARNING, message, file=file.path, task_ids=",".join(ids[:MAX_IDS_LOGGED]))
        self._repeated = repeated
        self._listed = tuple(task for task in self._named.values() if self._shard.has(task.task_id))
