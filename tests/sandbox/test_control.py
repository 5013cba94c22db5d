"""The paths by which a user changes how the sandbox behaves; docs/rehearsal.md promises them."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import COMPARISON, LIST, Api

pytestmark = pytest.mark.anyio

TASK = "cd-b7k2m9qx4e"
"""billing-eu, which has passed."""
REASON = "Table billing.refunds is missing. Create it and run the precheck again."


async def test_a_precheck_is_made_to_fail_and_fixed(api: Api) -> None:
    await api.control("PUT", f"prechecks/{TASK}", {"failed": {"targetDataExistCheck": REASON}})
    data = (await api.precheck("billing-eu"))["data"]
    assert data["status"] == "Failed"
    failed = [item for item in data["precheckItems"] if item["status"] == "Failed"]
    assert [(item["precheckItem"], item["errorMessage"]) for item in failed] == [("targetDataExistCheck", REASON)]
    await api.control("PUT", f"prechecks/{TASK}", {})
    assert (await api.precheck("billing-eu"))["data"]["status"] == "Success"


@pytest.mark.parametrize("status", ["Unstarted", "Running"])
async def test_a_precheck_is_made_to_wait_or_run_for_ever(api: Api, status: str) -> None:
    await api.control("PUT", f"prechecks/{TASK}", {"status": status})
    api.now += 1e6
    assert (await api.precheck("billing-eu"))["data"]["status"] == status


async def test_a_running_replication_precheck_has_no_status(api: Api) -> None:
    """None is documented."""
    await api.control("PUT", "prechecks/rp-h2s8c5yk1wza", {"status": "Running"})
    data = (await api.precheck("customers-dwh"))["data"]
    assert (data["precheckStatus"], data["items"]) == (None, [])


async def test_a_precheck_returns_to_its_own_script(api: Api) -> None:
    """Also one that the API does not know by itself."""
    for task, name in ((TASK, "billing-eu"), ("cd-o0g6l3wt5s", "legacy-erp")):
        before = (await api.precheck(name))["success"]
        await api.control("PUT", f"prechecks/{task}", {"failed": {"srcDataSourceCheck": REASON}})
        assert (await api.precheck(name))["data"]["status"] == "Failed"
        await api.control("DELETE", f"prechecks/{task}")
        assert (await api.precheck(name))["success"] is before


@pytest.mark.parametrize(
    ("fault", "status", "part"),
    [
        ({"kind": "http_error", "status": 502}, 502, "the server reports an error"),
        ({"kind": "api_error", "message": "quota exceeded", "error_code": "QUOTA"}, 200, "quota exceeded"),
        ({"kind": "auth"}, 401, "unknown access key"),
        ({"kind": "rate_limited", "retry_after": 30}, 429, "too many requests"),
        ({"kind": "not_found"}, 200, "precheck task not found"),
        ({"kind": "slow", "seconds": 0.01}, 200, '"success": true'),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
async def test_a_fault_is_for_one_task(api: Api, fault: dict[str, object], status: int, part: str) -> None:
    await api.control("PUT", f"faults/{TASK}", fault)
    answer = await api.get(COMPARISON, taskId=TASK, precheckTaskId=api.sandbox.api.known[TASK].precheck_task_id)
    assert answer.status_code == status
    assert part in answer.text
    assert answer.headers.get("Retry-After") == ("30" if status == 429 else None)
    assert (await api.precheck("orders-prod"))["success"]
    await api.control("DELETE", f"faults/{TASK}")
    assert (await api.precheck("billing-eu"))["success"]


async def test_a_task_is_made_to_fail_differ_and_fall_behind(api: Api) -> None:
    async def data(path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
        return (await api.get(f"/openapi/v1/{path}", **query)).json()["data"]

    await api.control("PUT", f"tasks/{TASK}", {"status": "failed", "error": "The disk is full."})
    failed = await data("comparedata/queryTaskById", taskId=TASK)
    assert (failed["status"], failed["errMsg"]) == ("failed", "The disk is full.")
    await api.control("PUT", f"tasks/{TASK}", {"different": 3, "only_target": 2})
    task = await data("comparedata/queryTaskById", taskId=TASK)
    result = await data("comparedata/queryTaskExecInfo", execId=task["lastExecId"])
    assert [result[key] for key in ("onlySourceRows", "onlyTargetRows", "differenceRows")] == [0, 2, 3]
    for body, shown in (({"delay_seconds": 900}, ("running", 900_000)), ({"status": "stopped"}, ("stopped", 0))):
        await api.control("PUT", "tasks/rp-div0qqpbffio", body)
        subtask = (await data("replication/status", replicationId="rp-div0qqpbffio"))["subTaskList"][2]
        assert (subtask["status"], subtask["delay"]) == shown


async def test_a_fault_can_be_for_one_endpoint_of_a_task(api: Api) -> None:
    """So that a failing precheck query leaves the task's own query alone, and the other way round."""
    paths = ["precheck/status", "queryTaskById"]
    query = {"taskId": TASK, "precheckTaskId": api.sandbox.api.known[TASK].precheck_task_id}
    for noun, statuses in (("precheck", [503, 200]), ("status", [200, 503])):
        await api.control("PUT", f"faults/{TASK}/{noun}", {"kind": "http_error"})
        assert [(await api.get(f"/openapi/v1/comparedata/{path}", **query)).status_code for path in paths] == statuses
        await api.control("DELETE", f"faults/{TASK}/{noun}")


