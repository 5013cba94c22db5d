"""The configuration in force, and its replacement by a reload."""

import asyncio
import contextlib
import logging
import resource
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import exporter.reload
from exporter.config import Config, ConfigError, Fault, load
from exporter.files import WatchedFile
from exporter.metrics import OwnMetrics, choose_format, render
from exporter.reload import Reloader
from exporter.running_config import RunningConfig, allow_open_files
from exporter.scraping.snapshot import QueryResult, Snapshot
from tests.conftest import Lines
from tests.scraping.fakes import GOOD, NOON, RUNNING, config_of, result, tasks

pytestmark = pytest.mark.anyio

sleep = asyncio.sleep


class Source:
    """What a reload loads after the configuration with the task `old`: another one, or an error."""

    def __init__(self) -> None:
        self.next: Config | Exception = config_of(*tasks("old"))
        self.loads = 0
        self.file = WatchedFile(Path("missing"), self.load, description="configuration", related=lambda _: ())
        self.file.load()
        self.next = config_of(*tasks("new"))

    def load(self, _: Path) -> Config:
        self.loads += 1
        time.sleep(0.02)  # long enough that the file is looked at meanwhile
        if isinstance(self.next, Exception):
            raise self.next
        return self.next


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are hundredths of them."""
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: sleep(seconds / 100))


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
async def reloader(source: Source) -> AsyncIterator[Reloader]:
    reloader = Reloader(source.file, OwnMetrics())
    await reloader.start()
    yield reloader
    await reloader.close()


@contextlib.contextmanager
def recorded_closes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RunningConfig]]:
    closed: list[RunningConfig] = []

    async def close(running: RunningConfig) -> None:
        closed.append(running)

    with monkeypatch.context() as patch:
        patch.setattr(RunningConfig, "close", close)
        yield closed


def watched(reloader: Reloader) -> list[str]:
    with reloader.lease() as running:
        return [task.task_id for task in running.watch_list.tasks]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await sleep(0.01)


def last_reload_successful(reloader: Reloader) -> bool:
    with reloader.lease() as running:
        text = render(Snapshot(()), running.own_metrics(), choose_format("")).decode()
    return "\nninedata_exporter_config_last_reload_successful 1.0\n" in text


async def test_a_request_keeps_its_config_until_it_ends(reloader: Reloader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connections are closed after the last request that uses it."""
    with recorded_closes(monkeypatch) as closed:
        with reloader.lease() as first, reloader.lease() as second:
            assert await reloader.reload() == ()
            assert watched(reloader) == ["new"]
            assert first is second
            assert [task.task_id for task in first.watch_list.tasks] == ["old"]
            assert closed == []
        await asyncio.sleep(0)
        assert closed == [first]


async def test_a_configuration_with_faults_changes_nothing(reloader: Reloader, source: Source, lines: Lines) -> None:
    """Metric, log and caller get the faults; the next good one clears them, without another request to reload."""
    lines()
    source.next = ConfigError([Fault("config.yaml", 3, "tasks", "must be a list")])
    assert await reloader.reload() == ("config.yaml:3: tasks: must be a list",) == reloader.faults
    assert (watched(reloader), last_reload_successful(reloader)) == (["old"], False)
    assert [line["fault"] for line in lines()] == ["config.yaml:3: tasks: must be a list"]
    source.next = config_of()
    await until(lambda: last_reload_successful(reloader))
    assert (watched(reloader), reloader.faults) == ([], ())


