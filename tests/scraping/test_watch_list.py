"""The watched tasks, merged from the configuration, task files and discovery."""

from pathlib import Path

import pytest

from exporter.config import DiscoverySettings, Task
from exporter.ninedata import ListedTask, TaskRef
from exporter.scraping.discovery import Discovery
from exporter.scraping.shard import Shard
from exporter.scraping.task_files import TaskFiles
from exporter.scraping.watch_list import WatchList
from tests.conftest import Lines
from tests.scraping.fakes import config_of, discovered, tasks


@pytest.fixture
def task_files(folder: Path) -> TaskFiles:
    (folder / "a.yaml").write_text(
        "- {task_id: cd-1, precheck_task_id: p-9}\n- {task_id: cd-2, precheck_task_id: p-2}\n"
    )
    (folder / "b.yaml").write_text("- {task_id: cd-2, precheck_task_id: p-9}\n- {task_id: rp-1, kind: replication}\n")
    files = TaskFiles([f"{folder}/*.yaml"])
    files.refresh()
    return files


@pytest.fixture
def discovery() -> Discovery:
    known = {task_id: ListedTask(task_id, f"{task_id}-name", "running") for task_id in ("rp-1", "rp-2")}
    return discovered(known)


def test_a_task_that_several_sources_name_is_the_first_one_s(
    task_files: TaskFiles, discovery: Discovery, folder: Path
) -> None:
    """The configuration, then the files by their paths, then discovery."""
    watch_list = WatchList(config_of(*tasks("cd-1")), Shard(), task_files, [discovery])
    assert [(task.task_id, task.ref.precheck_task_id, task.name) for task in watch_list.tasks] == [
        ("cd-1", "pcte-cd-1", "cd-1"),
        ("cd-2", "p-2", "cd-2"),
        ("rp-1", "", "rp-1"),
        ("rp-2", "", "rp-2-name"),
    ]
    assert watch_list.repeated == {f"{folder}/a.yaml": ("cd-1",), f"{folder}/b.yaml": ("cd-2",)}
    assert watch_list.counts() == {"data_compare": 2, "schema_compare": 0, "replication": 2}
    assert watch_list.unread == ()


def test_while_a_source_is_unread_tasks_are_missing(task_files: TaskFiles, folder: Path) -> None:
    """The kinds that they may have are not counted."""
    watch_list = WatchList(config_of(), Shard(), task_files, [Discovery(DiscoverySettings("replication"))])
    (unread,) = watch_list.unread
    assert unread.startswith("list of replication tasks: ")
    assert watch_list.counts() == {"data_compare": 2, "schema_compare": 0}
    (folder / "c.yaml").write_text("nonsense")
    watch_list.refresh()
    assert watch_list.unread == (f"task file {folder}/c.yaml", unread)
    assert watch_list.counts() == {}


def test_repeated_task_ids_are_logged_once(task_files: TaskFiles, lines: Lines, folder: Path) -> None:
    watch_list = WatchList(config_of(), Shard(), task_files, [])
    (folder / "c.yaml").write_text("[]")
    watch_list.refresh()
    assert len(watch_list.tasks) == 3
    assert [(line["file"], line["task_ids"]) for line in lines() if "task_ids" in line] == [
        (f"{folder}/b.yaml", "cd-2")
    ]


def test_a_shard_watches_its_share_and_finds_every_task(task_files: TaskFiles, discovery: Discovery) -> None:
    """Any shard can answer a probe of any task. Another precheck of a task is not watched."""
    other = Task(TaskRef("data_compare", "cd-1", "pcte-new"), "cd-1")
    shards = [WatchList(config_of(*tasks("cd-1")), Shard(index, 3), task_files, [discovery]) for index in range(3)]
    assert sorted(task.task_id for shard in shards for task in shard.tasks) == ["cd-1", "cd-2", "rp-1", "rp-2"]
    for shard in shards:
        found = [task for task_id in ("cd-1", "cd-2", "rp-1", "rp-2") if (task := shard.find(task_id))]
        assert (len(found), shard.watches(other)) == (4, False)
        assert {task.task_id for task in found if shard.watches(task)} == {task.task_id for task in shard.tasks}
    assert shards[0].find("cd-404") is None
