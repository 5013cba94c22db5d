"""What the exporter's log says that no exporter should say."""

import re
from pathlib import Path

MAX_TOLD = 3
"""At each reading; of the others, how many there are."""
MAX_CHARACTERS = 300

_LINE = re.compile(r"ts=\S+ level=(\w+) msg=")
_INTENDED = 'level=error msg="configuration not reloaded; the one before it stays in force"'
"""A run breaks the configuration on purpose, and sees by the answer whether one is taken that should be, or is not."""


class Log:
    """A log in logfmt that grows, in a file; each line is read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0

    def complaints(self) -> list[str]:
        """Of the lines since the last time those of level error or with an internal error, and what is no line of it.

        At most MAX_TOLD, of at most MAX_CHARACTERS each, and how many more there are.
        """
        told: list[str] = []
        more = 0
        with self._path.open("rb") as file:
            file.seek(self._read)
            for raw in file:
                if not raw.endswith(b"\n"):
                    break  # It is still being written.
                self._read += len(raw)
                line = raw.decode("utf-8", "replace").rstrip()
                if _is_complaint(line):
                    more += len(told) == MAX_TOLD
                    told = [*told, f"the log says: {line[:MAX_CHARACTERS]}"][:MAX_TOLD]
        return [*told, f"the log says {more} more of that kind"] if more else told


def _is_complaint(line: str) -> bool:
    found = _LINE.match(line)
    # A traceback of Python's own, for instance of a thread, has neither time nor level.
    if found is None or "internal error" in line:
        return True
    return found[1] == "error" and _INTENDED not in line
