"""Files that are read again when they change: the one place that decides when, and what happens if that fails."""

import errno
import logging
import os
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from exporter.faults import ConfigError, UnreadableError, printable
from exporter.logs import event

_log = logging.getLogger(__name__)

T = TypeVar("T")

_State = tuple[int, ...] | None


def read_file(path: Path, limit: int) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Raises OSError. A pipe or a device is refused: reading it could block forever.
    """
    # Without O_NONBLOCK, opening a named pipe waits for a writer.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if status.st_size > limit:
            raise OSError(errno.EFBIG, f"larger than {limit} bytes", str(path))
        return file.read(limit)


class WatchedFile(Generic[T]):
    """A file that is read again when it changes, or when a file that its content names (`related`) changes.

    While the file has a fault, the last good content stays in use. A fault is logged once. With `related`, each refresh
    reads a faulty file again, because the fault may be in a file that it names. Reading `content` never blocks; `load`
    and `refresh` may. `read` may raise ConfigError, OSError or ValueError.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[Path], T],
        *,
        description: str,
        related: Callable[[T], Iterable[Path]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`description` is the subject of log lines, such as "secret file"."""
        self.path = path
        self.content: T | None = None
        self.faults: tuple[str, ...] = ()
        self.loaded_at: float | None = None
        """When the content was read, in seconds since the epoch."""
        self._read = read
        self._description = description
        self._related = related
        self._clock = clock
        self._seen: Mapping[Path, _State] = {}
        """The states of the file and of related files when the file was last read; empty to read it in any case."""

    def current(self) -> T:
        """The last good content. Never blocks once the file was loaded."""
        return self.load() if self.content is None else self.content

    def load(self) -> T:
        """Read the file now. Raises what `read` raises; the next refresh then reads it again."""
        before_read = self._look()
        try:
            content = self._read(self.path)
        except (ConfigError, OSError, ValueError) as error:
            self._seen, self.faults = {}, _faults_of(error, self.path)
            raise
        self._accept(content, self._states(content, before_read))
        return content

    def refresh(self) -> None:
        """Read the file if it changed since it was last read. The result of a `load` at the same time wins."""
        last_seen, before_read = self._seen, self._look()
        if before_read == last_seen:
            return
        try:
            content = self._read(self.path)
        except (ConfigError, OSError, ValueError) as error:
            if self._seen is last_seen:
                # Such a fault can go away without a change to the files seen so far: read again each time.
                retry = self._related is not None or isinstance(error, OSError | UnreadableError)
                self._seen = {} if retry else before_read
                self._reject(_faults_of(error, self.path))
            return
        states = self._states(content, before_read)
        # A file that changed during the read may have been read half written: the next refresh reads it again.
        if _state(self.path) == states[self.path] and self._seen is last_seen:
            self._accept(content, states)
            event(_log, logging.INFO, f"{self._description} loaded", file=printable(self.path))

    def _look(self) -> Mapping[Path, _State]:
        return {path: _state(path) for path in (self.path, *self._seen)}

    def _states(self, content: T, before_read: Mapping[Path, _State]) -> Mapping[Path, _State]:
        """The states of the file and of those that its content names: before the read, so that no change is missed."""
        paths = (self.path, *(self._related(content) if self._related else ()))
        return {path: before_read[path] if path in before_read else _state(path) for path in paths}

    def _accept(self, content: T, states: Mapping[Path, _State]) -> None:
        self._seen, self.content, self.faults, self.loaded_at = states, content, (), self._clock()

    def _reject(self, faults: tuple[str, ...]) -> None:
        if faults == self.faults:
            return
        self.faults = faults
        use = "not used" if self.content is None else "last good content stays in use"
        for fault in faults:
            event(_log, logging.WARNING, f"{self._description} has a fault, {use}", fault=fault)


def _state(path: Path) -> _State:
    """What differs after a file changed; None if there is no file or it cannot be accessed.

    Follows links: Kubernetes replaces what a link points to.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _faults_of(error: ConfigError | OSError | ValueError, path: Path) -> tuple[str, ...]:
    if isinstance(error, ConfigError):
        return tuple(map(str, error.faults))
    reason = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else error
    return (f"{printable(path)}: {reason}",)
