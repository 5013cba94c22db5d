"""The list of replication tasks, page by page, over real sockets; and how it can go wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from exporter.sandbox import Handle, Sandbox, Task, demo_tasks, fleet, run_in_thread
from exporter.sandbox.faults import (
    CutOff,
    Drifting,
    EmptyPage,
    EndlessList,
    Fault,
    HttpStatus,
    PageSize,
    PatchEnvelope,
    Repeated,
    StuckPage,
)
from tests.sandbox.paths import DATA_COMPARE_STATUS, REPLICATION_LIST

Get = Callable[..., httpx.Response]
Page = Callable[..., dict[str, Any]]
Sign = Callable[..., dict[str, str]]

LIST = "replication/list"
COUNT = 25


@pytest.fixture
def tasks() -> tuple[Task, ...]:
    return (*fleet(COUNT, items=1, kind="replication"), *fleet(2))


@pytest.fixture
def page(get: Get) -> Page:
    """A page of the list."""

    def got(number: int = 1, size: int = 10, **query: str) -> dict[str, Any]:
        answer = get(REPLICATION_LIST, current=number, pageSize=size, **query).json()
        assert isinstance(answer, dict)
        return answer

    return got


def numbers(page: dict[str, Any]) -> list[int]:
    """The numbers of a page's tasks in the fleet."""
    return [int(entry["replicationId"].removeprefix("rp-fleet-")) for entry in page["data"]]


def told(page: dict[str, Any]) -> tuple[int, int, int]:
    return page["current"], page["pageSize"], page["total"]


def test_pages_follow_each_other(page: Page) -> None:
    """An array, with the page's numbers beside it; tasks of other kinds are not listed."""
    pages = [page(number) for number in (1, 2, 3, 4)]
    assert [numbers(each) for each in pages] == [
        list(range(1, 11)),
        list(range(11, 21)),
        list(range(21, 26)),
        [],
    ]
    assert [told(each) for each in pages] == [(number, 10, COUNT) for number in (1, 2, 3, 4)]
    assert list(pages[0]) == ["success", "requestId", "data", "current", "pageSize", "total"]


def test_without_parameters_the_first_ten_are_told(get: Get) -> None:
    """The documented defaults."""
    assert told(get(REPLICATION_LIST).json()) == (1, 10, COUNT)


def test_an_entry_has_the_documented_fields(page: Page) -> None:
    """The time has a blank and a Z."""
    assert page(size=1)["data"] == [
        {
            "replicationId": "rp-fleet-00001",
            "name": "fleet-00001",
            "sourceDatasourceId": "ds-fleet-00001s",
            "targetDatasourceId": "ds-fleet-00001t",
            "type": "default",
            "status": "running",
            "subTaskTypeList": ["schema", "full", "inc_writer"],
            "createTime": "2025-08-11 01:08:19Z",
        }
    ]


@contextmanager
def serving(sandbox: Sandbox, sign: Sign) -> Iterator[Page]:
    with run_in_thread(sandbox) as handle, httpx.Client(base_url=handle.base_url, trust_env=False) as client:
        yield lambda **query: client.get(REPLICATION_LIST, params=query, headers=sign(REPLICATION_LIST)).json()


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["orders-standby", "customers-dwh", "ledger-failover"]),
        ({"status": "running"}, ["customers-dwh"]),
        ({"type": "forward"}, ["ledger-failover"]),
        ({"type": "backward"}, []),
        ({"keyword": "ER"}, ["orders-standby", "customers-dwh", "ledger-failover"]),
        ({"keyword": "ledger", "status": "running"}, []),
    ],
)
def test_the_list_can_be_narrowed(sign: Sign, query: dict[str, str], names: list[str]) -> None:
    """By status, type, and a part of the name; the total counts what is found."""
    with serving(Sandbox(demo_tasks()), sign) as page:
        answer = page(**query)
    assert [entry["name"] for entry in answer["data"]] == names
    assert answer["total"] == len(names)


def test_a_page_has_so_many_entries_at_the_most(sign: Sign, tasks: tuple[Task, ...]) -> None:
    """The server cuts what is asked for down, and says so."""
    with serving(Sandbox(tasks, max_page_size=7), sign) as page:
        answer = page(pageSize=50)
    assert told(answer) == (1, 7, COUNT)
    assert numbers(answer) == list(range(1, 8))


@pytest.mark.parametrize("query", [{"current": "0"}, {"current": "x"}, {"pageSize": "-1"}, {"pageSize": "1.5"}])
def test_what_is_no_number_of_a_page_is_refused(get: Get, query: dict[str, str]) -> None:
    """400 in the envelope."""
    answer = get(REPLICATION_LIST, **query)
    assert answer.status_code == 400
    assert answer.json()["message"] == "current and pageSize must be whole numbers, 1 or more"


def test_a_task_without_a_precheck_is_listed(sign: Sign, tasks: tuple[Task, ...]) -> None:
    """A list knows tasks that never had one."""
    with serving(Sandbox([replace(tasks[0], script=None)]), sign) as page:
        assert page()["total"] == 1


def test_entries_repeat(sandbox: Handle, page: Page) -> None:
    """Each page begins with the end of the page before; the end of the list stays where it is."""
    sandbox.set_fault(Repeated(entries=2), LIST)
    assert [numbers(page(number)) for number in (1, 2, 3, 4)] == [
        list(range(1, 11)),
        [9, 10, *range(11, 21)],
        [19, 20, *range(21, 26)],
        [],
    ]
    assert page(2)["total"] == COUNT


