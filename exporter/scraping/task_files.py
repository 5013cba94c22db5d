"""Files with lists of tasks, read again when they change."""

import copy
import glob
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter.config import Task, load_task_file
from exporter.faults import printable
from exporter.files import WatchedFile
from exporter.logs import event

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TaskFile:
    """A task file as last read."""

    path: str
    tasks: tuple[Task, ...] = ()
    """The last good content."""
    faults: tuple[str, ...] = ()
    """Why the present content is not used."""
    loaded_at: float | None = None
    """When the last good content was read, in seconds since the epoch."""


class TaskFiles:
    """The files that match some shell patterns, in the order of their paths."""

    def __init__(
        self, patterns: Iterable[str], before: "TaskFiles | None" = None, clock: Callable[[], float] = time.time
    ) -> None:
        """`before`: the task files before a reload. Those that still match stay in use, and are read if they change."""
        self.current: tuple[TaskFile, ...] = ()
        """The files as last read; the same object while nothing changes."""
        self.unmatched: tuple[str, ...] = ()
        """Patterns that match no file."""
        self.unread: tuple[str, ...] = ()
        """Files and folders that were never read whole."""
        self.found: frozenset[str] = before.found if before else frozenset()
        """Files that a pattern names without a wildcard, and folders, that were there once."""
        self._patterns = tuple(patterns)
        self._clock = clock
        # Copies: until the reload is complete, the files before it are refreshed as well.
        known = before.watched if before else {}
        self.watched: Mapping[str, WatchedFile[tuple[Task, ...]]] = {path: copy.copy(known[path]) for path in known}
        """By path. Replaced at each refresh, which another thread may do."""
        self._unlistable: tuple[TaskFile, ...] = ()

    def refresh(self) -> None:
        """Look for files, and read those that changed. May block; logs what changes, and never raises."""
        self._look_for_unlistable_folders()
        found = {pattern: glob.glob(pattern) for pattern in self._patterns}  # noqa: PTH207 - patterns have folders
        paths = {path for matches in found.values() for path in matches}
        if self._unlistable:
            paths |= self.watched.keys()  # they may still be there
        for path in sorted(self.watched.keys() - paths):
            event(_log, logging.INFO, "task file is gone", file=printable(path))
        self.watched = {path: self.watched.get(path) or self._watch(path) for path in sorted(paths)}
        for file in self.watched.values():
            file.refresh()
        self._log_unmatched(tuple(pattern for pattern, matches in found.items() if not matches))
        self.found |= {pattern for pattern, matches in found.items() if matches}
        self._publish()

    def _watch(self, path: str) -> WatchedFile[tuple[Task, ...]]:
        return WatchedFile(Path(path), load_task_file, description="task file", clock=self._clock)

    def _publish(self) -> None:
        files = [
            TaskFile(printable(path), file.content or (), file.faults, file.loaded_at)
            for path, file in self.watched.items()
            if file.loaded_at is not None or file.faults
        ]
        current = tuple(sorted((*files, *self._unlistable), key=lambda file: file.path))
        if current != self.current:
            self.current = current
        unread = {path for path, file in self.watched.items() if file.loaded_at is None}
        # A pattern with a wildcard may match nothing; a file that is named must have been there.
        unread |= {pattern for pattern in self.unmatched if not glob.has_magic(pattern)} - self.found
        unread |= {file.path for file in self._unlistable} - self.found
        # After the tasks: an incomplete list must never look complete.
        self.unread = tuple(map(printable, sorted(unread)))

    def _log_unmatched(self, unmatched: tuple[str, ...]) -> None:
        for pattern in unmatched:
            if pattern not in self.unmatched:
                event(_log, logging.WARNING, "no task file matches", pattern=printable(pattern))
        self.unmatched = unmatched

    def _look_for_unlistable_folders(self) -> None:
        folders = sorted({_folder_of(pattern) for pattern in self._patterns})
        unlistable = tuple(file for folder in folders for file in _fault_of_folder(folder))
        self.found |= {printable(folder) for folder in folders} - {file.path for file in unlistable}
        for file in unlistable:
            if file not in self._unlistable:
                event(_log, logging.WARNING, "task files may be missing", fault=file.faults[0])
        self._unlistable = unlistable


def _folder_of(pattern: str) -> str:
    """The innermost folder that a pattern names without a wildcard."""
    folder = os.path.dirname(pattern)  # noqa: PTH120 - a pattern is no path
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)  # noqa: PTH120 - the same
    return folder or "."


def _fault_of_folder(folder: str) -> Iterator[TaskFile]:
    """A fault if a folder exists and cannot be listed, which glob does not report."""
    try:
        os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield TaskFile(printable(folder), faults=(f"{printable(folder)}: cannot be listed: {error.strerror}",))
