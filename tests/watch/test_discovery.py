"""Discovery: which of the listed tasks are watched, and what stays when the list fails."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from exporter.config import ReplicationDiscovery
from exporter.ninedata import LIST_NAME, MAX_LISTED, Reason, Replication, TaskRef, advice_on
from exporter.snapshot import Discovered, QueryFailure
from exporter.watch import Discovery
from exporter.watch.discovery import AFTER_TASKS, FIRST, LAST

pytestmark = pytest.mark.anyio

REFUSED = QueryFailure(Reason.AUTH, "HTTP 401", "r-9")
DOWN = QueryFailure(Reason.CONNECT, "cannot connect")
HUNG = QueryFailure(Reason.TIMEOUT, "no complete answer within 5 s")
NO_TURN = QueryFailure(Reason.RATE_LIMITED, "no request for another 60 s", asked=False)


def replication(task_id: str, name: str = "", status: str = "running") -> Replication:
    return Replication(task_id, name or task_id, status)


class List:
    """A list that a test fills, and that fails as the test says."""

    def __init__(self, *tasks: Replication) -> None:
        self.tasks = list(tasks)
        self.failure: QueryFailure | None = None
        self.asked: list[tuple[str | None, float]] = []
        self.wait: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)

    async def __call__(self, found: dict[str, Replication], status: str | None, deadline: float) -> QueryFailure | None:
        self.asked.append((status, deadline))
        found.update({task.task_id: task for task in self.tasks})
        failure = self.failure
        await self.wait()
        return failure


def ids(discovered: Discovered | Discovery) -> list[str]:
    return [task.task_id for task in discovered.tasks]


async def test_listed_tasks_are_watched_under_their_names() -> None:
    """As replication tasks without a precheck's id, with the labels of the configuration, in the order of their ids."""
    list_ = List(replication("rp-2", "orders"), replication("rp-1"))
    discovery = Discovery(ReplicationDiscovery(labels={"team": "dba"}), list_)
    discovered = await discovery.discover(7.0)
    assert discovered.failure is None
    assert [(task.ref, task.name, dict(task.labels)) for task in discovered.tasks] == [
        (TaskRef("replication", "rp-1", ""), "rp-1", {"team": "dba"}),
        (TaskRef("replication", "rp-2", ""), "orders", {"team": "dba"}),
    ]
    assert list_.asked == [(None, 7.0)]


async def test_new_ones_come_and_gone_ones_go() -> None:
    list_ = List(replication("rp-1"), replication("rp-2"))
    discovery = Discovery(ReplicationDiscovery(), list_)
    await discovery.discover(0)
    list_.tasks = [replication("rp-2"), replication("rp-3")]
    assert ids(await discovery.discover(0)) == ["rp-2", "rp-3"]
    list_.tasks = []
    assert ids(await discovery.discover(0)) == []


async def test_as_long_as_nothing_changes_the_tasks_are_the_same_object() -> None:
    """Scrapes that come at the same time are known for the same by it."""
    discovery = Discovery(ReplicationDiscovery(), List(replication("rp-1")))
    first = (await discovery.discover(0)).tasks
    assert (await discovery.discover(0)).tasks is first is discovery.tasks


@pytest.mark.parametrize(
    ("statuses", "asked", "found"),
    [
        ((), None, ["rp-1", "rp-2", "rp-3", "rp-4"]),
        (("running",), "running", ["rp-1"]),
        (("running", "preCheckFailed"), None, ["rp-1", "rp-2", "rp-3"]),
    ],
)
async def test_tasks_are_chosen_by_status(statuses: tuple[str, ...], asked: str | None, found: list[str]) -> None:
    """In any case of the letters; a single one is asked for, and not trusted to be all that comes."""
    list_ = List(
        replication("rp-1", status="running"),
        replication("rp-2", status="preCheckFailed"),
        replication("rp-3", status="PRECHECKFAILED"),
        replication("rp-4", status=""),
    )
    discovered = await Discovery(ReplicationDiscovery(frozenset(statuses)), list_).discover(0)
    assert ids(discovered) == found
    assert list_.asked == [(asked, 0)]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), ["a-1", "a-2", "b-1", "rp-9"]),
        (("a-*",), ["a-1", "a-2"]),
        (("a-?", "b-1"), ["a-1", "a-2", "b-1"]),
        (("?-[!1]",), ["a-2"]),
        (("A-*",), []),
        (("1",), []),
        (("rp-*",), ["rp-9"]),
    ],
)
async def test_tasks_are_chosen_by_name(names: tuple[str, ...], found: list[str]) -> None:
    """By patterns that one must match as a whole; a task without a name goes by its id."""
    list_ = List(
        replication("rp-1", "a-1"), replication("rp-2", "a-2"), replication("rp-3", "b-1"), replication("rp-9")
    )
    discovered = await Discovery(ReplicationDiscovery(names=names), list_).discover(0)
    assert [task.name for task in discovered.tasks] == found


async def test_a_task_that_is_no_longer_chosen_goes() -> None:
    """Its status is what the list says now."""
    list_ = List(replication("rp-1"))
    discovery = Discovery(ReplicationDiscovery(frozenset(["running", "failed"])), list_)
    await discovery.discover(0)
    list_.tasks = [replication("rp-1", status="stopped")]
    assert ids(await discovery.discover(0)) == []


