"""A file of its own with a list of tasks."""

import os
from pathlib import Path

import pytest

from exporter.config import ConfigError, UnreadableError, load_task_file
from exporter.ninedata import TaskRef


def faults(path: Path) -> list[str]:
    """What is wrong with a file, without its folder."""
    with pytest.raises(ConfigError) as caught:
        load_task_file(path)
    return [str(fault).replace(f"{path.parent}/", "") for fault in caught.value.faults]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tasks.yaml"


def test_its_entries_are_those_of_the_configuration(path: Path) -> None:
    """In YAML, and so in JSON."""
    path.write_text("- {task_id: cd-1, precheck_task_id: p, name: orders, labels: {team: dba}}\n")
    (task,) = load_task_file(path)
    assert (task.ref, task.name, dict(task.labels)) == (
        TaskRef("data_compare", "cd-1", "p"),
        "orders",
        {"team": "dba"},
    )
    path.write_text('[{"task_id": "rp-1", "kind": "replication"}, {"task_id": 5, "precheck_task_id": 6}]')
    assert [task.ref for task in load_task_file(path)] == [
        TaskRef("replication", "rp-1", ""),
        TaskRef("data_compare", "5", "6"),
    ]


def test_it_may_have_no_tasks(path: Path) -> None:
    """Where it says so."""
    path.write_text("[]")
    assert load_task_file(path) == ()


@pytest.mark.parametrize("content", ["", "\n", "# later\n", "---\n", "---\n...\n"])
def test_one_that_is_empty_may_be_being_written(path: Path, content: str) -> None:
    path.write_text(content)
    assert faults(path) in (
        ["tasks.yaml: is empty; write [] where it is to have no tasks"],
        ["tasks.yaml:1: must be a list of tasks"],
        ["tasks.yaml:2: must be a list of tasks"],
    )


@pytest.mark.parametrize("content", ["tasks: []", "cd-1", "null", "5"])
def test_it_is_a_list(path: Path, content: str) -> None:
    path.write_text(content)
    assert faults(path) == ["tasks.yaml:1: must be a list of tasks"]


def test_all_of_its_faults_are_named_with_their_places(path: Path) -> None:
    """In the order of the file."""
    path.write_text(
        "- {task_id: cd-1, precheck_task_id: p}\n"
        "- {task_id: cd 2, precheck_task_id: p}\n"
        "- cd-3\n"
        "- {task_id: rp-4, kind: replication, precheck_task_id: p}\n"
        "- {task_id: cd-1, precheck_task_id: q, labels: {task: x}}\n"
    )
    assert faults(path) == [
        "tasks.yaml:2: [1].task_id: has characters that an id cannot have; ids look like cd-tg3isu1xgs",
        "tasks.yaml:3: [2]: must be a mapping of keys, not text",
        "tasks.yaml:4: [3].precheck_task_id: a task of kind replication has no precheck id: leave it out",
        "tasks.yaml:5: [4].labels.task: is a reserved label name",
        "tasks.yaml:5: [4].task_id: the same task id is already on line 1",
    ]


def test_one_that_cannot_be_read_is_told_from_one_that_is_wrong(path: Path) -> None:
    """For it may be readable the next time although it is the same."""
    with pytest.raises(UnreadableError) as caught:
        load_task_file(path)
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


def test_what_is_no_file_is_not_opened(path: Path) -> None:
    """To open a pipe would wait for whoever writes to it."""
    os.mkfifo(path)
    assert faults(path) == ["tasks.yaml: is no regular file"]
    path.unlink()
    path.mkdir()
    assert faults(path) == ["tasks.yaml: is no regular file"]
