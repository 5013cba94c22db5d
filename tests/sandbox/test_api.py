"""The API answers as documented: requests and answers as data."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from exporter.sandbox import Task, demo_tasks, fleet
from exporter.sandbox.api import NOW, Api
from exporter.sandbox.clock import Clock
from exporter.sandbox.messages import Answer, Request
from exporter.sandbox.prechecks import Item, Run, Script, Status
from tests.sandbox.paths import DATA_COMPARE_START

DOCUMENTED = (
    '{"success": true, "requestId": "Lu8t2KPM-eqqraVGnllse6BZdmnh5DQM", '
    '"data": {"taskId": "cd-tg3isu1xgs", "precheckTaskId": "pcte-dj02vti9tabd", "status": "Success", '
    '"precheckItems": [{"precheckItem": "compareSrcPermissionCheck", '
    '"itemName": "Source database privilege check", "itemDescription": '
    '"Check whether the account privileges of the source database meet the requirements", "status": "Success"}, '
    '{"precheckItem": "targetDataSourceCheck", "itemName": "Target Connection Check", "itemDescription": '
    '"Check the status of the gateway of the target datasource, database connectable, '
    'and verify the username and password", "status": "Success"}]}}'
)

BROKEN = Item("b", "B", "checks b", seconds=5, outcome=Status.FAILED, error_message="B is broken. Mend it.")
MENDED = replace(BROKEN, outcome=Status.SUCCESS, error_message="")
TASK = Task("cd-1", "pcte-1", "one", script=Script((Run((BROKEN,)), Run((MENDED,))), rest_seconds=60))

ApiOf = Callable[..., Api]
RequestAt = Callable[..., Request]


def read(answer: Answer) -> dict[str, object]:
    value = json.loads(answer.body)
    assert isinstance(value, dict)
    return value


def test_the_documented_example_is_answered_word_for_word(api_of: ApiOf, request_at: RequestAt) -> None:
    """The same keys, values and order."""
    request = request_at(taskId="cd-tg3isu1xgs", precheckTaskId="pcte-dj02vti9tabd")
    answer = api_of(*demo_tasks()).answer(request)
    assert answer.body.decode() == DOCUMENTED
    assert answer.status == 200
    assert answer.content_type == "application/json"


def test_an_item_has_its_message_once_it_has_failed(api_of: ApiOf, request_at: RequestAt, now: object) -> None:
    """Before, and where it passes, the field is missing."""
    api, request = api_of(TASK), request_at(taskId="cd-1", precheckTaskId="pcte-1")
    item = {"precheckItem": "b", "itemName": "B", "itemDescription": "checks b"}
    running = read(api.answer(request))["data"]
    assert running == {
        "taskId": "cd-1",
        "precheckTaskId": "pcte-1",
        "status": "Running",
        "precheckItems": [{**item, "status": "Running"}],
    }
    now.seconds += 5
    failed = read(api.answer(request))["data"]
    assert failed["status"] == "Failed"
    assert failed["precheckItems"] == [{**item, "status": "Failed", "errorMessage": "B is broken. Mend it."}]


def test_every_answer_has_its_own_request_id(api_of: ApiOf, request_at: RequestAt) -> None:
    """Successful or not, 32 characters."""
    api, request = api_of(*fleet(1)), request_at(taskId="cd-fleet-00001", precheckTaskId="pcte-fleet-00001")
    unknown = request_at(taskId="cd-fleet-00001", precheckTaskId="pcte-other")
    ids = [str(read(api.answer(each))["requestId"]) for each in (request, request, unknown, unknown)]
    assert len(set(ids)) == 4
    assert {len(each) for each in ids} == {32}


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({}, 400, "parameter taskId is missing"),
        ({"taskId": "cd-1"}, 400, "parameter precheckTaskId is missing"),
        ({"taskId": "cd-1", "precheckTaskId": "pcte-2"}, 200, "precheck task not found"),
        ({"taskId": "cd-2", "precheckTaskId": "pcte-1"}, 200, "precheck task not found"),
    ],
)
def test_a_wrong_query_is_a_failure_in_the_envelope(
    api_of: ApiOf, request_at: RequestAt, query: dict[str, str], status: int, message: str
) -> None:
    """`success` is false, and the message says why."""
    answer = api_of(TASK).answer(request_at(**query))
    failure = read(answer)
    assert answer.status == status
    assert list(failure) == ["success", "errorCode", "message", "requestId"]
    assert failure["success"] is False
    assert failure["message"] == message


def test_a_task_without_a_script_is_unknown(api_of: ApiOf, request_at: RequestAt) -> None:
    """So the demo shows a query that fails."""
    task = Task("cd-1", "pcte-1", "one")
    answer = api_of(task).answer(request_at(taskId="cd-1", precheckTaskId="pcte-1"))
    assert read(answer)["message"] == "precheck task not found"


def test_an_unsigned_request_is_refused(api_of: ApiOf, request_at: RequestAt) -> None:
    """401 with the reason in the envelope."""
    answer = api_of(TASK).answer(replace(request_at(), headers={}))
    assert answer.status == 401
    assert read(answer)["message"] == "header access-key-id is missing"


def test_a_skewed_clock_refuses_who_has_the_right_time(api_of: ApiOf, request_at: RequestAt, clock: Clock) -> None:
    """And leaves the prechecks where they are."""
    clock.skew_seconds = 700
    answer = api_of(TASK).answer(request_at(taskId="cd-1", precheckTaskId="pcte-1"))
    assert "10 minutes" in str(read(answer)["message"])
    assert clock.http_date() == "Fri, 02 Jan 2026 03:15:45 GMT"
    assert clock.elapsing() == clock.server() - 700


def test_an_unknown_path_is_a_page_as_of_an_old_server(api_of: ApiOf, request_at: RequestAt) -> None:
    """404 with HTML, before anything is verified."""
    answer = api_of(TASK).answer(replace(request_at("/openapi/v9/other"), headers={}))
    assert answer.status == 404
    assert answer.content_type == "text/html"


def test_a_known_path_has_its_method_alone(api_of: ApiOf, request_at: RequestAt) -> None:
    """405 in the envelope."""
    answer = api_of(TASK).answer(request_at(method="DELETE"))
    assert answer.status == 405
    assert read(answer)["message"] == "method DELETE is not allowed"


def test_a_start_gives_a_new_id_and_leaves_the_old_one(api_of: ApiOf, request_at: RequestAt, now: object) -> None:
    """The new precheck plays the next run; the old one stays as its run ends."""
    api = api_of(TASK)
    started = read(api.answer(request_at(DATA_COMPARE_START, "POST", b'{"taskId": "cd-1"}')))["data"]
    assert started["taskId"] == "cd-1"
    new_id = started["precheckTaskId"]
    assert new_id.startswith("pcte-")
    assert new_id != "pcte-1"
    now.seconds += 5
    statuses = {
        precheck_id: read(api.answer(request_at(taskId="cd-1", precheckTaskId=precheck_id)))["data"]["status"]
        for precheck_id in ("pcte-1", new_id)
    }
    assert statuses == {"pcte-1": "Failed", new_id: "Success"}


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "parameter taskId is missing"),
        (b"{", 400, "parameter taskId is missing"),
        (b"[]", 400, "parameter taskId is missing"),
        (b'{"taskId": 1}', 400, "parameter taskId is missing"),
        (b'{"taskId": "cd-2"}', 200, "task not found"),
    ],
)
def test_a_start_needs_a_known_task_in_its_body(
    api_of: ApiOf, request_at: RequestAt, body: bytes, status: int, message: str
) -> None:
    """Its parameters are JSON."""
    answer = api_of(TASK).answer(request_at(DATA_COMPARE_START, "POST", body))
    assert answer.status == status
    assert read(answer)["message"] == message


def test_a_start_needs_a_content_type(api_of: ApiOf, request_at: RequestAt) -> None:
    """The one header that a GET goes without."""
    request = request_at(DATA_COMPARE_START, "POST", b'{"taskId": "cd-1"}')
    without = {name: value for name, value in request.headers.items() if name != "content-type"}
    assert api_of(TASK).answer(replace(request, headers=without)).status == 415


def test_now_tells_the_servers_time(api_of: ApiOf, request_at: RequestAt, clock: Clock) -> None:
    """Skew and all."""
    clock.skew_seconds = -5
    assert read(api_of(TASK).answer(request_at(NOW)))["data"] == "2026-01-02T03:04:00Z"


def test_a_reset_begins_again(api_of: ApiOf, request_at: RequestAt) -> None:
    """Ids of prechecks started since are unknown then."""
    api = api_of(TASK)
    new_id = api.start_again("cd-1")
    api.reset()
    answer = api.answer(request_at(taskId="cd-1", precheckTaskId=new_id))
    assert read(answer)["message"] == "precheck task not found"
    answer = api.answer(request_at(taskId="cd-1", precheckTaskId="pcte-1"))
    assert read(answer)["data"]["status"] == "Running"
