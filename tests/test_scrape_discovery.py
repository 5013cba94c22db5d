"""A scrape that discovers tasks: turns, sharing, and what becomes of those that come and go."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from exporter.config import Task
from exporter.last_known import LastKnown
from exporter.ninedata import Precheck, QueryError, Reason, TaskRef
from exporter.scrape import Scraper, Targets
from exporter.snapshot import Discovered, QueryFailure, Snapshot
from exporter.watch.discovery import FIRST, LAST
from tests.fake_client import GOOD, FakeClient, after, hung, in_time, outcomes, raising, settled, very_soon, watched

pytestmark = pytest.mark.anyio

REFUSED = QueryFailure(Reason.AUTH, "HTTP 401")
NOT_FOUND = QueryError(Reason.NOT_FOUND, "replication not found")


def replications(*task_ids: str) -> tuple[Task, ...]:
    return tuple(Task(TaskRef("replication", task_id, ""), f"name of {task_id}") for task_id in task_ids)


class List:
    """Discovery that finds what the test says, once the test lets it. Keeps book in the client's books."""

    def __init__(self, client: FakeClient, *tasks: Task, failure: QueryFailure | None = None) -> None:
        self.client = client
        self.found = Discovered(tasks, failure, 0.25)
        self.released = asyncio.Event()
        self.released.set()
        self.deadlines: list[float] = []

    async def discover(self, deadline: float) -> Discovered:
        self.deadlines.append(deadline)
        self.client.asked.append("list")
        self.client.running += 1
        self.client.most_running = max(self.client.most_running, self.client.running)
        try:
            async with asyncio.timeout_at(deadline):
                await self.released.wait()
        except TimeoutError:
            return Discovered(self.found.tasks, QueryFailure(Reason.DEADLINE, "no complete answer"), 1.0)
        finally:
            self.client.running -= 1
        return self.found


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def known() -> LastKnown:
    return LastKnown()


@pytest.fixture
def scraper(client: FakeClient, known: LastKnown) -> Scraper:
    return Scraper(client, concurrency=3, known=known)


def ids(snapshot: Snapshot) -> list[str]:
    return [result.task.task_id for result in snapshot.results]


async def test_new_tasks_are_in_the_scrape_that_discovers_them(scraper: Scraper, client: FakeClient) -> None:
    """After those that are named, each queried once, whether or not it was known."""
    deadline = in_time()
    list_ = List(client, *replications("rp-1", "rp-2"))
    snapshot = await scraper.scrape(Targets(watched("a"), replications("rp-1"), list_.discover), deadline)
    assert outcomes(snapshot) == {"a": GOOD, "rp-1": GOOD, "rp-2": GOOD}
    assert ids(snapshot) == ["a", "rp-1", "rp-2"]
    assert sorted(client.asked) == ["a", "list", "rp-1", "rp-2"]
    assert snapshot.discovered == list_.found
    assert list_.deadlines == [deadline]
    assert set(client.deadlines) == {deadline}


async def test_gone_tasks_are_not_in_the_scrape_that_misses_them(scraper: Scraper, client: FakeClient) -> None:
    """Although they were queried while the list was read."""
    list_ = List(client, *replications("rp-2"))
    snapshot = await scraper.scrape(Targets((), replications("rp-1", "rp-2"), list_.discover), in_time())
    assert ids(snapshot) == ["rp-2"]
    assert "rp-1" in client.asked


async def test_known_tasks_are_queried_while_the_list_is_read(scraper: Scraper, client: FakeClient) -> None:
    """A list that takes long takes nothing of their time."""
    list_ = List(client, *replications("rp-1"))
    list_.released.clear()
    scrape = asyncio.create_task(scraper.scrape(Targets(watched("a"), replications("rp-1"), list_.discover), in_time()))
    await settled()
    assert sorted(client.asked) == ["a", "list", "rp-1"]
    assert client.running == 1
    list_.released.set()
    assert ids(await scrape) == ["a", "rp-1"]


async def test_a_failed_discovery_is_in_the_snapshot(scraper: Scraper, client: FakeClient) -> None:
    """With the tasks that it leaves, which are queried as ever."""
    list_ = List(client, *replications("rp-1"), failure=REFUSED)
    snapshot = await scraper.scrape(Targets(watched("a"), replications("rp-1"), list_.discover), in_time())
    assert outcomes(snapshot) == {"a": GOOD, "rp-1": GOOD}
    assert snapshot.discovered == list_.found


