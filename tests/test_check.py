"""What --config.check finds: the faults of the configuration, or else of its task files."""

import os
from pathlib import Path

import pytest

from exporter.check import check, summary_of, warnings_of
from exporter.config import matching

API = "api: {base_url: https://ninedata.example, access_key_id: hush-ak, secret_key: hush-sk}\n"
TASKS = "tasks: [{task_id: cd-1, precheck_task_id: p}]\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that names the files beside it."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{API}{TASKS}task_files: ['*.tasks']\n")
    return path


def entry(task_id: str) -> str:
    return f"- {{task_id: {task_id}, precheck_task_id: p}}\n"


def faults(config: Path) -> list[str]:
    return [fault.replace(f"{config.parent}/", "") for fault in check(config, {}).faults]


@pytest.mark.parametrize(
    ("more", "summary"),
    [
        ("", "1 task"),
        ("task_files: [none.tasks]\n", "1 task"),
        ("task_files: [a.tasks]\n", "2 tasks, with those of 1 task file,"),
        ("task_files: ['*.tasks']\n", "3 tasks, with those of 2 task files,"),
        ("discovery: {replication: {enabled: true}}\n", "1 task and the replication tasks that are discovered"),
        (
            "task_files: ['*.tasks']\ndiscovery: {replication: {enabled: true}}\n",
            "3 tasks, with those of 2 task files, and the replication tasks that are discovered",
        ),
    ],
)
def test_a_good_configuration_is_summed_up(config: Path, more: str, summary: str) -> None:
    """With what is watched from all three places."""
    config.write_text(f"{API}{TASKS}{more}")
    for name, task_id in (("a", "cd-2"), ("b", "cd-3")):
        (config.parent / f"{name}.tasks").write_text(entry(task_id))
    checked = check(config, {})
    assert checked.faults == ()
    assert checked.config is not None
    assert summary_of(checked, checked.config) == f"{summary} to watch at https://ninedata.example"


@pytest.mark.parametrize(
    ("more", "warnings"),
    [
        (TASKS, []),
        ("discovery: {replication: {enabled: true}}\n", []),
        ("task_files: [a.tasks]\n", []),
        (f"{TASKS}task_files: [a.tasks, 'b*.tasks', c.tasks]\n", ["b*.tasks", "c.tasks"]),
        ("discovery: {replication: {enabled: true}}\ntask_files: ['b*.tasks']\n", ["b*.tasks"]),
        ("", [None]),
        ("task_files: [empty.tasks]\n", [None]),
        ("task_files: ['b*.tasks']\n", ["b*.tasks", None]),
    ],
)
def test_what_is_hardly_meant_is_told(config: Path, more: str, warnings: list[str | None]) -> None:
    """Each pattern that matches no file, and that nothing is watched; neither is a fault."""
    config.write_text(f"{API}{more}")
    (config.parent / "a.tasks").write_text(entry("cd-2"))
    (config.parent / "empty.tasks").write_text("[]")
    checked = check(config, {})
    assert checked.faults == ()
    assert checked.config is not None
    assert warnings_of(checked, checked.config) == [
        f"no task file matches {config.parent}/{pattern}"
        if pattern
        else "no task is watched; see the key tasks of the configuration"
        for pattern in warnings
    ]


def test_the_faults_of_the_configuration_come_first(config: Path) -> None:
    """Without it, nobody knows which files count."""
    (config.parent / "a.tasks").write_text("nonsense")
    config.write_text(f"{API}tasks: [{{task_id: cd-1}}]\ntask_files: ['*.tasks']\n")
    assert faults(config) == ["config.yaml:2: tasks[0].precheck_task_id: is missing"]
    assert check(config, {}).config is None


def test_every_fault_of_every_file_is_told(config: Path) -> None:
    """Tasks that are named before them included."""
    (config.parent / "a.tasks").write_text(entry("cd-2") + entry("cd-1"))
    (config.parent / "b.tasks").write_text("- {task_id: cd-3}\n- {}\n")
    (config.parent / "c.tasks").write_text("")
    (config.parent / "d.tasks").write_text(entry("cd-2"))
    (config.parent / "e.tasks").symlink_to("nowhere")
    Path(os.fsdecode(os.fsencode(config.parent) + b"/f\xff.tasks")).touch()
    assert faults(config) == [
        "f\\xff.tasks: the name is not UTF-8 text",
        "a.tasks: the task id cd-1 is already named before this file",
        "b.tasks:1: [0].precheck_task_id: is missing",
        "b.tasks:2: [1].task_id: is missing",
        "b.tasks:2: [1].precheck_task_id: is missing",
        "c.tasks: is empty; write [] where it is to have no tasks",
        "d.tasks: the task id cd-2 is already named before this file",
        "e.tasks: cannot be read: No such file or directory",
    ]


def test_a_folder_that_cannot_be_listed_is_a_fault(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be files in it."""

    def refuse(_path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(matching.os, "scandir", refuse)
    assert check(config, {}).faults == (f"{config.parent}: cannot be listed: Permission denied",)