async def test_a_hanging_or_absent_api_does_not_answer(api: Api) -> None:
    await api.control("PUT", "faults", {"kind": "away"})
    with pytest.raises(httpx.RemoteProtocolError):
        await api.precheck("orders-prod")
    await api.control("PUT", "faults", {"kind": "hang"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(api.precheck("orders-prod"), 0.05)
    await api.control("DELETE", "faults")
    assert (await api.precheck("orders-prod"))["success"]


async def test_a_fault_can_be_for_the_list_or_one_of_its_pages(api: Api) -> None:
    await api.control("PUT", "faults/replication/list/2", {"kind": "auth"})
    assert [(await api.get(LIST, current=current)).status_code for current in (1, 2)] == [200, 401]
    await api.control("PUT", "faults/replication/list", {"kind": "http_error"})
    assert [(await api.get(LIST, current=current)).status_code for current in (1, 2)] == [503, 401]


async def test_the_clock_is_set_and_a_reset_ends_everything(api: Api) -> None:
    await api.control("PUT", "clock", {"skew_seconds": -700})
    assert "10 minutes" in (await api.precheck("orders-prod"))["message"]
    await api.control("PUT", "faults", {"kind": "auth"})
    await api.control("PUT", "prechecks/cd-tg3isu1xgs", {"status": "Running"})
    await api.control("POST", "reset")
    assert (await api.precheck("orders-prod"))["data"]["status"] == "Success"


async def test_the_tasks_are_listed_with_their_items_and_requests(api: Api) -> None:
    await api.precheck("orders-prod")
    first = (await api.control("GET", "tasks"))[0]
    assert first.pop("items")[0] == "srcDataSourceCheck"
    assert first == {
        "task_id": "cd-tg3isu1xgs",
        "precheck_task_id": "pcte-dj02vti9tabd",
        "name": "orders-prod",
        "kind": "data_compare",
        "status": "success",
        "requests": 1,
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("PUT", "faults", {"kind": "x"}, "kind must be one of http_error, "),
        ("PUT", "faults", {"kind": "hang", "seconds": 3}, "hang takes no seconds 3"),
        ("PUT", "faults", {"kind": "http_error", "status": 700}, "http_error takes no status 700"),
        ("PUT", "faults", [], "kind must be one of http_error, "),
        ("PUT", "nothing", {}, "there is no PUT /sandbox/nothing"),
        ("PUT", f"prechecks/{TASK}", {"failed": {"x": "y"}}, "data_compare has no check item x; it has srcDataSource"),
        ("PUT", f"prechecks/{TASK}", {"failed": ["x"]}, "failed must be an object of check items and their reasons"),
        ("PUT", f"prechecks/{TASK}", {"fail": {}}, "a precheck is an object with status, failed, warning or seconds"),
        ("PUT", f"prechecks/{TASK}", {"status": "Failed"}, "status must be Unstarted or Running"),
        ("PUT", f"tasks/{TASK}", {"delay_seconds": 3}, "a task of kind data_compare is an object with status, only_so"),
        ("PUT", f"tasks/{TASK}", {"status": "late"}, "status must be one of success, failed, "),
        ("PUT", f"tasks/{TASK}", {"different": -1}, "different must be a number, 0 or more"),
        ("PUT", "prechecks/cd-x", {}, "there is no task cd-x"),
        ("PUT", "clock", {"skew_seconds": "1"}, "skew_seconds must be a number"),
    ],
)
async def test_a_mistake_is_named(api: Api, method: str, path: str, body: object, error: str) -> None:
    """A typing error must not look like a sandbox that obeys."""
    assert error in (await api.control(method, path, body))["error"]
