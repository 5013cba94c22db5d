"""Task files: read again when they change, and never worse for a broken one."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.config import matching
from exporter.look import LOOK_SECONDS
from exporter.watch import TaskFiles, task_files
from exporter.watch.task_files import MAX_FAULTS_LOGGED
from tests.conftest import Lines
from tests.watch.files import content_of, put

pytestmark = pytest.mark.anyio

LATER = 1767323045.5
FAULT = "task file has a fault; its last good content, if any, stays in use"


@pytest.fixture
def files(folder: Path) -> TaskFiles:
    return TaskFiles([f"{folder}/*.yaml"], wall_clock=lambda: LATER)


def ids(files: TaskFiles) -> dict[str, list[str]]:
    """The ids of each file, by its name."""
    return {Path(file.path).name: [task.task_id for task in file.tasks] for file in files.current}


def faults(files: TaskFiles) -> list[str]:
    """What is wrong with all of them, without their folder."""
    return [fault.replace(f"{Path(file.path).parent}/", "") for file in files.current for fault in file.faults]


async def test_files_are_read_when_they_come_change_and_go(files: TaskFiles, folder: Path, lines: Lines) -> None:
    """Each is told once."""
    await files.refresh()
    assert ids(files) == {}
    put(folder / "b.yaml", content_of("cd-1", "cd-2"))
    put(folder / "a.yaml", content_of("cd-3"))
    await files.refresh()
    assert ids(files) == {"a.yaml": ["cd-3"], "b.yaml": ["cd-1", "cd-2"]}
    assert [file.loaded_at for file in files.current] == [LATER, LATER]
    put(folder / "b.yaml", content_of("cd-9"))
    (folder / "a.yaml").unlink()
    for _ in range(3):
        await files.refresh()
    assert ids(files) == {"b.yaml": ["cd-9"]}
    read = {"msg": "task file read", "level": "INFO"}
    assert lines() == [
        {"msg": "no task file matches", "level": "WARNING", "pattern": f"{folder}/*.yaml"},
        read | {"file": f"{folder}/a.yaml", "tasks": 1},
        read | {"file": f"{folder}/b.yaml", "tasks": 2},
        read | {"file": f"{folder}/b.yaml", "tasks": 1},
        {"msg": "task file is gone", "level": "INFO", "file": f"{folder}/a.yaml"},
    ]


async def test_as_long_as_nothing_changes_it_is_the_same_object(
    files: TaskFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no file is read."""
    put(folder / "a.yaml", content_of("cd-1"))
    put(folder / "b.yaml", "nonsense")
    await files.refresh()
    before = files.current
    monkeypatch.setattr(task_files, "load_task_file", None)
    await files.refresh()
    assert files.current is before


