"""What tells whether a file has changed."""

import os
from pathlib import Path

FileState = tuple[int, int, int, int]


def file_state(path: Path) -> FileState:
    """Modification and change time, size and number of what a path leads to: they differ once it was written anew.

    Follows links: Kubernetes and Vault replace what a link points at. Raises OSError.
    """
    found = os.stat(path)  # noqa: PTH116 - a third of the time, at every request
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns
