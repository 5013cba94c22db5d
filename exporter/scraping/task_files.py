"""Files with lists of tasks, read again when they change."""

import glob
import logging
import os
from collections.abc import Iterable, Mapping
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

    def __init__(self, patterns: Iterable[str], before: "TaskFiles | None" = None) -> None:
        """`before`: the task files before a reload. Those that still match stay in use, and are read if they change."""
        self.current: tuple[TaskFile, ...] = ()
        """The files as last read, and the folders that cannot be listed."""
        self.unmatched: tuple[str, ...] = ()
        """Patterns that match no file."""
        self.unread: tuple[str, ...] = ()
        """Files and folders that were never read whole."""
        self.watched: Mapping[str, WatchedFile[tuple[Task, ...]]] = before.watched if before else {}
        """By path."""
        self.read_whole: frozenset[str] = before.read_whole if before else frozenset()
        """Files and folders that were read whole once."""
        self._patterns = tuple(patterns)

    def refresh(self) -> None:
        """Look for files, and read those that changed. May block; logs what changes, and never raises."""
        folders = {_folder_of(pattern) for pattern in self._patterns}
        faults = {folder: fault for folder in sorted(folders) if (fault := _fault_of(folder))}
        matches = {pattern: glob.glob(pattern) for pattern in self._patterns}  # noqa: PTH207 - patterns have folders
        paths = {path for found in matches.values() for path in found}
        if faults:
            paths |= self.watched.keys()  # they may still be there
        unlistable = [TaskFile(printable(folder), faults=(fault,)) for folder, fault in faults.items()]
        unmatched = tuple(pattern for pattern, found in matches.items() if not found)
        self._log(unlistable, self.watched.keys() - paths, unmatched)
        self.unmatched = unmatched
        self.watched = {
            path: self.watched.get(path) or WatchedFile(Path(path), load_task_file, description="task file")
            for path in sorted(paths)
        }
        for file in self.watched.values():
            file.refresh()
        files = [
            TaskFile(printable(path), file.content or (), file.faults, file.loaded_at)
            for path, file in self.watched.items()
            if file.loaded_at is not None or file.faults
        ]
        self.current = tuple(sorted((*files, *unlistable), key=lambda file: file.path))
        loaded = {path for path, file in self.watched.items() if file.loaded_at is not None}
        self.read_whole |= loaded | (folders - faults.keys())
        # A pattern with a wildcard may match nothing; a file that is named must have been there.
        sources = {*paths, *faults, *(pattern for pattern in unmatched if not glob.has_magic(pattern))}
        self.unread = tuple(map(printable, sorted(sources - self.read_whole)))

    def _log(self, unlistable: Iterable[TaskFile], gone: Iterable[str], unmatched: Iterable[str]) -> None:
        for folder in unlistable:
            if folder not in self.current:
                event(_log, logging.WARNING, "task files may be missing", fault=folder.faults[0])
        for path in sorted(gone):
            event(_log, logging.INFO, "task file is gone", file=printable(path))
        for pattern in unmatched:
            if pattern not in self.unmatched:
                event(_log, logging.WARNING, "no task file matches", pattern=printable(pattern))


def _folder_of(pattern: str) -> str:
    """The innermost folder that a pattern names without a wildcard."""
    folder = os.path.dirname(pattern)  # noqa: PTH120 - a pattern is no path
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)  # noqa: PTH120 - the same
    return folder or "."


def _fault_of(folder: str) -> str | None:
    """A fault if a folder exists and cannot be listed, which glob does not report."""
    try:
        os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return f"{printable(folder)}: cannot be listed: {error.strerror}"
    return None