async def test_without_discovery_there_is_no_word_of_it(scraper: Scraper) -> None:
    assert (await scraper.scrape(Targets(watched("a")), in_time())).discovered is None


@pytest.mark.parametrize("concurrency", [1, 2, 32])
async def test_a_hanging_list_costs_the_tasks_nothing(client: FakeClient, known: LastKnown, concurrency: int) -> None:
    """Even where only one request may be in flight; and the answer leaves at the deadline."""
    list_ = List(client, *replications("rp-1"))
    list_.released.clear()
    scraper = Scraper(client, concurrency=concurrency, known=known)
    tasks = watched(*(f"cd-{number}" for number in range(50)))
    async with asyncio.timeout(30):
        snapshot = await scraper.scrape(Targets(tasks, replications("rp-1"), list_.discover), very_soon())
    assert outcomes(snapshot) == dict.fromkeys([task.task_id for task in tasks] + ["rp-1"], GOOD)
    assert snapshot.discovered is not None
    assert snapshot.discovered.failure is not None


async def test_no_more_than_the_permitted_number_at_once(client: FakeClient, known: LastKnown) -> None:
    """The list is one of them, and what it finds takes the places that become free."""
    event = asyncio.Event()
    new = replications(*(f"rp-{number}" for number in range(10)))
    tasks = watched("a", "b")
    client.answers = {task.task_id: after(event) for task in new + tasks}
    list_ = List(client, *new)
    scraper = Scraper(client, concurrency=3, known=known)
    scrape = asyncio.create_task(scraper.scrape(Targets(tasks, (), list_.discover), in_time()))
    await settled()
    assert client.running == 3
    assert client.asked == ["a", "b", "list", "rp-0"]
    event.set()
    assert len((await scrape).results) == 12
    assert client.most_running == 3


async def test_new_tasks_take_all_places_that_are_free(client: FakeClient, known: LastKnown) -> None:
    """Those that nobody needed before, too."""
    event = asyncio.Event()
    new = replications(*(f"rp-{number}" for number in range(10)))
    client.answers = {task.task_id: after(event) for task in new}
    scraper = Scraper(client, concurrency=7, known=known)
    scrape = asyncio.create_task(scraper.scrape(Targets((), (), List(client, *new).discover), in_time()))
    await settled()
    assert client.running == 7
    event.set()
    await scrape


async def test_turns(client: FakeClient, known: LastKnown) -> None:
    """Discovery comes after the tasks but before those that hung; where it hung, last; where it had no turn, first."""
    scraper = Scraper(client, concurrency=1, known=known)
    list_ = List(client)
    tasks = watched(*"abc")
    client.answers["b"] = raising(QueryError(Reason.TIMEOUT, "no answer"))
    await scraper.scrape(Targets(tasks), in_time())

    async def order(*turn: tuple[bool, float]) -> list[str]:
        client.asked.clear()
        await scraper.scrape(Targets(tasks, (), list_.discover, *turn), in_time())
        return client.asked[:]

    assert await order() == ["a", "c", "list", "b"]
    assert await order(LAST) == ["a", "c", "b", "list"]
    assert await order(FIRST) == ["list", "a", "c", "b"]


async def test_new_tasks_do_not_wait_for_those_that_hung(client: FakeClient, known: LastKnown) -> None:
    """Nobody knows yet that they would hang."""
    scraper = Scraper(client, concurrency=1, known=known)
    tasks = watched("a", "b")
    client.answers["a"] = raising(QueryError(Reason.TIMEOUT, "no answer"))
    await scraper.scrape(Targets(tasks), in_time())
    client.asked.clear()
    await scraper.scrape(Targets(tasks, (), List(client, *replications("rp-1", "rp-2")).discover), in_time())
    assert client.asked == ["b", "list", "rp-1", "rp-2", "a"]


async def test_identical_scrapes_share_one_discovery(scraper: Scraper, client: FakeClient) -> None:
    """Whatever the order of turns was when each came."""
    list_ = List(client, *replications("rp-1"))
    deadline = in_time()
    first, second = await asyncio.gather(
        scraper.scrape(Targets(watched("a"), (), list_.discover), deadline),
        scraper.scrape(Targets(watched("a"), (), list_.discover, LAST), deadline),
    )
    assert first is second
    assert sorted(client.asked) == ["a", "list", "rp-1"]


