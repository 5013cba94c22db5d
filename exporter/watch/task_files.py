"""Files with lists of tasks, read again when they change."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from exporter.config import ConfigError, Task, UnreadableError, load_task_file
from exporter.config.matching import match, matches, printable
from exporter.file_state import FileState, file_state
from exporter.logs import event
from exporter.look import LOOK_SECONDS, Look

_log = logging.getLogger(__name__)

MAX_FAULTS_LOGGED = 10
"""Faults of one file that are logged one by one; the page has them all."""


@dataclass(frozen=True, slots=True)
class TaskFile:
    """What is known of one file."""

    path: str
    tasks: tuple[Task, ...] = ()
    """Its last good content."""
    faults: tuple[str, ...] = ()
    """What is wrong with its present content, so that the one before it stays in use; empty where nothing is."""
    loaded_at: float | None = None
    """When its content was last good and new, in seconds since the epoch; None where it never was."""
    state: FileState | None = None
    """What the file looked like when it was last tried; None where it could not even be looked at."""


class TaskFiles:
    """The files that some patterns match, in the order of their paths."""

    def __init__(
        self,
        patterns: Iterable[str],
        known: Iterable[TaskFile] = (),
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`known` is what was known of the files under another configuration: a broken one keeps its content."""
        self._patterns = tuple(patterns)
        self._wall_clock = wall_clock
        self._current = tuple(file for file in known if matches(file.path, self._patterns))
        self._unmatched: frozenset[str] = frozenset()
        self._look = Look(self.look, "task files")

    @property
    def current(self) -> tuple[TaskFile, ...]:
        """What is known of the files, without looking; the same object as long as nothing changes."""
        return self._current

    async def refresh(self, seconds: float = LOOK_SECONDS) -> None:
        """Look at the files, and read those that changed; within `seconds`. Never raises."""
        if self._patterns:
            await self._look.refresh(seconds)

    def look(self) -> None:
        """Look at the files now, on this thread."""
        before = {file.path: file for file in self._current}
        matched = match(self._patterns)
        found = {path: self._looked_at(path, before.get(path)) for path in matched.paths}
        for path in before.keys() - found.keys() - matched.faults.keys():
            # A folder that cannot be listed hides files that are still there.
            if matches(path, self._patterns) and _may_be_there(path):
                found[path] = self._looked_at(path, before[path])
        for place, why in matched.faults.items():
            found[place] = self._failed(before.get(place) or TaskFile(place), [f"{place}: {why}"], None)
        for path in before.keys() - found.keys():
            event(_log, logging.INFO, "task file is gone", file=path)
        self._tell_unmatched(frozenset(matched.unmatched))
        files = tuple(found[path] for path in sorted(found))
        if files != self._current:
            self._current = files

    def _looked_at(self, path: str, before: TaskFile | None) -> TaskFile:
        file = before or TaskFile(path)
        try:
            state = file_state(Path(path))
            if before is not None and state == before.state:
                return before
            tasks = load_task_file(Path(path))
            if file_state(Path(path)) != state:
                return self._failed(file, [f"{path}: was written to while it was read; it is read again"], None)
        except OSError as error:
            return self._failed(file, [f"{path}: cannot be read: {error.strerror}"], None)
        except ConfigError as error:
            # What cannot be read may be readable the next time although it is the same.
            seen = None if isinstance(error, UnreadableError) else state
            return self._failed(file, [str(fault) for fault in error.faults], seen)
        event(_log, logging.INFO, "task file read", file=path, tasks=len(tasks))
        return TaskFile(path, tasks, (), self._wall_clock(), state)

    def _failed(self, file: TaskFile, faults: list[str], state: FileState | None) -> TaskFile:
        if file.faults == tuple(faults) and file.state == state:
            return file
        message = "task file has a fault; its last good content, if any, stays in use"
        for fault in faults[:MAX_FAULTS_LOGGED]:
            event(_log, logging.WARNING, message, fault=fault)
        if len(faults) > MAX_FAULTS_LOGGED:
            more = len(faults) - MAX_FAULTS_LOGGED
            event(_log, logging.WARNING, "task file has more faults", file=file.path, more=more)
        return replace(file, faults=tuple(faults), state=state)

    def _tell_unmatched(self, patterns: frozenset[str]) -> None:
        for pattern in sorted(patterns - self._unmatched):
            event(_log, logging.WARNING, "no task file matches", pattern=printable(pattern))
        self._unmatched = patterns


def _may_be_there(path: str) -> bool:
    try:
        file_state(Path(path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
