"""Looks at files, and file systems that hang."""

import asyncio
import threading
import time

import pytest

from exporter.look import Look

pytestmark = pytest.mark.anyio


class Files:
    """What is looked at; hangs on demand."""

    def __init__(self) -> None:
        self.looks = 0
        self.answering = threading.Event()
        self.answering.set()
        self.ended = threading.Semaphore(0)

    def look(self) -> None:
        self.looks += 1
        assert self.answering.wait(30)
        self.ended.release()


async def test_each_refresh_is_a_look(caplog: pytest.LogCaptureFixture) -> None:
    """And is no news."""
    files = Files()
    look = Look(files.look, "files")
    for _ in range(3):
        await look.refresh()
    assert files.looks == 3
    assert not caplog.records


async def test_a_look_that_hangs_is_waited_for_once(caplog: pytest.LogCaptureFixture) -> None:
    """No second one is begun, nobody else waits, and the log says when it began and ended."""
    caplog.set_level("INFO")
    files = Files()
    look = Look(files.look, "files")
    files.answering.clear()
    began = time.monotonic()
    await look.refresh(0.2)
    assert 0.15 < time.monotonic() - began < 1
    began = time.monotonic()
    for _ in range(10):
        await look.refresh(5)
    assert time.monotonic() - began < 0.2
    assert files.looks == 1
    files.answering.set()
    while len(caplog.records) < 2:
        await asyncio.sleep(0.01)
        await look.refresh()
    assert [record.message for record in caplog.records] == [
        "files cannot be looked at in time; what was known of them stays in use",
        "files can be looked at again",
    ]
    looks = files.looks
    await look.refresh()
    assert files.looks == looks + 1


async def test_a_slow_look_is_no_news_each_time(caplog: pytest.LogCaptureFixture) -> None:
    """Where every look takes longer than anybody waits, what the last one found is there, and a new one begins."""
    caplog.set_level("INFO")
    files = Files()
    look = Look(files.look, "files")
    for count in range(1, 4):
        files.answering.clear()
        await look.refresh(0.05)
        assert files.looks == count
        files.answering.set()
        await asyncio.to_thread(files.ended.acquire, timeout=30)
        await asyncio.sleep(0.05)
    assert [record.message for record in caplog.records] == [
        "files cannot be looked at in time; what was known of them stays in use"
    ]


async def test_looks_at_the_same_time_are_one() -> None:
    """Two hundred scrapers at once do not mean as many threads."""
    files = Files()
    look = Look(files.look, "files")
    files.answering.clear()
    asyncio.get_running_loop().call_later(0.05, files.answering.set)
    await asyncio.gather(*(look.refresh(10) for _ in range(200)))
    assert files.looks == 1


async def test_a_bug_that_a_look_meets_costs_that_look(caplog: pytest.LogCaptureFixture) -> None:
    """The log has all of it, who asked goes on, and the next look is one as ever."""
    looks = []

    def look_once() -> None:
        looks.append(True)
        if len(looks) == 1:
            raise KeyError("something of the inside")

    look = Look(look_once, "files")
    await look.refresh()
    await look.refresh()
    assert len(looks) == 2
    (record,) = caplog.records
    assert record.exc_info