async def test_a_file_system_that_hangs_ends_the_reload_not_the_exporter(
    reloader: Reloader, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that wait for it do not become more. When it answers, the new configuration comes into force."""
    answers, waiting = threading.Event(), list[RunningConfig]()
    monkeypatch.setattr(exporter.reload, "LOAD_SECONDS", 0.05)

    def refresh_files(running: RunningConfig) -> None:
        if running.config is source.next:
            waiting.append(running)
            answers.wait(10)

    monkeypatch.setattr(RunningConfig, "refresh_files", refresh_files)
    assert await reloader.reload() == ("the configuration could not be read within 0.05 s",) == reloader.faults
    await asyncio.sleep(20)
    assert (watched(reloader), last_reload_successful(reloader)) == (["old"], False)
    assert len(waiting) <= 2
    answers.set()
    await until(lambda: watched(reloader) == ["new"])
    assert (reloader.faults, last_reload_successful(reloader)) == ((), True)


async def test_many_reloads_are_one(reloader: Reloader, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand SIGHUPs cause two: one that runs, and one for what may have changed since it began."""
    monkeypatch.setattr(RunningConfig, "refresh_files", lambda read: time.sleep(0.1 * (read.config is source.next)))
    source.loads = 0
    await reloader.reload()
    await asyncio.sleep(5)  # what watches the file saw it change, and sees that it is in force
    assert source.loads == 1
    first = reloader.reload()
    await asyncio.sleep(1)
    await asyncio.gather(first, *(reloader.reload() for _ in range(1000)))
    assert source.loads <= 3


async def test_history_and_the_pause_after_a_429_survive_a_reload(reloader: Reloader, source: Source) -> None:
    """Not if the new configuration names another server; nor that of what is no longer watched, or queried itself."""
    with reloader.lease() as before:
        before.client.rate_limit.hold(60)
        before.history.prechecks.record(result("old", GOOD))
        before.history.states.record(QueryResult(*tasks("new"), RUNNING, 0.1, NOON))
    await reloader.reload()
    with reloader.lease() as after:
        assert after.history is before.history
        assert after.client.rate_limit.held_seconds > 50
        after.forget_unwatched()
        assert after.history.prechecks.of(*tasks("old")) is after.history.states.of(*tasks("new")) is None
    config = config_of()
    source.next = replace(config, api=replace(config.api, base_url="https://other.example"))
    await reloader.reload()
    with reloader.lease() as other:
        assert other.history is not before.history
        assert other.client.rate_limit.held_seconds == 0


async def test_tasks_of_a_faulty_file_survive_a_reload(reloader: Reloader, source: Source, tmp_path: Path) -> None:
    path = tmp_path / "tasks.yaml"
    source.next = replace(config_of(), task_files=(str(path),))
    for text in ("[{task_id: rp-1, kind: replication}]", "faulty"):
        path.write_text(text)
        await reloader.reload()
        assert watched(reloader) == ["rp-1"]


@pytest.mark.parametrize("auto_reload", [True, False])
async def test_a_changed_file_is_put_into_force_or_waits_for_a_reload(
    tmp_path: Path, lines: Lines, *, auto_reload: bool
) -> None:
    """As Kubernetes changes it: by another link. A file with a fault changes nothing and is told."""
    path = tmp_path / "config.yaml"
    start = "api: {base_url: http://127.0.0.1:1, access_key_id: a, secret_key: b}\ntasks: "
    for name, task_id in (("old", "rp-1"), ("new", "rp-2")):
        (tmp_path / name).write_text(f"{start}[{{task_id: {task_id}, kind: replication}}]")
    (tmp_path / "bad").write_text("tasks: 1")
    path.symlink_to("old")
    file = WatchedFile(path, lambda path: load(path, {}), description="configuration", related=lambda _: ())
    file.load()
    reloader = Reloader(file, OwnMetrics(), auto_reload=auto_reload)
    await reloader.start()

    async def link_to(name: str) -> None:
        (tmp_path / "link").symlink_to(name)
        (tmp_path / "link").replace(path)

    await link_to("new")
    await until(lambda: reloader.waits_for_reload or watched(reloader) == ["rp-2"])
    assert reloader.waits_for_reload is not auto_reload
    await link_to("bad")
    await until(lambda: bool(reloader.faults) and last_reload_successful(reloader) is not auto_reload)
    told = "configuration changed and is not in force; reload it with SIGHUP or /-/reload"
    assert [line["msg"] for line in lines()].count(told) == int(not auto_reload)
    await link_to("old")
    await reloader.reload()
    assert (watched(reloader), last_reload_successful(reloader)) == (["rp-1"], True)
    assert (reloader.faults, reloader.waits_for_reload) == ((), False)
    await reloader.close()


def test_the_soft_limit_of_open_files_is_raised(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """To the hard limit, or to what is needed if there is none; the log says if it is too low."""
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    with caplog.at_level(logging.WARNING):
        allow_open_files(100)
        assert caplog.text == ""
        allow_open_files(1000)
    assert "lower api.concurrency or raise the limit" in caplog.text
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    allow_open_files(100)
    assert raised == [(1024, 1024), (1024, 1024), (700, resource.RLIM_INFINITY)]
