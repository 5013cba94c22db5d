"""Watching every replication task that the key can see, without naming any."""

import asyncio
import fnmatch
from collections.abc import Awaitable, Callable, Mapping

from exporter.config import ReplicationDiscovery, Task
from exporter.ninedata import Replication, TaskRef
from exporter.snapshot import Discovered, QueryFailure

Lister = Callable[[dict[str, Replication], str | None, float], Awaitable[QueryFailure | None]]
"""Fills a mapping with the listed tasks, of one status where it is given, by a deadline; gives the failure, if any."""


class Discovery:
    """Replication tasks as they were last listed.

    `known` are those that were listed under another configuration of the same server.
    """

    def __init__(
        self, settings: ReplicationDiscovery, lister: Lister, known: Mapping[str, Replication] | None = None
    ) -> None:
        self._settings = settings
        self._lister = lister
        self._known: Mapping[str, Replication] = known or {}
        self._tasks = self._chosen()
        self.last: Discovered | None = None
        """The latest attempt."""

    @property
    def known(self) -> Mapping[str, Replication]:
        """All that were listed, by id, whether or not they are watched."""
        return self._known

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Those to be watched; the same object as long as nothing changes."""
        return self._tasks

    async def discover(self, deadline: float) -> Discovered:
        """List them anew, by `deadline` of the running loop's clock; what fails leaves the known ones."""
        clock = asyncio.get_running_loop().time
        began = clock()
        statuses = self._settings.statuses
        found: dict[str, Replication] = {}
        failure = await self._lister(found, next(iter(statuses)) if len(statuses) == 1 else None, deadline)
        listed = {**self._known, **found} if failure else found
        if listed != self._known:
            self._known = listed
            chosen = self._chosen()
            if chosen != self._tasks:
                self._tasks = chosen
        self.last = Discovered(self._tasks, failure, clock() - began)
        return self.last

    def _chosen(self) -> tuple[Task, ...]:
        return tuple(
            Task(TaskRef("replication", found.task_id, ""), found.name, self._settings.labels)
            for found in sorted(self._known.values(), key=lambda found: found.task_id)
            if self._is_chosen(found)
        )

    def _is_chosen(self, found: Replication) -> bool:
        statuses, names = self._settings.statuses, self._settings.names
        folded = {status.casefold() for status in statuses}
        return (not statuses or found.status.casefold() in folded) and (
            not names or any(fnmatch.fnmatchcase(found.name, name) for name in names)
        )
