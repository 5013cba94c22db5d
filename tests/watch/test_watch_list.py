"""The watched tasks, from all that name some; of them, one shard's share."""

import logging
import ssl
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from exporter.config import Config, ReplicationDiscovery, Task
from exporter.config.model import Api
from exporter.credentials import FixedSecret, Secret
from exporter.ninedata import Reason, Replication, TaskRef
from exporter.shard import Shard
from exporter.snapshot import QueryFailure
from exporter.watch import Discovery, TaskFiles, WatchList
from exporter.watch.discovery import AFTER_TASKS, FIRST
from exporter.watch.watch_list import MAX_IDS_LOGGED
from tests.conftest import Lines
from tests.watch.files import content_of, put

pytestmark = pytest.mark.anyio

HUSH = FixedSecret(Secret("hush"))
API = Api("https://ninedata.example", HUSH, HUSH, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
ALL = Shard()


def named(*task_ids: str, name: str = "by the configuration") -> tuple[Task, ...]:
    return tuple(Task(TaskRef("data_compare", task_id, f"pcte-{task_id}"), name) for task_id in task_ids)


class List:
    """The list of replication tasks, as a test fills it."""

    def __init__(self, *task_ids: str) -> None:
        self.task_ids = task_ids
        self.failure: QueryFailure | None = None

    async def __call__(
        self, found: dict[str, Replication], _status: str | None, _deadline: float
    ) -> QueryFailure | None:
        found.update({task_id: Replication(task_id, "by discovery", "running") for task_id in self.task_ids})
        return self.failure


def watch_list(
    *tasks: Task,
    folder: Path | None = None,
    list_: List | None = None,
    shard: Shard = ALL,
    known: Mapping[str, Replication] | None = None,
) -> WatchList:
    files = TaskFiles([f"{folder}/*.yaml"] if folder else [])
    discovery = Discovery(ReplicationDiscovery(), list_, known) if list_ else None
    return WatchList(Config(API, tasks), shard, files, discovery)


def ids(tasks: tuple[Task, ...]) -> list[str]:
    return [task.task_id for task in tasks]


async def test_tasks_come_from_three_places(folder: Path) -> None:
    """In this order: the configuration, the files by their paths, discovery."""
    put(folder / "b.yaml", content_of("cd-3"))
    put(folder / "a.yaml", content_of("cd-2"))
    watch = watch_list(*named("cd-1"), folder=folder, list_=List("rp-1"))
    await watch.refresh()
    await watch.discover(0)
    assert ids(watch.tasks) == ["cd-1", "cd-2", "cd-3", "rp-1"]
    assert (ids(watch.listed), ids(watch.discovered)) == (["cd-1", "cd-2", "cd-3"], ["rp-1"])
    assert watch.counts() == Counter(data_compare=3, replication=1)
    assert [watch.find(task_id) for task_id in ids(watch.tasks)] == list(watch.tasks)
    assert all(watch.watches(task) for task in watch.tasks)
    assert watch.find("cd-9") is None


async def test_a_task_that_several_name_is_watched_once(folder: Path) -> None:
    """As the first of them has it; the files that name it again are told with it."""
    again = content_of("rp-1", "cd-1", "cd-2")
    put(folder / "a.yaml", content_of("cd-2", "cd-3"))
    put(folder / "b.yaml", again)
    watch = watch_list(*named("cd-1"), folder=folder, list_=List("cd-3", "rp-1", "rp-2"))
    await watch.refresh()
    discovered = await watch.discover(0)
    assert {task.task_id: task.name for task in watch.tasks} == {
        "cd-1": "by the configuration",
        "cd-2": "cd-2",
        "cd-3": "cd-3",
        "rp-1": "rp-1",
        "rp-2": "by discovery",
    }
    assert watch.repeated == {f"{folder}/b.yaml": ("cd-1", "cd-2")}
    assert ids(discovered.tasks) == ids(watch.discovered) == ["rp-2"]


async def test_a_task_named_again_is_logged_once(folder: Path, lines: Lines) -> None:
    """And again only where other ones are, not with every change of any file."""
    put(folder / "a.yaml", content_of("cd-1"))
    watch = watch_list(*named("cd-1"), folder=folder)

    async def told() -> list[object]:
        await watch.refresh()
        assert watch.tasks
        return [line["task_ids"] for line in lines() if "named before it" in str(line["msg"])]

    assert await told() == ["cd-1"]
    assert await told() == []
    put(folder / "b.yaml", content_of("cd-2"))
    assert await told() == []
    put(folder / "a.yaml", content_of("cd-1", "cd-2"))
    assert await told() == ["cd-2"]


async def test_many_tasks_named_again_do_not_flood_the_log(folder: Path, lines: Lines) -> None:
    task_ids = [f"cd-{number:03}" for number in range(500)]
    put(folder / "a.yaml", content_of(*task_ids))
    watch = watch_list(*named(*task_ids), folder=folder)
    await watch.refresh()
    assert watch.tasks
    assert lines()[-1]["task_ids"] == ",".join(task_ids[:MAX_IDS_LOGGED])


async def test_as_long_as_nothing_changes_it_is_the_same_object(folder: Path) -> None:
    """Scrapes at the same time are known for the same by it; what changes shows at once."""
    list_ = List("rp-1", "cd-5")
    put(folder / "a.yaml", content_of("cd-2"))
    watch = watch_list(*named("cd-1"), folder=folder, list_=list_)
    await watch.refresh()
    discovered = (await watch.discover(0)).tasks
    listed = watch.listed
    await watch.refresh()
    assert (await watch.discover(0)).tasks is watch.discovered is discovered
    assert watch.listed is listed
    put(folder / "b.yaml", content_of("cd-5"))
    await watch.refresh()
    assert (ids(watch.listed), ids(watch.discovered)) == (["cd-1", "cd-2", "cd-5"], ["rp-1"])
    (folder / "b.yaml").unlink()
    await watch.refresh()
    assert (ids(watch.listed), ids(watch.discovered)) == (["cd-1", "cd-2"], ["cd-5", "rp-1"])


async def test_a_failed_discovery_leaves_all_tasks() -> None:
    """Those that are named are no matter of it."""
    list_ = List("rp-1")
    watch = watch_list(*named("cd-1"), list_=list_)
    await watch.discover(0)
    list_.task_ids, list_.failure = (), QueryFailure(Reason.RATE_LIMITED, "wants a pause", asked=False)
    discovered = await watch.discover(0)
    assert discovered.failure is list_.failure
    assert ids(discovered.tasks) == ["rp-1"]
    assert watch.last_discovered is not None
    assert watch.last_discovered.failure is list_.failure
    assert ids(watch.tasks) == ["cd-1", "rp-1"]
    assert watch.discovery_turn == FIRST


async def test_without_discovery_nothing_is_discovered() -> None:
    watch = watch_list(*named("cd-1"))
    assert (watch.discovers, watch.last_discovered, watch.discovery_turn) == (False, None, AFTER_TASKS)
    assert dict(watch.known) == {}
    assert (await watch.discover(0)).tasks == watch.discovered == ()


async def test_each_task_is_in_one_shard(folder: Path) -> None:
    """Whatever names it; and each shard knows those of the others by their ids, to probe them."""
    put(folder / "a.yaml", content_of(*(f"cd-{number}" for number in range(10, 20))))
    shards = [
        watch_list(
            *named(*(f"cd-{number}" for number in range(10))),
            folder=folder,
            list_=List(*(f"rp-{number}" for number in range(10))),
            shard=Shard(index, 3),
        )
        for index in range(3)
    ]
    for watch in shards:
        await watch.refresh()
        assert ids((await watch.discover(0)).tasks) == ids(watch.discovered)
    found = Counter(task_id for watch in shards for task_id in ids(watch.tasks))
    assert found == Counter([f"cd-{n}" for n in range(20)] + [f"rp-{n}" for n in range(10)])
    assert all(len(watch.tasks) < 30 for watch in shards)
    for watch in shards:
        for task_id in found:
            task = watch.find(task_id)
            assert task is not None
            assert watch.watches(task) is (task_id in ids(watch.tasks))
    assert sum((watch.counts() for watch in shards), Counter()) == Counter(data_compare=20, replication=10)


async def test_another_task_of_the_same_id_is_not_watched() -> None:
    """As one that was probed with another precheck."""
    watch = watch_list(*named("cd-1"))
    assert not watch.watches(Task(TaskRef("data_compare", "cd-1", "pcte-other"), "by the configuration"))


async def test_a_file_named_again_is_told_without_a_scrape(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What a page shows does not depend on what was asked before."""
    caplog.set_level(logging.ERROR)
    put(folder / "a.yaml", content_of("cd-1"))
    watch = watch_list(*named("cd-1"), folder=folder)
    await watch.refresh()
    assert watch.repeated == {f"{folder}/a.yaml": ("cd-1",)}
