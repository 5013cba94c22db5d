"""Each family of prechecks answers as documented, over real sockets."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from exporter.sandbox import Handle, Sandbox, Task, demo_tasks, fleet, run_in_thread
from exporter.sandbox.families import FAMILIES, family_of
from exporter.sandbox.prechecks import Item, Run, Script, Status
from exporter.sandbox.tasks import Unfinished
from tests.sandbox.paths import (
    DATA_COMPARE_STATUS,
    REPLICATION_LIST,
    REPLICATION_START,
    REPLICATION_STATUS,
    SCHEMA_COMPARE_START,
    SCHEMA_COMPARE_STATUS,
)

Get = Callable[..., httpx.Response]
Sign = Callable[..., dict[str, str]]

SCHEMA_COMPARE_EXAMPLE = (
    '{"success": true, "requestId": "Pc2k1HKI-CIJDvWQnEIIb9GFdDHg0IUT", '
    '"data": {"taskId": "cc-th6j3fs58y", "precheckTaskId": "pcte-dji009w2k499", "status": "Success", '
    '"precheckItems": [{"precheckItem": "srcDataSourceCheck", "itemName": "Source Connection Check", '
    '"itemDescription": "Check the status of the gateway of the source datasource, database connectable, '
    'and verify the username and password", "status": "Success"}]}}'
)
REPLICATION_EXAMPLE = (
    '{"success": true, "requestId": "Tv8j8OCQ-JPQIeDXnIMNi2TEdLNx0HDG", '
    '"data": {"replicationId": "rp-div0qqpbffio", "precheckStatus": "failure", '
    '"items": [{"itemId": "replBidirectionLoopExistCheck", "itemName": "Cyclic replication check", '
    '"itemDescription": "Check for replication loops", "status": "success", "message": ""}, '
    '{"itemId": "srcDataSourceCheck", "itemName": "Source datasource connection check", '
    '"itemDescription": "Check the status of the gateway of the source datasource, database connectable, '
    'and verify the username and password", "status": "failure", '
    '"message": "Failed to connect datasource orders-prod-mysql: root@10.20.7.31:3306. Connection timed out. '
    "Open the firewall for the gateway's address and run the precheck again.\"}]}}"
)

PASSING = Item("a", "A", "checks a")
WARNING = Item("b", "B", "checks b", outcome=Status.WARNING, error_message="B is odd. Look at it.")
SLOW = Item("c", "C", "checks c", seconds=3600)
FOR_EVER = Item("d", "D", "checks d", seconds=3600)


@pytest.fixture
def tasks() -> tuple[Task, ...]:
    running = Script((Run((PASSING, WARNING, SLOW, FOR_EVER)),))
    unfinished = (Task(f"rp-{how}", "", how, script=running, kind="replication", unfinished=how) for how in Unfinished)
    return (*demo_tasks(), *unfinished)


def test_the_documented_example_of_schema_comparison(get: Get) -> None:
    """Word for word: the same keys, values and order."""
    answer = get(SCHEMA_COMPARE_STATUS, taskId="cc-th6j3fs58y", precheckTaskId="pcte-dji009w2k499")
    assert answer.text == SCHEMA_COMPARE_EXAMPLE


def test_the_documented_example_of_replication(get: Get) -> None:
    """Word for word but for the database that cannot be reached; no precheck id is needed."""
    assert get(REPLICATION_STATUS, replicationId="rp-div0qqpbffio").text == REPLICATION_EXAMPLE


def test_a_failed_item_of_schema_comparison_tells_why(get: Get) -> None:
    """Under the same key as data comparison's."""
    task = next(task for task in demo_tasks() if task.name == "inventory-schema")
    data = get(SCHEMA_COMPARE_STATUS, taskId=task.task_id, precheckTaskId=task.precheck_task_id).json()["data"]
    assert data["status"] == "Failed"
    told = {item["precheckItem"]: item["errorMessage"] for item in data["precheckItems"] if "errorMessage" in item}
    assert list(told) == ["compareTargetPermissionCheck"]
    assert "Grant it and run the precheck again." in told["compareTargetPermissionCheck"]


def test_a_replication_with_a_warned_item_has_warned(get: Get) -> None:
    """Replication documents a word for it, also for the whole."""
    task = next(task for task in demo_tasks() if task.name == "ledger-failover")
    data = get(REPLICATION_STATUS, replicationId=task.task_id).json()["data"]
    assert data["precheckStatus"] == "warning"
    assert {item["status"] for item in data["items"]} == {"success", "warning"}


def test_a_passed_replication(get: Get) -> None:
    """Every item has a message, which is empty."""
    task = next(task for task in demo_tasks() if task.name == "customers-dwh")
    data = get(REPLICATION_STATUS, replicationId=task.task_id).json()["data"]
    assert data["precheckStatus"] == "success"
    assert {(item["status"], item["message"]) for item in data["items"]} == {("success", "")}