async def test_a_failure_leaves_the_tasks_that_are_known() -> None:
    """And adds what was found all the same."""
    list_ = List(replication("rp-1"), replication("rp-2", "old name"))
    discovery = Discovery(ReplicationDiscovery(), list_)
    await discovery.discover(0)
    list_.tasks, list_.failure = [replication("rp-2", "new name"), replication("rp-3")], REFUSED
    discovered = await discovery.discover(0)
    assert discovered.failure is REFUSED
    assert [task.name for task in discovered.tasks] == ["rp-1", "new name", "rp-3"]
    assert discovery.last == discovered
    list_.failure = None
    assert ids(await discovery.discover(0)) == ["rp-2", "rp-3"]


async def test_failures_do_not_gather_tasks_without_end() -> None:
    """A list that always has other tasks and always fails at its end; those that were found last count."""
    list_ = List(*(replication(f"rp-{n}") for n in range(MAX_LISTED)))
    discovery = Discovery(ReplicationDiscovery(), list_)
    await discovery.discover(0)
    list_.tasks, list_.failure = [replication(f"rp-x{n}") for n in range(1000)], DOWN
    discovered = await discovery.discover(0)
    assert len(discovered.tasks) == len(discovery.known) == MAX_LISTED
    assert set(ids(discovered)) >= {task.task_id for task in list_.tasks}


async def test_what_is_known_from_before_is_there_at_once() -> None:
    """Chosen by the settings of now; before any attempt there is no word about how the latest went."""
    known = {task.task_id: task for task in (replication("rp-1"), replication("rp-2", status="failed"))}
    list_ = List()
    list_.failure = DOWN
    discovery = Discovery(ReplicationDiscovery(frozenset(["failed"])), list_, known)
    assert (ids(discovery), discovery.last) == (["rp-2"], None)
    assert ids(await discovery.discover(0)) == ["rp-2"]
    assert discovery.known == known


async def test_an_attempt_that_was_overtaken_changes_nothing() -> None:
    """One hangs, a later one succeeds; when the first gives up, that is no news."""
    list_ = List(replication("rp-1"))
    discovery = Discovery(ReplicationDiscovery(), list_)
    released = asyncio.Event()
    list_.failure, list_.wait = HUNG, released.wait
    slow = asyncio.create_task(discovery.discover(0))
    await asyncio.sleep(0)
    list_.failure, list_.wait = None, lambda: asyncio.sleep(0)
    list_.tasks = [replication("rp-2")]
    await discovery.discover(0)
    released.set()
    assert (await slow).failure is HUNG
    assert ids(discovery) == ["rp-2"]
    assert discovery.last is not None
    assert discovery.last.failure is None
    assert discovery.turn == AFTER_TASKS


async def test_the_next_turn_depends_on_how_it_went() -> None:
    """After the tasks; first of all once it had no turn, and for as long as that goes well; last once it hung."""
    list_ = List()
    discovery = Discovery(ReplicationDiscovery(), list_)
    turns = [discovery.turn]
    for list_.failure in (None, REFUSED, NO_TURN, None, REFUSED, HUNG, HUNG, None, HUNG, DOWN, HUNG, NO_TURN):
        await discovery.discover(0)
        turns.append(discovery.turn)
    quiet, first, last = AFTER_TASKS, FIRST, LAST
    assert turns == [quiet, quiet, quiet, first, first, first, last, last, quiet, last, quiet, last, first]
    assert FIRST < (False, 0) < AFTER_TASKS < (True, 10**9) < LAST


Lines = Callable[[], list[dict[str, object]]]


async def test_a_failing_discovery_is_logged_once_for_each_reason(lines: Lines) -> None:
    """With what to do about it; and once that it works again, with how long it did not."""
    list_ = List(replication("rp-1"))
    discovery = Discovery(ReplicationDiscovery(), list_)
    await discovery.discover(0)
    lines()
    for list_.failure in (REFUSED, REFUSED, DOWN, DOWN):
        await discovery.discover(0)
    failing = {
        "msg": "discovery fails; the tasks known so far stay watched",
        "level": "WARNING",
        "kind": "replication",
        "tasks": 1,
    }
    refused = failing | {"reason": "auth", "error": "HTTP 401", "request_id": "r-9"}
    down = failing | {"reason": "connect", "error": "cannot connect"}
    assert lines() == [
        refused | {"advice": advice_on(Reason.AUTH, LIST_NAME)},
        down | {"advice": advice_on(Reason.CONNECT, LIST_NAME)},
    ]
    list_.failure = None
    for _ in range(2):
        await discovery.discover(0)
    (recovery,) = lines()
    assert recovery.pop("failed_for_seconds") >= 0
    assert recovery == {"msg": "discovery works again", "level": "INFO", "kind": "replication", "tasks": 1}


async def test_what_comes_and_goes_is_logged_in_one_line(lines: Lines) -> None:
    """However much it is, and not at every scrape."""
    list_ = List(*(replication(f"rp-{n}") for n in range(100)))
    discovery = Discovery(ReplicationDiscovery(), list_)
    for _ in range(2):
        await discovery.discover(0)
    list_.tasks = [*list_.tasks[3:], replication("rp-new")]
    await discovery.discover(0)
    told = {"msg": "discovered tasks", "level": "INFO"}
    assert lines() == [told | {"tasks": 100, "new": 100, "gone": 0}, told | {"tasks": 98, "new": 1, "gone": 3}]