def test_the_page_is_stuck(sandbox: Handle, page: Page) -> None:
    """The first one, as often as one asks, under the number that was asked for."""
    sandbox.set_fault(StuckPage(), LIST)
    answer = page(3)
    assert numbers(answer) == list(range(1, 11))
    assert told(answer) == (3, 10, COUNT)


def test_entries_come_in_between_pages(sandbox: Handle, page: Page) -> None:
    """So the total grows, and a page repeats what the one before it had."""
    sandbox.set_fault(Drifting(inserted=3), LIST)
    pages = [page(number) for number in (1, 2, 3)]
    assert [each["total"] for each in pages] == [25, 28, 31]
    assert [numbers(each)[0] for each in pages] == [1, 8, 15]


def test_entries_that_came_in_are_at_the_lists_head(sandbox: Handle, page: Page) -> None:
    """The newest first."""
    sandbox.set_fault(Drifting(inserted=12), LIST)
    entries = [entry["replicationId"] for entry in page(2)["data"]]
    assert entries == ["rp-inserted-00002", "rp-inserted-00001", *(f"rp-fleet-{n:05}" for n in range(1, 9))]


def test_entries_go_between_pages(sandbox: Handle, page: Page) -> None:
    """So the total shrinks, and some are on no page."""
    sandbox.set_fault(Drifting(removed=3), LIST)
    pages = [page(number) for number in (1, 2, 3)]
    assert [each["total"] for each in pages] == [25, 22, 19]
    assert [numbers(each) for each in pages] == [list(range(1, 11)), list(range(14, 24)), []]


@pytest.mark.parametrize(("honest", "size"), [(False, 10), (True, 4)])
def test_the_size_that_is_asked_for_is_ignored(sandbox: Handle, page: Page, honest: bool, size: int) -> None:  # noqa: FBT001 - a column
    """The server has its own, whether it tells so or not."""
    sandbox.set_fault(PageSize(entries=4, honest=honest), LIST)
    answer = page(2)
    assert numbers(answer) == [5, 6, 7, 8]
    assert told(answer) == (2, size, COUNT)


def test_the_list_does_not_end(sandbox: Handle, page: Page) -> None:
    """Every page is full, of entries never seen before, and there is always one more."""
    sandbox.set_fault(EndlessList(), LIST)
    pages = [page(number) for number in (1, 2, 500)]
    entries = [entry["replicationId"] for each in pages for entry in each["data"]]
    assert len(set(entries)) == 30
    assert [each["total"] for each in pages] == [20, 30, 5010]


def test_a_page_is_empty(sandbox: Handle, page: Page) -> None:
    """Although the total says more, and the next page is well."""
    sandbox.set_fault(EmptyPage(), f"{LIST}/2")
    pages = [page(number) for number in (1, 2, 3)]
    assert [len(each["data"]) for each in pages] == [10, 0, 5]
    assert {each["total"] for each in pages} == {COUNT}


@pytest.mark.parametrize(
    ("fault", "total"),
    [
        (PatchEnvelope(fields={"total": 3}), 3),
        (PatchEnvelope(fields={"total": "25"}), "25"),
        (PatchEnvelope(fields={"total": None}), None),
        (PatchEnvelope(omit=("total",)), "none"),
    ],
)
def test_the_total_is_wrong_or_missing(sandbox: Handle, page: Page, fault: Fault, total: object) -> None:
    """The page is as it was."""
    sandbox.set_fault(fault, LIST)
    answer = page()
    assert answer.get("total", "none") == total
    assert numbers(answer) == list(range(1, 11))


def test_any_fault_can_hold_for_one_page(sandbox: Handle, get: Get) -> None:
    """All others are well, and so are the queries of tasks."""
    sandbox.set_fault(HttpStatus(status=503), f"{LIST}/2")
    sandbox.set_fault(CutOff(), f"{LIST}/3")
    assert get(REPLICATION_LIST, current=1).status_code == 200
    assert get(REPLICATION_LIST, current=2).status_code == 503
    with pytest.raises(httpx.RemoteProtocolError):
        get(REPLICATION_LIST, current=3)


@pytest.mark.parametrize("fault", [EmptyPage(), EndlessList(), PageSize(entries=1), Repeated(entries=1)])
def test_what_is_no_list_is_left_alone(sandbox: Handle, get: Get, fault: Fault) -> None:
    """A fault of lists that is set for all requests."""
    sandbox.set_fault(fault)
    answer = get(DATA_COMPARE_STATUS, taskId="cd-fleet-00001", precheckTaskId="pcte-fleet-00001")
    assert answer.json()["data"]["status"] == "Success"


def test_what_is_no_json_has_no_envelope(sandbox: Handle, get: Get) -> None:
    """A page for people stays as it is."""
    sandbox.set_fault(PatchEnvelope(omit=("success",)))
    assert "404 Not Found" in get("/openapi/v9/other").text


def test_a_page_that_is_refused_is_left_alone(sandbox: Handle, get: Get) -> None:
    """There are no entries in it."""
    sandbox.set_fault(EndlessList(), LIST)
    assert get(REPLICATION_LIST, current=0).json()["success"] is False


def test_a_fault_of_a_page_is_set_by_its_path(client: httpx.Client, page: Page) -> None:
    """The list has a name in place of a task's id, and its pages have one each."""
    assert client.put(f"/sandbox/faults/{LIST}/2", json={"kind": "empty_page"}).status_code == 200
    assert [len(page(number)["data"]) for number in (1, 2)] == [10, 0]
    assert client.delete(f"/sandbox/faults/{LIST}/2").json() == {"task_id": f"{LIST}/2"}
    assert len(page(2)["data"]) == 10