async def test_a_scrape_that_discovers_is_none_that_does_not(scraper: Scraper, client: FakeClient) -> None:
    list_ = List(client, *replications("rp-1"))
    deadline = in_time()
    first, second = await asyncio.gather(
        scraper.scrape(Targets(watched("a"), (), list_.discover), deadline),
        scraper.scrape(Targets(watched("a")), deadline),
    )
    assert (ids(first), ids(second)) == (["a", "rp-1"], ["a"])


async def test_a_scraper_that_goes_away_takes_its_discovery_along(scraper: Scraper, client: FakeClient) -> None:
    """Nothing goes on for nobody."""
    before = asyncio.all_tasks()
    list_ = List(client)
    list_.released.clear()
    client.answers["a"] = hung
    scrape = asyncio.create_task(scraper.scrape(Targets(watched("a"), (), list_.discover), in_time()))
    await settled()
    scrape.cancel()
    await asyncio.wait([scrape])
    await settled()
    assert asyncio.all_tasks() == before
    assert client.running == 0


async def test_a_task_that_is_named_and_discovered_is_queried_once(scraper: Scraper, client: FakeClient) -> None:
    """As when the file that named it goes while the list is read."""
    named = Task(TaskRef("replication", "rp-1", ""), "by its file")
    list_ = List(client, *replications("rp-1"))
    snapshot = await scraper.scrape(Targets((named,), (), list_.discover), in_time())
    assert ids(snapshot) == ["rp-1"]
    assert client.asked.count("rp-1") == 1


Messages = Callable[[], list[tuple[str, object]]]


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> Messages:
    """What was logged since it was last asked, with the task."""
    caplog.set_level(logging.INFO)

    def since() -> list[tuple[str, object]]:
        found = [(entry.message, vars(entry)["fields"].get("task_id")) for entry in caplog.records]
        caplog.clear()
        return found

    return since


async def test_a_task_that_is_gone_is_no_query_that_fails(
    scraper: Scraper, client: FakeClient, known: LastKnown, messages: Messages
) -> None:
    """The API no longer knows what was deleted: nobody needs to be told to mend that."""
    tasks = replications("rp-1", "rp-2")
    await scraper.scrape(Targets((), tasks, List(client, *tasks).discover), in_time())
    assert len(messages()) == 2
    client.answers["rp-1"] = raising(NOT_FOUND)
    await scraper.scrape(Targets((), tasks, List(client, *tasks[1:]).discover), in_time())
    assert messages() == []
    knowledge = known.get("rp-1")
    assert knowledge is not None
    assert knowledge.last.outcome is GOOD


@pytest.mark.parametrize("failure", [None, REFUSED], ids=["listed", "the list fails"])
@pytest.mark.parametrize("slow", ["list", "task"])
async def test_a_task_that_is_not_gone_and_fails_is_told(
    scraper: Scraper, client: FakeClient, messages: Messages, failure: QueryFailure | None, slow: str
) -> None:
    """Whichever is over first, its query or the list."""
    tasks = replications("rp-1")
    list_ = List(client, *tasks, failure=failure)
    event = list_.released if slow == "list" else asyncio.Event()
    event.clear()

    async def not_found(_task: TaskRef, _deadline: float) -> Precheck:
        await (event.wait() if slow == "task" else asyncio.sleep(0))
        raise NOT_FOUND

    client.answers["rp-1"] = not_found
    scrape = asyncio.create_task(scraper.scrape(Targets((), tasks, list_.discover), in_time()))
    await settled()
    assert messages() == []
    event.set()
    await scrape
    assert messages() == [("query fails", "rp-1")]


async def test_what_discovery_does_not_concern_is_told_at_once(
    scraper: Scraper, client: FakeClient, messages: Messages
) -> None:
    """Named tasks, and discovered ones that are answered, do not wait for the list."""
    list_ = List(client)
    list_.released.clear()
    client.answers["a"] = raising(NOT_FOUND)
    scrape = asyncio.create_task(scraper.scrape(Targets(watched("a"), replications("rp-1"), list_.discover), in_time()))
    await settled()
    assert sorted(messages()) == [("precheck status first seen", "rp-1"), ("query fails", "a")]
    list_.released.set()
    await scrape


async def test_a_probe_is_not_remembered(
    scraper: Scraper, client: FakeClient, known: LastKnown, messages: Messages
) -> None:
    """Of a task that is not watched neither pages nor the log know."""
    client.answers["b"] = raising(NOT_FOUND)
    await scraper.scrape(Targets(watched("a", "b"), remembered=False), in_time())
    assert (known.get("a"), known.get("b"), messages()) == (None, None, [])
