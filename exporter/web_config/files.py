"""The files that a web configuration is made of, and whether they are still as they were when they were read."""

from pathlib import Path

from exporter.file_state import FileState, file_state

MAX_FILE_BYTES = 1024 * 1024
"""More than any certificate, key or bundle of issuers has."""


class Files:
    """Remembers the state of each file from before it was read, so that no change in between is missed."""

    def __init__(self) -> None:
        self._seen: dict[Path, FileState | None] = {}

    def note(self, path: Path) -> None:
        """A file is about to be read."""
        self._seen[path] = _state_of(path)

    def read(self, path: Path) -> bytes:
        """The content of a file. Raises OSError, or ValueError where it is too large."""
        self.note(path)
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ValueError("is too large for a certificate or a key")
        return content

    def changed(self) -> bool:
        """Whether any of them is no longer as it was. Costs one `stat` each."""
        return any(_state_of(path) != state for path, state in self._seen.items())


def _state_of(path: Path) -> FileState | None:
    try:
        return file_state(path)
    except OSError:
        return None
