"""Which task files there are."""

import glob
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath

MAX_FILES = 1000


@dataclass(frozen=True, slots=True)
class Matched:
    """What some patterns match."""

    paths: tuple[str, ...]
    """In their order, each once."""
    unmatched: tuple[str, ...]
    """Patterns that match nothing."""
    faults: Mapping[str, str]
    """What stands in the way of further files, by the place."""


def match(patterns: Iterable[str]) -> Matched:
    """Look for the files that match, as a shell would: `*` stands for no hidden file."""
    found = {pattern: glob.glob(pattern) for pattern in patterns}  # noqa: PTH207 - absolute patterns
    paths = sorted({path for paths in found.values() for path in paths})
    faults = {
        folder: f"cannot be listed: {why}" for folder in map(_folder_of, found) if (why := _why_unlistable(folder))
    }
    # Such a path could be put neither into metrics nor onto a page.
    faults |= {printable(path): "the name is not UTF-8 text" for path in paths if printable(path) != path}
    paths = [path for path in paths if printable(path) == path]
    faults |= dict.fromkeys(paths[MAX_FILES:][:1], f"is left out: more than {MAX_FILES} files match")
    unmatched = (pattern for pattern, paths in found.items() if not paths)
    return Matched(tuple(paths[:MAX_FILES]), tuple(unmatched), faults)


def printable(path: str) -> str:
    """A path as text that can be encoded, whatever bytes it has."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path is one that `match` finds, if there is such a file."""
    return any(_matches(PurePath(path).parts, PurePath(pattern).parts) for pattern in patterns)


def _matches(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return len(names) == len(patterns) and all(
        fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))
        for name, pattern in zip(names, patterns, strict=True)
    )


def _folder_of(pattern: str) -> str:
    """The innermost folder that a pattern names without a wildcard."""
    folder = os.path.dirname(pattern)  # noqa: PTH120 - a pattern is no path
    while glob.has_magic(folder):
        folder = os.path.dirname(folder)  # noqa: PTH120 - the same
    return folder or "."


def _why_unlistable(folder: str) -> str | None:
    """Why a folder cannot be looked into; None where it can, or is not there. glob is silent about it."""
    try:
        os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error.strerror
    return None
