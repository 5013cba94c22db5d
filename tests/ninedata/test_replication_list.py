"""The list of replication tasks: read to its end, however the server cuts and counts it, and never for ever."""

import asyncio
from collections.abc import Callable

import pytest

from exporter.ninedata import Call, QueryError, Reason, Replication, list_replications
from exporter.ninedata.calls import T
from exporter.ninedata.replication_list import MAX_TASKS

pytestmark = pytest.mark.anyio

Envelope = dict[str, object]
Bend = Callable[[int, Envelope], Envelope | Exception]


def entries(numbers: range) -> list[dict[str, object]]:
    return [{"replicationId": f"rp-{n}", "name": f"orders-{n}", "status": "running"} for n in numbers]


class Server:
    """Has `count` tasks and grants pages of `granted`; what it answers can be bent per page."""

    def __init__(self, count: int, granted: int = 100) -> None:
        self.count = count
        self.granted = granted
        self.asked: list[int] = []
        self.statuses: set[str | None] = set()
        self.bent: Bend = lambda _page, envelope: envelope
        self.in_flight = self.most_in_flight = 0

    def page(self, number: int, size: int) -> Envelope:
        start = (number - 1) * size
        data = entries(range(start + 1, min(start + size, self.count) + 1))
        return {"success": True, "data": data, "current": number, "pageSize": size, "total": self.count}

    async def fetch(self, call: Call[T], _deadline: float) -> T:
        number = int(call.parameters["current"])
        self.asked.append(number)
        self.statuses.add(call.parameters.get("status"))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0.05)
        self.in_flight -= 1
        size = min(int(call.parameters["pageSize"]), self.granted)
        answer = self.bent(number, self.page(number, size))
        if isinstance(answer, Exception):
            raise answer
        return call.parse(answer)


async def listed(server: Server, status: str | None = None, at_once: int = 8) -> list[str]:
    """The ids found, where the list can be had."""
    found: dict[str, Replication] = {}
    await list_replications(server, 1e9, found, status=status, at_once=at_once)
    assert all(task_id == task.task_id for task_id, task in found.items())
    return sorted(found, key=lambda task_id: int(task_id.removeprefix("rp-")))


async def refused(server: Server) -> tuple[QueryError, set[str]]:
    """Why the list cannot be had, and the ids found all the same."""
    found: dict[str, Replication] = {}
    with pytest.raises(QueryError) as caught:
        await list_replications(server, 1e9, found, at_once=8)
    return caught.value, set(found)


def ids(count: int) -> list[str]:
    return [f"rp-{n}" for n in range(1, count + 1)]


