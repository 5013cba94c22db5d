"""Files with lists of tasks, read again when they change."""

import glob
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from exporter.config import ConfigError, Task, load_task_file
from exporter.file_state import FileState, file_state
from exporter.logs import event
from exporter.look import LOOK_SECONDS, Look

_log = logging.getLogger(__name__)

MAX_FILES = 1000
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
        self._files = {file.path: file for file in known}
        self._current: tuple[TaskFile, ...] = ()
        self._look = Look(self.look, "task files")
        self._too_many = False

    @property
    def current(self) -> tuple[TaskFile, ...]:
        """What is known of the files, without looking; the same object as long as nothing changes."""
        return self._current

    async def refresh(self, seconds: float = LOOK_SECONDS) -> None:
        """Look at the files, and read those that changed; within `seconds`, and LOOK_SECONDS. Never raises."""
        if self._patterns:
            await self._look.refresh(seconds)

    def look(self) -> tuple[TaskFile, ...]:
        """Look at the files now, on this thread."""
        found = {path: self._looked_at(path, self._files.get(path)) for path in self._paths()}
        for path in self._files.keys() - found.keys():
            event(_log, logging.INFO, "task file is gone", file=path)
        self._files = found
        files = tuple(found.values())
        if files != self._current:
            self._current = files
        return self._current

    def _paths(self) -> list[str]:
        matched = {path for pattern in self._patterns for path in glob.iglob(pattern)}  # noqa: PTH207 - absolute patterns
        # glob is silent about a folder that cannot be read: what was there before is asked for by its name.
        matched.update(path for path in self._files if self._is_kept(path))
        too_many = len(matched) > MAX_FILES
        if too_many and not self._too_many:
            event(_log, logging.WARNING, "too many task files; the last ones are left out", limit=MAX_FILES)
        self._too_many = too_many
        return sorted(matched)[:MAX_FILES]

    def _is_kept(self, path: str) -> bool:
        if not any(PurePath(path).match(pattern) for pattern in self._patterns):
            return False
        try:
            file_state(Path(path))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def _looked_at(self, path: str, before: TaskFile | None) -> TaskFile:
        file = before or TaskFile(path)
        try:
            state = file_state(Path(path))
        except OSError as error:
            return self._failed(file, [f"{path}: cannot be read: {error.strerror}"], None)
        if before is not None and state == before.state:
            return before
        try:
            tasks = load_task_file(Path(path))
        except ConfigError as error:
            return self._failed(file, [str(fault) for fault in error.faults], state)
        event(_log, logging.INFO, "task file read", file=path, tasks=len(tasks))
        return TaskFile(path, tasks, (), self._wall_clock(), state)

    def _failed(self, file: TaskFile, faults: list[str], state: FileState | None) -> TaskFile:
        if file.faults == tuple(faults) and file.state == state:
            return file
        for fault in faults[:MAX_FAULTS_LOGGED]:
            event(_log, logging.WARNING, "task file has a fault; its last good content stays in use", fault=fault)
        if len(faults) > MAX_FAULTS_LOGGED:
            more = len(faults) - MAX_FAULTS_LOGGED
            event(_log, logging.WARNING, "task file has more faults", file=file.path, more=more)
        return replace(file, faults=tuple(faults), state=state)
