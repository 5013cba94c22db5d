"""Task files are found by patterns and read again when they change."""

import os
from pathlib import Path

import pytest

from exporter.scraping.task_files import TaskFiles
from tests.conftest import Lines


def entry(*task_ids: str) -> str:
    return "".join(f"- {{task_id: {task_id}, precheck_task_id: p}}\n" for task_id in task_ids)


def ids(files: TaskFiles) -> dict[str, list[str]]:
    """The task ids of each file, by the file's name."""
    return {Path(file.path).name: [task.task_id for task in file.tasks] for file in files.current}


def faults(files: TaskFiles) -> list[str]:
    """The faults of all files, without their folder."""
    return [fault.rpartition("tasks.d")[2].lstrip("/") for file in files.current for fault in file.faults]


@pytest.fixture
def files(folder: Path) -> TaskFiles:
    """The files `*.yaml` of an empty folder."""
    return TaskFiles([f"{folder}/*.yaml"])


def test_files_come_change_and_go(files: TaskFiles, folder: Path, lines: Lines) -> None:
    """Each with a line in the log."""
    files.refresh()
    files.refresh()
    assert (files.current, files.unmatched) == ((), (f"{folder}/*.yaml",))
    assert lines() == [{"msg": "no task file matches", "level": "WARNING", "pattern": f"{folder}/*.yaml"}]
    (folder / "b.yaml").write_text(entry("cd-1", "cd-2"))
    (folder / "a.yaml").write_text("[]")
    files.refresh()
    assert ids(files) == {"a.yaml": [], "b.yaml": ["cd-1", "cd-2"]}
    assert files.unmatched == ()
    assert [line["msg"] for line in lines()] == ["task file loaded", "task file loaded"]
    (folder / "b.yaml").write_text(entry("cd-3"))
    (folder / "a.yaml").unlink()
    files.refresh()
    assert ids(files) == {"b.yaml": ["cd-3"]}
    assert [line["msg"] for line in lines()] == ["task file is gone", "task file loaded"]


def test_a_file_with_a_fault_keeps_its_last_good_tasks(files: TaskFiles, folder: Path) -> None:
    """An empty file, and a link to nothing, have a fault too; other files are not affected."""
    (folder / "a.yaml").write_text(entry("cd-1"))
    (folder / "b.yaml").write_text(entry("cd-2"))
    (folder / "c.yaml").write_text("- {name: cd-3}\n")
    files.refresh()
    (folder / "a.yaml").write_text("")
    (folder / "b.yaml").unlink()
    (folder / "b.yaml").symlink_to("nowhere")
    files.refresh()
    assert ids(files) == {"a.yaml": ["cd-1"], "b.yaml": ["cd-2"], "c.yaml": []}
    assert faults(files) == [
        "a.yaml: is empty; write [] for no tasks",
        "b.yaml: cannot be read: No such file or directory",
        "c.yaml:1: [0].task_id: is missing: the console's list of tasks has it",
    ]
    (folder / "a.yaml").write_text("[]")
    files.refresh()
    assert ids(files)["a.yaml"] == []


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("?.y*l", ["a.yaml", "b.yaml"]),
        ("[a]*.yaml", ["a.yaml"]),
        ("*/*.yaml", ["sub/c.yaml"]),
        ("missing/*.yaml", []),
        ("a.yaml/*", []),
    ],
)
def test_patterns_are_those_of_a_shell(folder: Path, pattern: str, matching: list[str]) -> None:
    """`*` matches neither hidden files nor folders. A file that several patterns match counts once."""
    (folder / "sub").mkdir()
    for name in ("a.yaml", "b.yaml", ".hidden.yaml", "sub/c.yaml"):
        (folder / name).write_text("[]")
    files = TaskFiles([f"{folder}/{pattern}", f"{folder}/{pattern}"])
    files.refresh()
    assert [file.path.removeprefix(f"{folder}/") for file in files.current] == matching


def test_a_name_that_is_not_utf8_can_be_shown(files: TaskFiles, folder: Path) -> None:
    """One such file must not break metrics and pages."""
    name = Path(os.fsdecode(os.fsencode(folder) + b"/f\xff.yaml"))
    name.write_text("")
    files.refresh()
    assert faults(files) == ["f\\xff.yaml: is empty; write [] for no tasks"]


def test_a_source_is_unread_until_it_was_read_whole_once(folder: Path) -> None:
    """Of files that are named without a wildcard, and of all that match. A reload keeps what was read."""
    (folder / "fault.yaml").write_text("- {name: cd-3}\n")
    (folder / "link.yaml").symlink_to("nowhere")
    patterns = [f"{folder}/*.yaml", f"{folder}/named", f"{folder}/none/*"]
    files = TaskFiles(patterns)
    files.refresh()
    assert files.unread == tuple(f"{folder}/{name}" for name in ("fault.yaml", "link.yaml", "named"))
    for name in ("fault.yaml", "nowhere", "named"):
        (folder / name).write_text("[]")
    files.refresh()
    assert files.unread == ()
    (folder / "fault.yaml").write_text("")
    for name in ("nowhere", "named"):
        (folder / name).unlink()
    files.refresh()
    reloaded = TaskFiles([*patterns, f"{folder}/new"], files)
    reloaded.refresh()
    assert (files.unread, reloaded.unread) == ((), (f"{folder}/new",))


def test_files_in_a_folder_that_cannot_be_listed_stay(
    files: TaskFiles, folder: Path, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    """They may still be there; the folder's fault is logged once, until it can be listed again."""
    (folder / "a.yaml").write_text(entry("cd-1"))
    files.refresh()
    lines()

    def refuse(_path: str, **_options: object) -> object:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refuse)
        files.refresh()
        files.refresh()
        started = TaskFiles([f"{folder}/*.yaml"])
        started.refresh()
    assert (files.unread, started.unread) == ((), (str(folder),))
    assert ids(files) == {"tasks.d": [], "a.yaml": ["cd-1"]}
    assert faults(files) == [": cannot be listed: Permission denied"]
    fault = f"{folder}: cannot be listed: Permission denied"
    assert lines().count({"msg": "task files may be missing", "level": "WARNING", "fault": fault}) == 2
    files.refresh()
    assert ids(files) == {"a.yaml": ["cd-1"]}


def test_what_was_known_before_a_reload_stays_in_use(folder: Path, lines: Lines) -> None:
    """Unchanged files are not read again; one with a fault keeps its tasks; one without a pattern does not."""
    (folder / "sub").mkdir()
    for name in ("a.yaml", "b.yaml", "sub/c.yaml"):
        (folder / name).write_text(entry(f"cd-{name[0]}"))
    before = TaskFiles([f"{folder}/*.yaml", f"{folder}/*/*.yaml"])
    before.refresh()
    lines()
    (folder / "a.yaml").write_text("")
    after = TaskFiles([f"{folder}/[a-z].yaml"], before)
    after.refresh()
    assert ids(after) == {"a.yaml": ["cd-a"], "b.yaml": ["cd-b"]}
    assert faults(after) == ["a.yaml: is empty; write [] for no tasks"]
    assert [line["msg"] for line in lines()] == [
        "task file is gone",
        "task file has a fault, last good content stays in use",
    ]
    assert set(ids(before)) == {"a.yaml", "b.yaml", "c.yaml"}
