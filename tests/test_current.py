"""Reloads: what they replace, what they leave, and what is closed when."""

import asyncio
import json
import logging
import ssl
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from exporter import current as current_module
from exporter import exporter as exporter_module
from exporter.config import Config, ConfigError, Fault, ReplicationDiscovery, Task
from exporter.config.model import Api
from exporter.credentials import FixedSecret, Secret
from exporter.current import MAX_FAULTS_LOGGED, Current
from exporter.exporter import Lasting
from exporter.ninedata import TaskRef
from exporter.shard import Shard

pytestmark = pytest.mark.anyio

HUSH = FixedSecret(Secret("hush"))
API = Api("https://ninedata.example", HUSH, HUSH, ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
OTHER_API = replace(API, base_url="https://other.example")


def watching(*task_ids: str, api: Api = API, **changes: object) -> Config:
    return Config(api, tuple(Task(TaskRef("data_compare", task_id, "p"), task_id) for task_id in task_ids), **changes)


class Transport(httpx.AsyncBaseTransport):
    """Answers every request with a page of the list, and keeps book."""

    def __init__(self) -> None:
        self.requests = 0
        self.wants_pause = False
        self.closed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        del request
        self.requests += 1
        if self.wants_pause:
            return httpx.Response(429, headers={"retry-after": "60"})
        data = [{"replicationId": "rp-1", "name": "orders", "status": "running"}]
        page = json.dumps({"success": True, "data": data, "total": 1}).encode()
        return httpx.Response(200, stream=httpx.ByteStream(page))

    async def aclose(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1


@pytest.fixture
def transports(monkeypatch: pytest.MonkeyPatch) -> list[Transport]:
    """All that were opened, in their order."""
    opened: list[Transport] = []

    def open_transport(*_: object) -> Transport:
        opened.append(Transport())
        return opened[-1]

    monkeypatch.setattr(exporter_module, "open_transport", open_transport)
    return opened


class Loading:
    """The configuration as a test has it; counts how often it was read."""

    def __init__(self) -> None:
        self.config: Config | Exception = watching("cd-1")
        self.count = 0
        self.begun = threading.Event()
        self.released = threading.Event()
        self.released.set()

    def __call__(self) -> Config:
        self.count += 1
        found = self.config
        self.begun.set()
        assert self.released.wait(60)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def loading() -> Loading:
    return Loading()


@pytest.fixture
def lasting() -> Lasting:
    return Lasting(Shard(0, 1))


@pytest.fixture
async def current(transports: list[Transport], loading: Loading, lasting: Lasting) -> AsyncIterator[Current]:
    del transports
    running = Current(watching("cd-1"), lasting, loading)
    yield running
    loading.released.set()
    await running.close()


def watched(current: Current) -> list[str]:
    with current.lease() as exporter:
        return [task.task_id for task in exporter.watch.tasks]


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def broken(*messages: str) -> ConfigError:
    return ConfigError([Fault("config.yaml", line, "tasks", message) for line, message in enumerate(messages, 1)])


def reload_metrics(lasting: Lasting) -> dict[str, float]:
    found = {sample.name: sample.value for metric in lasting.process.collect() for sample in metric.samples}
    return {
        name.removeprefix("ninedata_exporter_config_last_reload_"): value
        for name, value in found.items()
        if "_config_last_reload_" in name
    }


async def test_a_reload_puts_the_new_configuration_into_force(current: Current, loading: Loading) -> None:
    """For whoever comes from then on."""
    loading.config = watching("cd-2", "cd-3")
    assert await current.reload() == ()
    assert watched(current) == ["cd-2", "cd-3"]


async def test_who_came_before_keeps_what_there_was(
    current: Current, loading: Loading, transports: list[Transport]
) -> None:
    """And its connections, which are closed once when the last one of them goes."""
    with current.lease() as first, current.lease() as second:
        loading.config = watching("cd-2")
        await current.reload()
        assert first is second
        assert [task.task_id for task in first.watch.tasks] == ["cd-1"]
        await settled()
        assert [transport.closed for transport in transports] == [0, 0]
        with current.lease() as third:
            assert third is not first
    await settled()
    assert [transport.closed for transport in transports] == [1, 0]


async def test_no_connections_are_left(current: Current, transports: list[Transport]) -> None:
    """However many reloads there were."""
    for _ in range(50):
        with current.lease():
            await current.reload()
    await settled()
    assert [transport.closed for transport in transports] == [1] * 50 + [0]
    await current.close()
    assert transports[-1].closed == 1


async def test_a_broken_configuration_changes_nothing(
    current: Current, loading: Loading, lasting: Lasting, caplog: pytest.LogCaptureFixture
) -> None:
    """All that is wrong is told: in the answer, on the page, in the log and in the metrics; until it is mended."""
    before = reload_metrics(lasting)
    assert before["successful"] == 1
    loading.config = broken("must be a list", "is wrong, too")
    faults = ("config.yaml:1: tasks: must be a list", "config.yaml:2: tasks: is wrong, too")
    assert await current.reload() == current.faults == faults
    assert watched(current) == ["cd-1"]
    assert reload_metrics(lasting) == before | {"successful": 0}
    assert [(entry.levelname, vars(entry)["fields"]["fault"]) for entry in caplog.records] == [
        ("ERROR", fault) for fault in faults
    ]
    assert {entry.message for entry in caplog.records} == {
        "configuration not reloaded; the one before it stays in force"
    }
    loading.config = watching("cd-2")
    assert await current.reload() == current.faults == ()
    assert watched(current) == ["cd-2"]
    after = reload_metrics(lasting)
    assert after["successful"] == 1
    assert after["success_timestamp_seconds"] > before["success_timestamp_seconds"]


async def test_a_fault_of_the_exporter_is_told_as_one(
    current: Current, loading: Loading, lasting: Lasting, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody shall take a reload for done that was not; the log has all of it."""
    loading.config = KeyError("something of the inside")
    faults = await current.reload()
    assert faults == ("the configuration: KeyError in the exporter; its log has more",)
    assert current.faults == faults
    assert reload_metrics(lasting)["successful"] == 0
    assert [record for record in caplog.records if record.exc_info]
    assert watched(current) == ["cd-1"]


async def test_so_is_one_that_shows_when_the_configuration_is_put_into_force(
    current: Current, loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one before it stays."""
    loading.config = watching("cd-2")
    monkeypatch.setattr("exporter.current.open_exporter", lambda *_: {}["something of the inside"])
    assert await current.reload() == ("the configuration: KeyError in the exporter; its log has more",)
    assert watched(current) == ["cd-1"]


async def test_very_many_faults_do_not_flood_the_log(
    current: Current, loading: Loading, caplog: pytest.LogCaptureFixture
) -> None:
    """Who asked for the reload gets them all."""
    loading.config = broken(*["is wrong"] * 500)
    assert len(await current.reload()) == 500
    assert len(caplog.records) == MAX_FAULTS_LOGGED + 1
    assert vars(caplog.records[-1])["fields"] == {"more": 500 - MAX_FAULTS_LOGGED}


async def test_a_file_system_that_hangs_holds_up_no_reload_for_ever(
    current: Current, loading: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up as any fault; meanwhile all is as it was, and the next one works."""
    monkeypatch.setattr(current_module, "LOAD_SECONDS", 0.05)
    loading.released.clear()
    for _ in range(20):
        assert await current.reload() == ("the configuration: not read within 0.05 s",)
    assert watched(current) == ["cd-1"]
    monkeypatch.setattr(current_module, "LOAD_SECONDS", 30)
    loading.released.set()
    loading.config = watching("cd-2")
    assert await current.reload() == ()
    assert watched(current) == ["cd-2"]


async def test_reloads_that_are_wanted_while_one_is_under_way_are_one(
    current: Current, loading: Loading, transports: list[Transport]
) -> None:
    """Each gets the answer about a configuration that was read after it asked."""
    loading.released.clear()
    first = asyncio.create_task(current.reload())
    assert await asyncio.to_thread(loading.begun.wait, 30)
    loading.config = broken("is wrong since")
    others = [asyncio.create_task(current.reload()) for _ in range(100)]
    await settled()
    loading.released.set()
    assert await first == ()
    assert await asyncio.gather(*others) == [("config.yaml:1: tasks: is wrong since",)] * 100
    assert loading.count == 2
    assert len(transports) == 2


async def test_a_reload_goes_on_without_the_one_who_wanted_it(current: Current, loading: Loading) -> None:
    """A client that goes away leaves nothing half done, and others their answer."""
    loading.released.clear()
    loading.config = watching("cd-2")
    first = asyncio.create_task(current.reload())
    await settled()
    first.cancel()
    second = asyncio.create_task(current.reload())
    await settled()
    second.cancel()
    third = asyncio.create_task(current.reload())
    loading.released.set()
    assert await third == ()
    assert watched(current) == ["cd-2"]


async def test_the_end_does_not_wait_for_a_reload(current: Current, loading: Loading) -> None:
    """Nor does anything go on after it."""
    before = asyncio.all_tasks()
    loading.released.clear()
    reload = asyncio.create_task(current.reload())
    await settled()
    async with asyncio.timeout(10):
        await current.close()
        with pytest.raises(asyncio.CancelledError):
            await reload
    assert asyncio.all_tasks() == before


async def test_the_end_waits_for_connections_that_are_being_closed(
    current: Current, transports: list[Transport]
) -> None:
    """None is cut off in the middle."""
    await current.reload()
    await current.close()
    assert [transport.closed for transport in transports] == [1, 1]


def soon() -> float:
    """A deadline that no test reaches."""
    return asyncio.get_running_loop().time() + 3600


@pytest.mark.parametrize(("api", "kept"), [(API, True), (replace(API, concurrency=1), True), (OTHER_API, False)])
async def test_what_is_known_of_a_server_is_not_taken_for_another(
    current: Current, loading: Loading, api: Api, kept: object
) -> None:
    """The last results and the discovered tasks belong to the server at `base_url`, whenever they come."""
    loading.config = watching("cd-1", discovery=ReplicationDiscovery())
    await current.reload()
    with current.lease() as exporter:
        await exporter.scrape(soon())
        assert watched(current) == ["cd-1", "rp-1"]
        loading.config = watching("cd-1", api=api, discovery=ReplicationDiscovery(names=("*",)))
        await current.reload()
        await exporter.scrape(soon())
    assert watched(current) == (["cd-1", "rp-1"] if kept else ["cd-1"])
    with current.lease() as exporter:
        assert (exporter.known.get("cd-1") is not None) is kept
        assert (exporter.known.get("rp-1") is not None) is kept


@pytest.mark.parametrize(("api", "kept"), [(API, True), (OTHER_API, False)])
async def test_a_pause_that_the_server_wants_outlives_reloads(
    current: Current, loading: Loading, transports: list[Transport], api: Api, kept: object
) -> None:
    """As long as it is the same server."""
    transports[0].wants_pause = True
    with current.lease() as exporter:
        await exporter.scrape(soon())
    loading.config = watching("cd-1", "cd-2", api=api)
    for _ in range(3):
        await current.reload()
    with current.lease() as exporter:
        await exporter.scrape(soon())
    assert transports[-1].requests == (0 if kept else 2)


async def test_files_are_looked_at_before_the_reload_is_over(
    current: Current, loading: Loading, tmp_path: Path
) -> None:
    """Their tasks are in the next scrape."""
    (tmp_path / "a.yaml").write_text("- {task_id: cd-7, precheck_task_id: p}\n")
    loading.config = watching("cd-1", task_files=(f"{tmp_path}/*.yaml",))
    await current.reload()
    assert watched(current) == ["cd-1", "cd-7"]


async def test_what_is_watched_now_is_logged(
    current: Current, loading: Loading, caplog: pytest.LogCaptureFixture
) -> None:
    """After each reload, as after the start."""
    caplog.set_level(logging.INFO)
    loading.config = watching("cd-2")
    await current.reload()
    assert [entry.message for entry in caplog.records] == ["configuration reloaded", "watching tasks", "watching"]
    assert vars(caplog.records[-1])["fields"]["task_id"] == "cd-2"


async def test_the_shard_stays(transports: list[Transport], loading: Loading) -> None:
    """It is a flag, and no key."""
    del transports
    task_ids = [f"cd-{number}" for number in range(50)]
    loading.config = watching(*task_ids)
    shards = [Current(watching(), Lasting(Shard(index, 3)), loading) for index in range(3)]
    for shard in shards:
        await shard.reload()
    assert sorted(task_id for shard in shards for task_id in watched(shard)) == sorted(task_ids)
    for shard in shards:
        await shard.close()