@pytest.mark.parametrize(("count", "granted"), [(0, 100), (1, 100), (25, 10), (99, 100), (1066, 10), (1066, 1000)])
async def test_all_pages_are_read_whatever_size_is_granted(count: int, granted: int) -> None:
    """And no more of them than there are."""
    server = Server(count, granted)
    assert await listed(server) == ids(count)
    assert sorted(server.asked) == list(range(1, max(-(-count // min(granted, 100)), 1) + 1))


async def test_only_so_many_pages_are_asked_for_at_once() -> None:
    """The others in flight are tasks' queries, which must not wait for a list."""
    server = Server(500, granted=10)
    assert await listed(server, at_once=3) == ids(500)
    assert server.most_in_flight == 3


async def test_a_full_last_page_is_asked_beyond() -> None:
    """A total may be that of the page."""
    server = Server(25, granted=5)
    server.bent = lambda _page, envelope: envelope | {"total": len(envelope["data"])}
    assert await listed(server) == ids(25)


@pytest.mark.parametrize("total", [None, 0, 3, "x", -1, [], 7.5], ids=repr)
async def test_a_total_that_is_missing_or_too_low_ends_nothing(total: object) -> None:
    """Pages are read until one has nothing new."""
    server = Server(25, granted=10)
    server.bent = lambda _page, envelope: envelope | {"total": total}
    assert await listed(server) == ids(25)
    assert len(server.asked) < 6


async def test_numbers_may_be_texts() -> None:
    server = Server(25, granted=10)
    server.bent = lambda _page, envelope: envelope | {"total": "25", "pageSize": "10"}
    assert await listed(server) == ids(25)
    assert sorted(server.asked) == [1, 2, 3]


@pytest.mark.parametrize("total", [26, 100_000_000, 10**30])
async def test_a_total_that_is_too_high_is_not_believed(total: int) -> None:
    """The list ends with a page that is not full; it does not cost a request for each page that there is not."""
    server = Server(25, granted=10)
    server.bent = lambda _page, envelope: envelope | {"total": total}
    assert await listed(server) == ids(25)
    assert len(server.asked) < 20


async def test_the_size_that_is_told_may_be_wrong() -> None:
    """Pages of 4, said to be of 100."""
    server = Server(25, granted=4)
    server.bent = lambda _page, envelope: envelope | {"pageSize": 100}
    assert await listed(server) == ids(25)


async def test_a_page_may_be_larger_than_asked_for() -> None:
    """A server that does not page has them all on the first one, and on every other."""
    server = Server(0)
    server.bent = lambda _page, _envelope: {"success": True, "data": entries(range(1, 351)), "total": 350}
    assert await listed(server) == ids(350)


async def test_entries_may_repeat() -> None:
    """Each page begins with the end of the one before."""
    server = Server(25, granted=10)
    server.bent = lambda page, envelope: (
        envelope | {"data": entries(range(page * 10 - 11, page * 10 - 9)) + envelope["data"]} if page > 1 else envelope
    )
    assert await listed(server) == ids(25)


async def test_a_task_that_goes_while_the_list_is_read_costs_none_of_the_others() -> None:
    """The first goes after the first page: what moved onto that page is found by a second reading."""
    server = Server(25, granted=10)
    before = list(range(1, 26))

    def bent(page: int, envelope: Envelope) -> Envelope:
        gone = len(server.asked) > 1
        numbers = before[1:] if gone else before
        on_page = numbers[(page - 1) * 10 : page * 10]
        return envelope | {"data": [entries(range(n, n + 1))[0] for n in on_page], "total": len(numbers)}

    server.bent = bent
    assert await listed(server) == ids(25)
    assert server.asked.count(1) == 2


async def test_tasks_that_come_while_the_list_is_read_cost_none_of_the_others() -> None:
    """They are found the next time; the others are only met twice."""
    server = Server(25, granted=10)
    all_ = [*range(100, 200), *range(1, 26)]

    def bent(page: int, envelope: Envelope) -> Envelope:
        numbers = all_[100 - 3 * (page - 1) :]
        on_page = numbers[(page - 1) * 10 : page * 10]
        return envelope | {"data": [entries(range(n, n + 1))[0] for n in on_page], "total": len(numbers)}

    server.bent = bent
    assert await listed(server) == ids(25)


@pytest.mark.parametrize(
    ("count", "empty"),
    [(25, {1, 2, 3}), (25, {1}), (25, {2}), (20, {2}), (30, {3})],
    ids=["all", "the first", "one between", "the last of two", "the last of three"],
)
async def test_a_page_that_is_empty_before_the_end_is_a_failure(count: int, empty: set[int]) -> None:
    """The tasks that it should have are not gone, and must not be taken for gone."""
    server = Server(count, granted=10)
    server.bent = lambda page, envelope: envelope | {"data": []} if page in empty else envelope
    error, found = await refused(server)
    assert error.reason is Reason.INVALID_RESPONSE
    assert error.message == f"the list says that it has {count} replication tasks, and gives {len(found)}"
    assert found <= set(ids(count))


async def test_an_empty_page_may_be_none_the_second_time() -> None:
    """The list is read twice before it is given up."""
    server = Server(25, granted=10)
    server.bent = lambda page, envelope: envelope | {"data": []} if page == 2 and len(server.asked) < 4 else envelope
    assert await listed(server) == ids(25)


async def test_the_same_page_for_ever_is_a_failure() -> None:
    """Whatever page is asked for."""
    server = Server(25, granted=10)
    server.bent = lambda page, _envelope: server.page(1, 10) | {"current": page}
    error, found = await refused(server)
    assert error.message == "the list says that it has 25 replication tasks, and gives 10"
    assert found == set(ids(10))
    assert len(server.asked) < 10


async def test_a_list_without_an_end_is_given_up() -> None:
    """With as many tasks as are read at the most, or a page more."""
    server = Server(1_000_000)
    server.bent = lambda page, envelope: envelope | {"total": page * 100 + 100}
    error, found = await refused(server)
    assert error.reason is Reason.TOO_LARGE
    assert error.message == f"the list has more than {MAX_TASKS} replication tasks; no more are read"
    assert MAX_TASKS < len(found) <= MAX_TASKS + 800


async def test_a_single_page_without_an_end_is_refused() -> None:
    server = Server(0)
    server.bent = lambda _page, envelope: envelope | {"data": [1] * (MAX_TASKS + 1)}
    assert (await refused(server))[0].reason is Reason.TOO_LARGE


@pytest.mark.parametrize("bad", [1, 2, 7])
async def test_a_page_that_cannot_be_had_is_the_failure_of_the_list(bad: int) -> None:
    """What the others had is found all the same, and no further pages are asked for."""
    server = Server(1000, granted=10)
    failure = QueryError(Reason.HTTP_ERROR, "HTTP 500")
    server.bent = lambda page, envelope: failure if page == bad else envelope
    error, found = await refused(server)
    assert error is failure
    assert len(server.asked) <= 9
    assert found == {f"rp-{n}" for n in range(1, len(server.asked) * 10 + 1) if (n - 1) // 10 + 1 != bad}


@pytest.mark.parametrize(
    ("envelope", "what"),
    [
        ({"success": True}, "null"),
        ({"success": True, "data": None}, "null"),
        ({"status": "ok"}, "null"),
        ({"success": True, "data": {"list": []}, "total": 0}, "an object"),
        ({"success": True, "data": "[]", "total": 0}, "a string"),
        ({"success": True, "data": 0, "total": 0}, "a number"),
    ],
)
async def test_what_is_no_page_is_a_failure(envelope: Envelope, what: str) -> None:
    """A gateway's own JSON, above all, does not mean that there are no tasks."""
    server = Server(0)
    server.bent = lambda _page, _envelope: envelope
    error, _ = await refused(server)
    assert (error.reason, error.message) == (Reason.INVALID_RESPONSE, f"the list's data is {what}, not an array")


async def test_an_empty_list_may_be_null() -> None:
    """Where a total shows that it is a list."""
    server = Server(0)
    server.bent = lambda _page, _envelope: {"success": True, "data": None, "total": 0}
    assert await listed(server) == []


async def test_entries_as_they_vary() -> None:
    """Numbers as ids, missing names and statuses, texts to be cleaned; what has no usable id is left out."""
    server = Server(0)
    data = [
        {"replicationId": 4711, "name": None},
        {"replicationId": " rp-2 ", "name": "a\nb\x07", "status": 5},
        {"replicationId": "rp 3", "name": "no id"},
        {"replicationId": None},
        {"name": "none at all"},
        "rp-6",
        None,
    ]
    server.bent = lambda _page, _envelope: {"success": True, "data": data, "total": 7}
    found: dict[str, Replication] = {}
    await list_replications(server, 1e9, found)
    assert found == {"4711": Replication("4711", "4711", ""), "rp-2": Replication("rp-2", "a b�", "5")}
    assert server.asked == [1]


@pytest.mark.parametrize("data", [[{"id": "rp-1"}], [None], [{"replicationId": "!"}, 5]])
async def test_a_page_without_any_id_is_a_failure(data: list[object]) -> None:
    """It is not understood; it does not mean that there are no tasks."""
    server = Server(0)
    server.bent = lambda _page, envelope: envelope | {"data": data}
    error, _ = await refused(server)
    assert error.message == "no entry of the list has a replicationId that can be one"


@pytest.mark.parametrize("status", [None, "preCheckFailed"])
async def test_the_server_is_asked_for_a_status(status: str | None) -> None:
    """On every page."""
    server = Server(25, granted=10)
    await listed(server, status)
    assert server.statuses == {status}
