"""Watching every replication task that the key can see, without naming any."""

import asyncio
import fnmatch
import math
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice

from exporter.change_log import DiscoveryLog
from exporter.config import ReplicationDiscovery, Task
from exporter.ninedata import DISCOVERED_KIND, MAX_LISTED, Replication, TaskRef
from exporter.snapshot import Discovered, QueryFailure, Turn

Lister = Callable[[dict[str, Replication], str | None, float], Awaitable[QueryFailure | None]]
"""Fills a mapping with the listed tasks, of one status where it is given, by a deadline; gives the failure, if any."""


LAST: Turn = (True, math.inf)
"""Of discovery that hung: after everything else."""
AFTER_TASKS: Turn = (False, math.inf)
"""But before those that hung."""
FIRST: Turn = (False, -1)
"""Of discovery that had no turn the last time."""


class Discovery:
    """Replication tasks as they were last listed.

    `known` are those that were listed under another configuration of the same server.
    """

    def __init__(
        self,
        settings: ReplicationDiscovery,
        lister: Lister,
        known: Mapping[str, Replication] | None = None,
        log: DiscoveryLog | None = None,
    ) -> None:
        self._settings = settings
        self._lister = lister
        self._known: Mapping[str, Replication] = known or {}
        self._log = log or DiscoveryLog()
        self._tasks = self._chosen()
        self._by_id = {task.task_id: task for task in self._tasks}
        self._attempts = 0
        self._latest = 0
        self.last: Discovered | None = None
        """The latest attempt."""
        self.turn = AFTER_TASKS
        """When it is to be asked for in the next scrape."""

    @property
    def known(self) -> Mapping[str, Replication]:
        """All that were listed, by id, whether or not they are watched."""
        return self._known

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Those to be watched; the same object as long as nothing changes."""
        return self._tasks

    def find(self, task_id: str) -> Task | None:
        """One of those to be watched, by its id."""
        return self._by_id.get(task_id)

    async def discover(self, deadline: float) -> Discovered:
        """List them anew, by `deadline` of the running loop's clock; what fails leaves the known ones."""
        clock = asyncio.get_running_loop().time
        began = clock()
        self._attempts += 1
        attempt = self._attempts
        statuses = self._settings.statuses
        found: dict[str, Replication] = {}
        failure = await self._lister(found, next(iter(statuses)) if len(statuses) == 1 else None, deadline)
        if attempt < self._latest:  # one that began later is over already: this one hung
            return Discovered(self._tasks, failure, clock() - began)
        self._latest = attempt
        self._learn(found, failure)
        self.last = Discovered(self._tasks, failure, clock() - began)
        self._log.record(self.last, clock())
        return self.last

    def _learn(self, found: Mapping[str, Replication], failure: QueryFailure | None) -> None:
        if failure is not None:
            kept = {task_id: known for task_id, known in self._known.items() if task_id not in found}
            found = dict(islice({**found, **kept}.items(), MAX_LISTED))
        if found != self._known:
            self._known = found
            chosen = self._chosen()
            if chosen != self._tasks:
                self._log.change(self._tasks, chosen)
                self._tasks = chosen
                self._by_id = {task.task_id: task for task in chosen}
        if failure is not None and not failure.asked:
            self.turn = FIRST
        elif failure is not None and failure.hung:
            self.turn = LAST
        elif self.turn == LAST:
            self.turn = AFTER_TASKS

    def _chosen(self) -> tuple[Task, ...]:
        return tuple(
            Task(TaskRef(DISCOVERED_KIND, found.task_id, ""), found.name, self._settings.labels)
            for found in sorted(self._known.values(), key=lambda found: found.task_id)
            if self._is_chosen(found)
        )

    def _is_chosen(self, found: Replication) -> bool:
        statuses, names = self._settings.statuses, self._settings.names
        folded = {status.casefold() for status in statuses}
        return (not statuses or found.status.casefold() in folded) and (
            not names or any(fnmatch.fnmatchcase(found.name, name) for name in names)
        )