async def test_without_patterns_there_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no task files pays nothing for them."""
    monkeypatch.setattr(asyncio, "to_thread", None)
    files = TaskFiles([])
    await files.refresh()
    assert files.current == ()


async def test_a_file_is_changed_in_place(files: TaskFiles, folder: Path) -> None:
    """Editors do so."""
    (folder / "a.yaml").write_text(content_of("cd-1"))
    await files.refresh()
    (folder / "a.yaml").write_text(content_of("cd-1", "cd-2"))
    await files.refresh()
    assert ids(files) == {"a.yaml": ["cd-1", "cd-2"]}


async def test_a_file_is_changed_through_a_link_that_is_moved(files: TaskFiles, folder: Path) -> None:
    """As Kubernetes does it: the files are links through a link to a folder, which is replaced."""
    for name, content in (("..1", content_of("cd-1")), ("..2", content_of("cd-2"))):
        (folder / name).mkdir()
        (folder / name / "a.yaml").write_text(content)
    (folder / "..data").symlink_to("..1")
    (folder / "a.yaml").symlink_to("..data/a.yaml")
    await files.refresh()
    assert ids(files) == {"a.yaml": ["cd-1"]}
    (folder / "..data.new").symlink_to("..2")
    (folder / "..data.new").replace(folder / "..data")
    await files.refresh()
    assert ids(files) == {"a.yaml": ["cd-2"]}


BROKEN = {
    "no list": (b"tasks: []\n", ["a.yaml:1: must be a list of tasks"]),
    "no YAML": (b"- {task_id: cd-1\n- ", ["a.yaml:2: is not valid YAML: expected ',' or '}', but got '<stream end>'"]),
    "empty": (b"", ["a.yaml: is empty; write [] where it is to have no tasks"]),
    "blank": (b"# nothing\n\n", ["a.yaml: is empty; write [] where it is to have no tasks"]),
    "not UTF-8": (b"- task_id: cd-1\n  precheck_task_id: p\n  name: b\xfcro\n", ["a.yaml:3: is not UTF-8 text"]),
    "a wrong id": (
        b"- {task_id: cd 1, precheck_task_id: p}\n",
        ["a.yaml:1: [0].task_id: has characters that an id cannot have; ids look like cd-tg3isu1xgs"],
    ),
    "an unknown key": (
        b"- {task_id: cd-1, precheck_task_id: p, labels: {}, tags: {}}\n",
        ["a.yaml:1: [0].tags: is not a known key"],
    ),
    "two faults": (
        b"- {task_id: cd-1}\n- {precheck_task_id: p, kind: other}\n",
        [
            "a.yaml:1: [0].precheck_task_id: is missing",
            "a.yaml:2: [1].task_id: is missing",
            "a.yaml:2: [1].kind: must be one of data_compare, schema_compare, replication",
        ],
    ),
    "a task twice": (
        content_of("cd-1", "cd-2", "cd-1").encode(),
        ["a.yaml:6: [2].task_id: the same task id is already on line 2"],
    ),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_broken_file_keeps_its_last_good_content(
    files: TaskFiles, folder: Path, lines: Lines, what: str
) -> None:
    """What is wrong is known and told once; when it is mended, that is all."""
    content, expected = BROKEN[what]
    put(folder / "a.yaml", content_of("cd-7"))
    await files.refresh()
    put(folder / "a.yaml", content)
    lines()
    for _ in range(3):
        await files.refresh()
    assert ids(files) == {"a.yaml": ["cd-7"]}
    assert faults(files) == expected
    assert [(line["msg"], line["level"], line["fault"]) for line in lines()] == [
        (FAULT, "WARNING", f"{folder}/{fault}") for fault in faults(files)
    ]
    put(folder / "a.yaml", content_of("cd-8"))
    await files.refresh()
    assert (ids(files), faults(files)) == ({"a.yaml": ["cd-8"]}, [])


@pytest.mark.parametrize("what", BROKEN)
async def test_a_file_that_is_broken_from_the_start_has_no_tasks(files: TaskFiles, folder: Path, what: str) -> None:
    """It is there with what is wrong, and the other files are whole."""
    put(folder / "a.yaml", BROKEN[what][0])
    put(folder / "b.yaml", content_of("cd-1"))
    await files.refresh()
    assert ids(files) == {"a.yaml": [], "b.yaml": ["cd-1"]}
    assert len(faults(files)) >= 1
    assert files.current[0].loaded_at is None


async def test_no_tasks_can_be_said(files: TaskFiles, folder: Path) -> None:
    """By an empty list."""
    put(folder / "a.yaml", content_of("cd-1"))
    await files.refresh()
    put(folder / "a.yaml", "[]\n")
    await files.refresh()
    assert (ids(files), faults(files)) == ({"a.yaml": []}, [])


async def test_a_file_of_many_faults_does_not_flood_the_log(files: TaskFiles, folder: Path, lines: Lines) -> None:
    """The first are told, the others counted; all are known."""
    put(folder / "a.yaml", "- {}\n" * 50)
    await files.refresh()
    assert len(faults(files)) == 100
    told = lines()
    assert [line["msg"] for line in told] == [FAULT] * MAX_FAULTS_LOGGED + ["task file has more faults"]
    assert told[-1]["more"] == 100 - MAX_FAULTS_LOGGED


async def test_a_folder_is_no_file(files: TaskFiles, folder: Path) -> None:
    """Nor is a pipe, which to open would take for ever."""
    (folder / "a.yaml").mkdir()
    os.mkfifo(folder / "b.yaml")
    put(folder / "c.yaml", content_of("cd-1"))
    await files.refresh()
    assert faults(files) == ["a.yaml: is no regular file", "b.yaml: is no regular file"]
    assert ids(files)["c.yaml"] == ["cd-1"]


async def test_a_link_that_leads_nowhere_keeps_the_content(files: TaskFiles, folder: Path) -> None:
    """The file is not gone as long as the link is there."""
    put(folder / "a.txt", content_of("cd-1"))
    (folder / "a.yaml").symlink_to("a.txt")
    await files.refresh()
    (folder / "a.txt").unlink()
    await files.refresh()
    assert (ids(files), faults(files)) == (
        {"a.yaml": ["cd-1"]},
        ["a.yaml: cannot be read: No such file or directory"],
    )


Break = Callable[[type[OSError] | None], None]


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Lets reading of files fail, although they are there and as they were."""
    real = Path.open
    failing: list[type[OSError]] = []

    def open_(path: Path, mode: str = "r") -> object:
        for error in failing:
            raise error(13, "Permission denied")
        return real(path, mode)

    monkeypatch.setattr(Path, "open", open_)
    return lambda error: failing.__setitem__(slice(None), [error] if error else [])


