"""The list of replication tasks: read to its end, however the server cuts and counts it, and never for ever."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from exporter.ninedata import LISTS, ListedTask, QueryError, Reason
from exporter.ninedata.client import QueryProgress
from exporter.ninedata.task_lists import MAX_TASKS, Page, page_parameters, read_list, read_page
from tests.ninedata.fake_api import FakeApi, failure_of, reply

pytestmark = pytest.mark.anyio

Envelope = dict[str, object]
Bend = Callable[[int, Envelope], Envelope | Exception]


def entries(numbers: range) -> list[dict[str, object]]:
    return [{"replicationId": f"rp-{n}", "name": f"orders-{n}", "status": "running"} for n in numbers]


def ids(count: int) -> set[str]:
    return {f"rp-{n}" for n in range(1, count + 1)}


class Server:
    """Has `count` tasks and grants pages of `granted`; what it answers can be bent per page."""

    def __init__(self, count: int, granted: int = 10, bend: Bend = lambda _page, envelope: envelope) -> None:
        self.count = count
        self.granted = granted
        self.bend = bend
        self.asked: list[int] = []
        self.found: dict[str, ListedTask] = {}

    def envelope(self, number: int) -> Envelope:
        start = (number - 1) * self.granted
        data = entries(range(start + 1, min(start + self.granted, self.count) + 1))
        return {"success": True, "data": data, "current": number, "pageSize": self.granted, "total": self.count}

    async def page(self, number: int) -> Page:
        self.asked.append(number)
        await asyncio.sleep(0.05)
        answer = self.bend(number, self.envelope(number))
        if isinstance(answer, Exception):
            raise answer
        return read_page(answer, LISTS["replication"])

    async def read(self) -> set[str]:
        await read_list(self.page, self.found, at_once=8)
        return set(self.found)


@pytest.mark.parametrize(("count", "granted"), [(0, 100), (25, 10), (100, 100), (1066, 10)])
async def test_all_pages_are_read_whatever_size_is_granted(count: int, granted: int) -> None:
    """And no more of them than there are."""
    server = Server(count, granted)
    assert await server.read() == ids(count)
    assert sorted(server.asked) == list(range(1, max(-(-count // granted), 1) + 1))


@pytest.mark.parametrize("total", [None, 0, "x", 7.5], ids=repr)
async def test_without_a_total_pages_are_read_until_one_has_nothing_new(total: object) -> None:
    server = Server(25, bend=lambda _page, envelope: envelope | {"total": total})
    assert await server.read() == ids(25)
    assert server.asked == [1, 2, 3, 4]


ODD_LISTS: dict[str, Bend] = {
    "numbers as texts": lambda _page, envelope: envelope | {"total": "25", "pageSize": "10"},
    "all on every page": lambda _page, _envelope: {"success": True, "data": entries(range(1, 26)), "total": 25},
    "entry without an id on every page": lambda page, envelope: (
        envelope | {"data": [{}, *entries(range(page * 10 - 9, min(page * 10, 25) + 1))], "total": 28}
    ),
    "task that came while the list was read": lambda page, envelope: (
        envelope | {"data": entries(range(page * 10 - 10, page * 10)), "total": 26} if page > 1 else envelope
    ),
}


@pytest.mark.parametrize("bend", ODD_LISTS.values(), ids=ODD_LISTS)
async def test_all_tasks_are_found_however_the_server_counts(bend: Bend) -> None:
    assert ids(25) <= await Server(25, bend=bend).read()


INCOMPLETE: dict[str, Bend] = {
    "total too high": lambda _page, envelope: envelope | {"total": 10**9},
    "first page empty": lambda page, envelope: envelope | {"data": []} if page == 1 else envelope,
    "page between empty": lambda page, envelope: envelope | {"data": []} if page == 2 else envelope,
    "same page for ever": lambda _page, envelope: envelope | {"data": entries(range(1, 11))},
    "task that went while the list was read": lambda page, envelope: (
        envelope | {"data": entries(range(page * 10 - 8, min(page * 10 + 1, 25) + 1))} if page > 1 else envelope
    ),
}


@pytest.mark.parametrize("bend", INCOMPLETE.values(), ids=INCOMPLETE)
async def test_a_list_with_fewer_tasks_than_its_total_is_a_failure(bend: Bend) -> None:
    """The tasks that are missing are not gone, and must not be taken for gone. Those that came are found."""
    server = Server(25, bend=bend)
    error = await failure_of(server.read())
    assert error.reason is Reason.INVALID_RESPONSE
    assert error.message.endswith(f" tasks, but only {len(server.found)} came")
    assert len(server.asked) < 20


async def test_a_list_without_an_end_is_given_up() -> None:
    """With the tasks that came."""
    server = Server(1_000_000, granted=100)
    error = await failure_of(server.read())
    assert error.reason is Reason.TOO_LARGE
    assert error.message == f"the list has more than {MAX_TASKS} tasks; no more are read"
    assert MAX_TASKS < len(server.found) <= MAX_TASKS + 800


@pytest.mark.parametrize("bad", [1, 2, 7])
async def test_a_page_that_fails_fails_the_list(bad: int) -> None:
    """The tasks of the other pages are found all the same, and no further pages are queried."""
    failure = QueryError(Reason.HTTP_ERROR, "HTTP 500")
    server = Server(1000, bend=lambda page, envelope: failure if page == bad else envelope)
    assert await failure_of(server.read()) is failure
    assert len(server.asked) <= 9
    assert len(server.found) == (len(server.asked) - 1) * 10


ODD_ENTRIES: list[object] = [
    {"replicationId": 4711, "name": None},
    {"replicationId": " rp-2 ", "name": "a\nb\x07", "status": " 5\n"},
    {"replicationId": "rp 3", "name": "no id"},
    {"name": "none at all"},
    None,
]
COMPARISON = {"taskId": "cc-1", "taskName": "orders", "status": "failed", "periodic": "ONETIME"}
PAGES: dict[str, tuple[str, Envelope, Page]] = {
    "null": ("replication", {"data": None, "total": 0}, Page((), 0, 0)),
    "null within data": ("schema_compare", {"data": {"total": 0, "schemaComparisons": None}}, Page((), 0, 0)),
    "odd entries": (
        "replication",
        {"total": "5", "data": ODD_ENTRIES},
        Page((ListedTask("4711", "4711", ""), ListedTask("rp-2", "a b�", "5")), 5, 5),
    ),
    "all within data": (
        "schema_compare",
        {"data": {"pageNumber": 1, "pageSize": 100, "total": 101, "schemaComparisons": [COMPARISON]}},
        Page((ListedTask("cc-1", "orders", "failed"),), 1, 101),
    ),
}


@pytest.mark.parametrize(("kind", "envelope", "page"), PAGES.values(), ids=PAGES)
def test_pages_as_they_vary(kind: str, envelope: Envelope, page: Page) -> None:
    """Numbers as ids, missing names and statuses, texts to be cleaned; an entry without a usable id is left out."""
    assert read_page(envelope, LISTS[kind]) == page


NO_PAGES: dict[str, tuple[str, Envelope, str]] = {
    "gateway": ("replication", {"status": "ok"}, "the list's data is not an array"),
    "object": ("replication", {"data": {"list": []}, "total": 0}, "the list's data is not an array"),
    "array": ("schema_compare", {"data": [COMPARISON]}, "the list's schemaComparisons is not an array"),
    "no id": ("replication", {"data": [{"id": "rp-1"}, None]}, "no entry of the list has a usable replicationId"),
    "bad id": ("replication", {"data": [{"replicationId": "!"}]}, "no entry of the list has a usable replicationId"),
}


@pytest.mark.parametrize(("kind", "envelope", "message"), NO_PAGES.values(), ids=NO_PAGES)
def test_what_is_no_page_is_a_failure(kind: str, envelope: Envelope, message: str) -> None:
    """It does not mean that there are no tasks."""
    with pytest.raises(QueryError) as caught:
        read_page(envelope, LISTS[kind])
    assert (caught.value.reason, caught.value.message) == (Reason.INVALID_RESPONSE, message)


def test_each_kind_has_its_own_words_for_a_page() -> None:
    assert page_parameters(LISTS["schema_compare"], 2, None) == (("pageNumber", "2"), ("pageSize", "100"))


@pytest.mark.parametrize("status", [None, "preCheckFailed"])
async def test_the_client_lists_with_a_quarter_of_its_concurrency(api: FakeApi, status: str | None) -> None:
    """A list that hangs leaves the tasks the rest; a status is sent with every page."""
    server, found = Server(95), dict[str, ListedTask]()

    async def handle(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1)
        return reply(server.envelope(int(request.url.params["current"])))

    api.answers(then=handle)
    await api.client(concurrency=12).list_tasks("replication", found, status, QueryProgress())
    assert (len(found), found["rp-95"]) == (95, ListedTask("rp-95", "orders-95", "running"))
    assert api.arrivals == [0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    last = api.requests[-1].url
    assert last.path == "/openapi/v1/replication/list"
    assert tuple(last.params.multi_items()) == page_parameters(LISTS["replication"], 10, status)
    assert set(api.observer.sent) == {"replication_list"}
