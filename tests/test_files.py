"""Files are read again when they change, and one with a fault keeps its last good content."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from exporter.faults import ConfigError, Fault, UnreadableError
from exporter.files import WatchedFile, read_file
from exporter.threads import refresh_in_thread
from tests.conftest import Lines


class Watched:
    """A watched file whose content is text; `bad` in it is a fault. A line `with NAME` names a related file."""

    def __init__(self, path: Path, *, related: bool = False) -> None:
        self.path = path
        self.reads = 0
        self.error: Exception | None = None
        self.error_after_reading: Exception | None = None
        self.while_reading: Callable[[], object] = lambda: None
        self.file = WatchedFile(
            path, self._read, description="text file", related=self._related if related else None, clock=lambda: 1000.0
        )

    def _read(self, path: Path) -> str:
        self.reads += 1
        if self.error is not None:
            raise self.error
        text = read_file(path, 1000).decode()
        self.while_reading()
        if self.error_after_reading:
            raise self.error_after_reading
        for related in self._related(text):
            if not related.exists():
                raise ConfigError([Fault(str(path), 1, "with", f"there is no {related.name}")])
        if "bad" in text:
            raise ConfigError([Fault(str(path), number, "key", "is bad") for number in range(1, text.count("bad") + 1)])
        return text

    def _related(self, text: str) -> Iterable[Path]:
        return [self.path.with_name(line[5:]) for line in text.splitlines() if line.startswith("with ")]

    def refresh(self) -> str | None:
        self.file.refresh()
        return self.file.content


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("one")
    return path


@pytest.fixture
def watched(path: Path) -> Watched:
    """A watched file that was loaded."""
    watched = Watched(path)
    assert watched.file.load() == "one"
    return watched


def test_a_file_is_read_again_only_when_it_changes(watched: Watched, lines: Lines) -> None:
    """Changed in place, replaced, or changed to the same size with the same modification time."""
    assert [watched.refresh(), watched.refresh(), watched.reads, lines()] == ["one", "one", 1, []]
    watched.path.write_text("number two")
    assert watched.refresh() == "number two"
    assert lines() == [{"msg": "text file loaded", "level": "INFO", "file": str(watched.path)}]
    watched.path.with_name("new").write_text("three")
    watched.path.with_name("new").replace(watched.path)
    assert watched.refresh() == "three"
    before = watched.path.stat()
    watched.path.write_text("seven")
    while watched.path.stat().st_ctime_ns == before.st_ctime_ns:  # a clock of files may tick every 10 ms only
        watched.path.touch()
    os.utime(watched.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [watched.refresh(), watched.refresh(), watched.reads] == ["seven", "seven", 4]


def test_a_fault_keeps_the_last_good_content_and_is_logged_once(watched: Watched, lines: Lines) -> None:
    """The file is not read again until it changes; a second fault is logged again."""
    watched.path.write_text("bad text")
    assert [watched.refresh(), watched.refresh(), watched.reads] == ["one", "one", 2]
    assert watched.file.faults == (f"{watched.path}:1: key: is bad",)
    fault = {"msg": "text file has a fault, last good content stays in use", "level": "WARNING"}
    assert lines() == [fault | {"fault": f"{watched.path}:1: key: is bad"}]
    watched.path.write_text("good again")
    assert (watched.refresh(), watched.file.faults, watched.file.loaded_at) == ("good again", (), 1000.0)
    watched.path.unlink()
    assert [watched.refresh(), watched.refresh()] == ["good again", "good again"]
    assert [line.get("fault") for line in lines()] == [
        None,
        f"{watched.path}: cannot be read: No such file or directory",
    ]


def test_a_file_that_was_never_good_has_no_content(path: Path, lines: Lines) -> None:
    """Each of its faults is logged."""
    path.write_text("bad" * 12)
    watched = Watched(path)
    assert (watched.refresh(), len(watched.file.faults), watched.file.loaded_at) == (None, 12, None)
    assert [line["msg"] for line in lines()] == ["text file has a fault, not used"] * 12


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "FILE: cannot be read: Too many open files"),
        (UnreadableError([Fault("file", None, "", "cannot be read: no")]), "file: cannot be read: no"),
    ],
)
def test_an_unreadable_file_is_tried_each_time(watched: Watched, lines: Lines, error: Exception, fault: str) -> None:
    """It may become readable without a change."""
    watched.path.write_text("number two")
    watched.error = error
    assert [watched.refresh(), watched.refresh()] == ["one", "one"]
    assert watched.file.faults == (fault.replace("FILE", str(watched.path)),)
    watched.error = None
    assert watched.refresh() == "number two"
    assert len(lines()) == 2


def test_a_file_that_changes_while_it_is_read_is_read_again(watched: Watched) -> None:
    """What was read may be half of the file."""
    watched.path.write_text("half")
    watched.while_reading = lambda: watched.path.write_text("the whole")
    assert watched.refresh() == "one"
    watched.while_reading = lambda: None
    assert watched.refresh() == "the whole"


@pytest.mark.parametrize("error", [None, ValueError("no")])
def test_what_is_loaded_while_a_refresh_reads_counts(watched: Watched, error: Exception | None) -> None:
    """A reload is asked for and the file watcher sees the same change."""
    loaded: list[str] = []

    def load() -> None:
        watched.while_reading = lambda: None
        loaded.append(watched.file.load())
        watched.error_after_reading = error

    watched.path.write_text("number two")
    watched.while_reading = load
    assert watched.refresh() is loaded[0]
    assert watched.refresh() is loaded[0]
    assert (watched.file.faults, watched.reads) == ((), 3)


def test_a_change_of_a_related_file_reads_the_file_again(path: Path) -> None:
    """As of a certificate that a web configuration names."""
    (path.with_name("certificate")).write_text("1")
    path.write_text("with certificate")
    watched = Watched(path, related=True)
    watched.file.load()
    watched.refresh()
    assert watched.reads == 1
    path.with_name("certificate").write_text("number 2")
    watched.refresh()
    assert watched.reads == 2
    path.write_text("with key")
    assert (watched.refresh(), len(watched.file.faults)) == ("with certificate", 1)
    path.with_name("key").write_text("1")
    assert (watched.refresh(), watched.file.faults) == ("with key", ())


@pytest.mark.parametrize(
    ("name", "reason"),
    [("pipe", "not a regular file"), ("/dev/zero", "not a regular file"), ("big", "larger than 9 bytes")],
)
def test_only_regular_files_of_a_limited_size_are_read(tmp_path: Path, name: str, reason: str) -> None:
    """Reading a pipe could block forever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big").write_bytes(b"0123456789")
    with pytest.raises(OSError, match=reason):
        read_file(tmp_path / name, 9)


@pytest.mark.anyio
async def test_a_file_system_that_hangs_is_told_once(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    """Only this refresh waits for it."""
    wait = asyncio.wait
    monkeypatch.setattr(asyncio, "wait", lambda tasks, timeout=None: wait(tasks, timeout=timeout and timeout / 100))
    answers = threading.Event()
    refreshing = asyncio.create_task(refresh_in_thread(lambda: bool(answers.wait(10))))
    await asyncio.sleep(0.2)
    assert [line["msg"] for line in lines()] == ["file system does not answer, using the last known file contents"]
    answers.set()
    await refreshing
    assert [line["msg"] for line in lines()] == ["file system answers again"]


@pytest.mark.anyio
async def test_a_bug_while_a_file_is_read_is_logged_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def refresh() -> None:
        raise KeyError

    await refresh_in_thread(refresh)
    assert caplog.records[0].message == "internal error while reading a file"
    assert caplog.records[0].exc_info