@pytest.mark.parametrize(
    ("how", "overall", "items"),
    [
        (Unfinished.DONE_ITEMS, None, {"a": "success", "b": "warning"}),
        (Unfinished.NOTHING, None, {}),
        (Unfinished.WORDS, "Running", {"a": "success", "b": "warning", "c": "Running", "d": "Unstarted"}),
    ],
)
def test_an_unfinished_replication_precheck_looks_as_its_task_says(
    get: Get, how: Unfinished, overall: str | None, items: dict[str, str]
) -> None:
    """Nothing is documented for it: a client has to survive all of these."""
    data = get(REPLICATION_STATUS, replicationId=f"rp-{how}").json()["data"]
    assert data["precheckStatus"] == overall
    assert {item["itemId"]: item["status"] for item in data["items"]} == items


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        (SCHEMA_COMPARE_STATUS, {"taskId": "cc-x", "precheckTaskId": "pcte-x"}, "precheck task not found"),
        (
            SCHEMA_COMPARE_STATUS,
            {"taskId": "cd-tg3isu1xgs", "precheckTaskId": "pcte-dj02vti9tabd"},
            "precheck task not found",
        ),
        (SCHEMA_COMPARE_STATUS, {"taskId": "cc-th6j3fs58y"}, "parameter precheckTaskId is missing"),
        (REPLICATION_STATUS, {"replicationId": "rp-x"}, "replication rp-x not found"),
        (REPLICATION_STATUS, {"taskId": "rp-div0qqpbffio"}, "parameter replicationId is missing"),
    ],
)
def test_what_is_not_there_is_told_in_the_familys_words(
    get: Get, path: str, query: dict[str, str], message: str
) -> None:
    """No family knows the tasks of another."""
    failure = get(path, **query).json()
    assert failure["success"] is False
    assert failure["message"] == message


def test_a_schema_comparisons_precheck_is_started_again(client: httpx.Client, get: Get, sign: Sign) -> None:
    """Under a new id, which the old one survives."""
    started = client.post(SCHEMA_COMPARE_START, json={"taskId": "cc-th6j3fs58y"}, headers=sign(SCHEMA_COMPARE_START))
    new_id = started.json()["data"]["precheckTaskId"]
    assert new_id != "pcte-dji009w2k499"
    for precheck_id in (new_id, "pcte-dji009w2k499"):
        answer = get(SCHEMA_COMPARE_STATUS, taskId="cc-th6j3fs58y", precheckTaskId=precheck_id)
        assert answer.json()["data"]["precheckTaskId"] == precheck_id


@pytest.mark.parametrize("how", ["by the API", "by its keeper"])
def test_a_replications_new_precheck_takes_the_old_ones_place(
    how: str, sandbox: Handle, client: httpx.Client, get: Get, sign: Sign
) -> None:
    """It has no id by which it could be told apart, and the answer to the start has no data."""
    if how == "by the API":
        started = client.post(
            REPLICATION_START, json={"replicationId": "rp-div0qqpbffio"}, headers=sign(REPLICATION_START)
        )
        assert list(started.json()) == ["success", "requestId"]
    else:
        assert sandbox.start_again("rp-div0qqpbffio") == ""
    answer = get(REPLICATION_STATUS, replicationId="rp-div0qqpbffio").json()
    assert answer["data"]["precheckStatus"] == "failure"
    assert answer["requestId"] != "Tv8j8OCQ-JPQIeDXnIMNi2TEdLNx0HDG"


def test_starting_an_unknown_replication_fails(client: httpx.Client, sign: Sign) -> None:
    """In the documented words."""
    answer = client.post(REPLICATION_START, json={"replicationId": "rp-x"}, headers=sign(REPLICATION_START))
    assert answer.json()["message"] == "replication rp-x not found"


def test_requests_are_counted_by_the_id_that_they_name(
    sandbox: Handle, client: httpx.Client, get: Get, sign: Sign
) -> None:
    """Each family names its tasks in its own way; the list counts under a name of its own."""
    get(REPLICATION_STATUS, replicationId="rp-div0qqpbffio")
    get(SCHEMA_COMPARE_STATUS, taskId="cc-th6j3fs58y", precheckTaskId="pcte-dji009w2k499")
    client.post(REPLICATION_START, json={"replicationId": "rp-div0qqpbffio"}, headers=sign(REPLICATION_START))
    for page in (1, 2):
        get(REPLICATION_LIST, current=page)
    assert sandbox.requests().per_task == {"rp-div0qqpbffio": 2, "cc-th6j3fs58y": 1, "replication/list": 2}


@pytest.fixture
def old_client(sign: Sign) -> Iterator[Get]:
    """Asks a server that knows data comparison alone."""
    with (
        run_in_thread(Sandbox(demo_tasks(), families=["data_compare"])) as sandbox,
        httpx.Client(base_url=sandbox.base_url, trust_env=False) as client,
    ):
        yield lambda path, **query: client.get(path, params=query, headers=sign(path))


@pytest.mark.parametrize("path", [SCHEMA_COMPARE_STATUS, REPLICATION_STATUS, REPLICATION_LIST])
def test_an_old_server_has_a_page_where_it_lacks_a_family(old_client: Get, path: str) -> None:
    """404 in HTML, whatever is asked for."""
    answer = old_client(path, taskId="cc-th6j3fs58y", replicationId="rp-div0qqpbffio")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html"


def test_an_old_server_has_the_families_that_it_has(old_client: Get) -> None:
    """As ever."""
    answer = old_client(DATA_COMPARE_STATUS, taskId="cd-tg3isu1xgs", precheckTaskId="pcte-dj02vti9tabd")
    assert answer.json()["success"] is True


def test_a_kind_that_there_is_not_is_refused() -> None:
    """Where it is written, with those that there are."""
    message = "kind must be one of data_compare, schema_compare, replication, not 'backup'"
    for wrong in (
        lambda: Sandbox(families=["backup"]),
        lambda: Sandbox([Task("bk-1", "", "one", kind="backup")]),
        lambda: fleet(1, kind="backup"),
        lambda: family_of("backup"),
    ):
        with pytest.raises(ValueError, match=message):
            wrong()


def test_no_two_families_share_a_path_or_a_kind_of_id() -> None:
    """A request belongs to one family."""
    paths = [path for family in FAMILIES for path in family.routes]
    assert len(set(paths)) == len(paths)
    assert len({family.id_prefix for family in FAMILIES}) == len(FAMILIES)