async def test_a_file_that_could_not_be_read_is_tried_again(
    files: TaskFiles, folder: Path, reading: Break, lines: Lines
) -> None:
    """Although it is still the same file: too many open files may be none the next time."""
    put(folder / "a.yaml", content_of("cd-1"))
    await files.refresh()
    put(folder / "a.yaml", content_of("cd-2"))
    reading(PermissionError)
    lines()
    for _ in range(3):
        await files.refresh()
    assert (ids(files), faults(files)) == ({"a.yaml": ["cd-1"]}, ["a.yaml: cannot be read: Permission denied"])
    assert len(lines()) == 1
    reading(None)
    await files.refresh()
    assert (ids(files), faults(files)) == ({"a.yaml": ["cd-2"]}, [])


async def test_a_file_that_is_written_while_it_is_read_is_not_believed(
    files: TaskFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read may be its first half, which is a list of tasks as well."""
    path = folder / "a.yaml"
    put(path, content_of("cd-1", "cd-2"))
    await files.refresh()
    real = task_files.load_task_file

    def written_meanwhile(read: Path) -> object:
        found = real(read)
        path.write_text(content_of("cd-1", "cd-2", "cd-3"))
        return found

    monkeypatch.setattr(task_files, "load_task_file", written_meanwhile)
    path.write_text(content_of("cd-1"))
    await files.refresh()
    assert ids(files) == {"a.yaml": ["cd-1", "cd-2"]}
    assert faults(files) == ["a.yaml: was written to while it was read; it is read again"]
    monkeypatch.setattr(task_files, "load_task_file", real)
    await files.refresh()
    assert (ids(files), faults(files)) == ({"a.yaml": ["cd-1", "cd-2", "cd-3"]}, [])


async def test_a_folder_that_cannot_be_listed_keeps_its_files(
    files: TaskFiles, folder: Path, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    """They are asked for by their names, the folder's trouble is told, and goes when it is over."""
    put(folder / "a.yaml", content_of("cd-1"))
    put(folder / "b.yaml", content_of("cd-2"))
    await files.refresh()
    lines()

    def refuse(_path: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(matching.os, "scandir", refuse)
        patched.setattr(matching.glob, "glob", lambda _pattern: [])
        put(folder / "a.yaml", content_of("cd-3"))
        (folder / "b.yaml").unlink()
        for _ in range(2):
            await files.refresh()
        assert ids(files) == {"tasks.d": [], "a.yaml": ["cd-3"]}
        assert faults(files) == ["tasks.d: cannot be listed: Permission denied"]
    await files.refresh()
    assert (ids(files), faults(files)) == ({"a.yaml": ["cd-3"]}, [])
    assert [line["msg"] for line in lines()].count(FAULT) == 1


async def test_a_folder_that_may_not_be_entered_keeps_its_files(
    files: TaskFiles, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they are still there cannot be told."""
    put(folder / "a.yaml", content_of("cd-1"))
    await files.refresh()

    def refuse(_path: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(task_files, "file_state", refuse)
        patched.setattr(matching.glob, "glob", lambda _pattern: [])
        await files.refresh()
        assert (ids(files), faults(files)) == ({"a.yaml": ["cd-1"]}, ["a.yaml: cannot be read: Permission denied"])
    await files.refresh()
    assert (ids(files), faults(files)) == ({"a.yaml": ["cd-1"]}, [])


async def test_what_was_known_before_a_reload_stays(folder: Path, lines: Lines) -> None:
    """A broken file has its last good content, without a look, and one that did not change is not read again."""
    before = TaskFiles([f"{folder}/*.yaml"], wall_clock=lambda: LATER)
    put(folder / "a.yaml", content_of("cd-1"))
    put(folder / "b.yaml", content_of("cd-2"))
    await before.refresh()
    put(folder / "b.yaml", "")
    await before.refresh()
    lines()
    after = TaskFiles([f"{folder}/*.yaml"], before.current)
    assert ids(after) == {"a.yaml": ["cd-1"], "b.yaml": ["cd-2"]}
    await after.refresh()
    assert after.current == before.current
    assert lines() == []


@pytest.mark.parametrize("pattern", ["[b].yaml", "other/*.yaml", ".*.yaml", "*/a.yaml"])
async def test_what_no_pattern_matches_any_more_goes(folder: Path, pattern: str) -> None:
    """At a reload with other patterns, at once."""
    before = TaskFiles([f"{folder}/*.yaml"])
    put(folder / "a.yaml", content_of("cd-1"))
    await before.refresh()
    after = TaskFiles([f"{folder}/{pattern}"], before.current)
    assert after.current == ()
    await after.refresh()
    assert after.current == ()


async def test_a_hidden_file_goes_with_the_pattern_for_hidden_files(folder: Path) -> None:
    put(folder / ".a.yaml", content_of("cd-1"))
    before = TaskFiles([f"{folder}/.*.yaml"])
    await before.refresh()
    assert ids(before) == {".a.yaml": ["cd-1"]}
    after = TaskFiles([f"{folder}/*.yaml"], before.current)
    await after.refresh()
    assert ids(after) == {}


class HangingFiles(TaskFiles):
    """A file system that hangs until it is released."""

    def __init__(self, folder: Path) -> None:
        super().__init__([f"{folder}/*.yaml"])
        self.released = threading.Event()
        self.released.set()
        self.looks = 0

    def look(self) -> None:
        self.looks += 1
        assert self.released.wait(60)
        super().look()


@pytest.fixture
def hanging(folder: Path) -> Iterator[HangingFiles]:
    files = HangingFiles(folder)
    yield files
    files.released.set()


async def test_a_file_system_that_hangs_costs_a_second_once(hanging: HangingFiles, folder: Path, lines: Lines) -> None:
    """What was known stays; it is told once, and so is that it is over; no further threads are spent on it."""
    put(folder / "a.yaml", content_of("cd-1"))
    await hanging.refresh()
    hanging.released.clear()
    put(folder / "a.yaml", content_of("cd-2"))
    lines()
    began = time.monotonic()
    await hanging.refresh()
    assert LOOK_SECONDS * 0.9 < time.monotonic() - began < LOOK_SECONDS * 5
    assert ids(hanging) == {"a.yaml": ["cd-1"]}
    began = time.monotonic()
    for _ in range(100):
        await hanging.refresh()
    assert time.monotonic() - began < LOOK_SECONDS
    assert hanging.looks == 2
    hanging.released.set()
    async with asyncio.timeout(30):
        while ids(hanging) != {"a.yaml": ["cd-2"]}:
            await asyncio.sleep(0.01)
            await hanging.refresh()
    assert [(line["msg"], line["level"]) for line in lines() if "looked at" in str(line["msg"])] == [
        ("task files cannot be looked at in time; what was known of them stays in use", "WARNING"),
        ("task files can be looked at again", "INFO"),
    ]


async def test_the_one_who_waits_says_how_long(hanging: HangingFiles) -> None:
    """A scraper that has a second in all cannot spend it on files."""
    hanging.released.clear()
    began = time.monotonic()
    await hanging.refresh(0.05)
    assert time.monotonic() - began < LOOK_SECONDS
    hanging.released.set()  # for the end of the event loop waits for the thread


async def test_those_who_come_at_the_same_time_share_a_look(hanging: HangingFiles, folder: Path) -> None:
    """And all of them see what it found."""
    put(folder / "a.yaml", content_of("cd-1"))
    await asyncio.gather(*(hanging.refresh() for _ in range(20)))
    assert hanging.looks == 1
    assert ids(hanging) == {"a.yaml": ["cd-1"]}


async def test_one_who_goes_away_leaves_the_look_to_the_others(hanging: HangingFiles, folder: Path) -> None:
    put(folder / "a.yaml", content_of("cd-1"))
    hanging.released.clear()
    first, second = (asyncio.create_task(hanging.refresh(30)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    hanging.released.set()
    await second
    assert ids(hanging) == {"a.yaml": ["cd-1"]}
