"""The sandbox answers as the documentation of the NineData API says."""

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from exporter.sandbox import fleet
from tests.sandbox.conftest import PRECHECK, START, Api, serving

pytestmark = pytest.mark.anyio


async def test_a_comparisons_precheck_has_the_documented_answer(api: Api) -> None:
    """Only failed items have a reason."""
    envelope = await api.precheck("inventory-schema")
    data, items = envelope["data"], envelope["data"].pop("precheckItems")
    assert envelope.keys() == {"success", "requestId", "data"}
    assert data == {"taskId": "cc-k4v9n2xw7d", "precheckTaskId": "pcte-k4v9n2xw7d", "status": "Failed"}
    assert items[2:4] == [
        {
            "precheckItem": "compareSrcPermissionCheck",
            "itemName": "Source database privilege check",
            "itemDescription": "Check whether the account privileges of the source database meet the requirements",
            "status": "Success",
        },
        {
            "precheckItem": "compareTargetPermissionCheck",
            "itemName": "Target database privilege check",
            "itemDescription": "Check whether the account privileges of the target database meet the requirements",
            "status": "Failed",
            "errorMessage": "The account lacks SHOW VIEW on 2 schemas: stock, suppliers. "
            "Grant it and run the precheck again.",
        },
    ]


async def test_a_replications_precheck_has_the_documented_answer(api: Api) -> None:
    data = (await api.precheck("orders-standby"))["data"]
    assert (data["replicationId"], data["precheckStatus"]) == ("rp-div0qqpbffio", "failure")
    assert [(item["itemId"], item["status"]) for item in data["items"][:2]] == [
        ("replBidirectionLoopExistCheck", "success"),
        ("srcDataSourceCheck", "failure"),
    ]
    assert data["items"][1]["message"].startswith("Failed to connect")


async def test_a_warning_is_told_for_replication_only(api: Api) -> None:
    """No status of comparisons is documented for it, but one of their items can have it."""
    assert (await api.precheck("ledger-failover"))["data"]["precheckStatus"] == "warning"
    data = (await api.precheck("ledger-eu"))["data"]
    assert data["status"] == "Success"
    assert [item["precheckItem"] for item in data["precheckItems"] if item["status"] == "Warning"] == [
        "compareTimeZoneCheck"
    ]


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        (PRECHECK["data_compare"], {"taskId": "cd-x", "precheckTaskId": "p"}, "task not found"),
        (PRECHECK["data_compare"], {"taskId": "cc-th6j3fs58y", "precheckTaskId": "p"}, "task not found"),
        (PRECHECK["schema_compare"], {"taskId": "cc-th6j3fs58y"}, "precheck task not found"),
        ("comparedata/queryTaskExecInfo", {"execId": "200001"}, "task execution not found"),
    ],
    ids=["task", "other kind", "precheck", "execution"],
)
async def test_what_is_not_there_is_a_failure(api: Api, path: str, query: dict[str, str], message: str) -> None:
    answer = (await api.get(path, **query)).json()
    assert (answer["success"], answer["message"]) == (False, message)


@pytest.mark.parametrize(
    ("seconds", "changes", "message"),
    [
        (0.0, {"access-key-id": None}, "unknown access key"),
        (0.0, {"access-key-id": "ak-other"}, "unknown access key"),
        (0.0, {"timestamp": "2026-01-02 03:04:05"}, "timestamp is not of the form 2024-05-31T09:15:33Z"),
        (0.0, {"signature": "0" * 64}, "wrong signature"),
        (601.0, {}, "timestamp is more than 10 minutes from the server's clock"),
        (-601.0, {}, "timestamp is more than 10 minutes from the server's clock"),
        (600.0, {}, "task not found"),
    ],
    ids=str,
)
async def test_only_a_well_signed_request_is_answered(
    api: Api, seconds: float, changes: dict[str, str | None], message: str
) -> None:
    path = PRECHECK["data_compare"]
    answer = await api.client.get(path, headers=api.headers(path, seconds=seconds, **changes))
    assert answer.json()["message"] == message


async def test_the_date_header_is_the_servers_clock(api: Api) -> None:
    api.sandbox.skew_seconds = 90
    answer = await api.get(PRECHECK["data_compare"])
    assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == START + 90


async def replications(api: Api, **query: str | int) -> tuple[list[str], dict[str, Any]]:
    """The names on a page, and what stands beside the data."""
    envelope = (await api.get("replication/list", **query)).json()
    return [entry["name"] for entry in envelope.pop("data")], envelope


async def test_replications_are_listed_in_pages_and_by_status(api: Api) -> None:
    """The numbers stand beside the data."""
    first, envelope = await replications(api, current=1, pageSize=2)
    assert (envelope["current"], envelope["pageSize"], envelope["total"]) == (1, 2, 5)
    second, _ = await replications(api, current=2, pageSize=2)
    assert [*first, *second] == ["orders-standby", "customers-dwh", "ledger-failover", "billing-dwh"]
    assert (await replications(api, current=3, pageSize=2))[0] == ["members-archive"]
    assert (await replications(api, status="running"))[0] == ["customers-dwh", "members-archive"]


async def test_a_fleet_has_as_many_tasks_as_asked_and_a_page_at_most_100() -> None:
    async with serving(fleet(250, "replication")) as api:
        names, envelope = await replications(api, current=3, pageSize=1000)
    assert (names[0], len(names), envelope["total"]) == ("fleet-00201", 50, 250)


async def test_schema_comparisons_are_listed_within_the_data(api: Api) -> None:
    data = await api.data("compareschema/queryTaskList", pageNumber=1, pageSize=3)
    assert (data["pageNumber"], data["pageSize"], data["total"]) == (1, 3, 4)
    assert data["schemaComparisons"] == [
        {"taskId": "cc-th6j3fs58y", "taskName": "orders-schema", "status": "success"},
        {"taskId": "cc-k4v9n2xw7d", "taskName": "inventory-schema", "status": "notStarted"},
        {"taskId": "cc-n5r1q8yb3g", "taskName": "billing-schema", "status": "failed"},
    ]


async def test_a_data_comparison_and_its_execution_have_the_documented_answer(api: Api) -> None:
    assert await api.data("comparedata/queryTaskById", taskId="cd-tg3isu1xgs") == {
        "id": "cd-tg3isu1xgs",
        "lastExecId": 100000,
        "status": "success",
        "createTime": "2025-03-19 09:12:40Z",
        "name": "orders-prod",
        "isDeleted": False,
        "errMsg": "",
    }
    assert await api.data("comparedata/queryTaskExecInfo", execId=100000) == {
        "id": 100000,
        "taskId": "cd-tg3isu1xgs",
        "status": "success",
        "createTime": "2026-01-02 03:04:05Z",
        "updateTime": "2026-01-02 03:04:05Z",
        "onlySourceRows": 0,
        "onlyTargetRows": 0,
        "differenceRows": 0,
        "skipTableCount": 0,
        "errorMessage": "",
    }


async def test_a_comparison_runs_again_and_finds_differences(api: Api) -> None:
    """An earlier execution stays."""
    seen = []
    for seconds in (120, 240, 360):
        api.now += seconds
        task = await api.data("comparedata/queryTaskById", taskId="cd-b7k2m9qx4e")
        result = await api.data("comparedata/queryTaskExecInfo", execId=task["lastExecId"])
        seen.append((task["lastExecId"], task["status"], result["onlySourceRows"], result["updateTime"][11:]))
    assert seen == [
        (200000, "running", 6, "03:06:05Z"),
        (200000, "success", 12, "03:08:05Z"),
        (200001, "running", 1, "03:16:05Z"),
    ]
    earlier = await api.data("comparedata/queryTaskExecInfo", execId="200000")
    assert (earlier["status"], earlier["onlySourceRows"], earlier["createTime"][11:]) == ("success", 12, "03:04:05Z")


async def test_a_failed_schema_comparison_has_a_reason_and_a_new_one_no_execution(api: Api) -> None:
    failed = await api.data("compareschema/queryTaskById", taskId="cc-n5r1q8yb3g")
    assert (failed["taskId"], failed["status"]) == ("cc-n5r1q8yb3g", "failed")
    execution = await api.data("compareschema/queryTaskExecInfo", taskId=failed["taskId"], execId=failed["lastExecId"])
    assert execution.keys() == {"taskId", "execId", "status", "errorMessage"}
    assert "Schema invoices" in failed["errMsg"] == execution["errorMessage"]
    fresh = await api.data("compareschema/queryTaskById", taskId="cc-k4v9n2xw7d")
    assert (fresh["status"], fresh["lastExecId"]) == ("notStarted", None)


async def test_a_replication_falls_behind_and_catches_up(api: Api) -> None:
    delays = []
    for _ in range(4):
        data = await api.data("replication/status", replicationId="rp-h2s8c5yk1wza")
        delays.append(data["subTaskList"][2]["delay"])
        api.now += 200
    assert delays == [672, 600672, 750672, 450672]
    copying = await api.data("replication/status", replicationId="rp-g3b7s9ck2miy")
    assert (copying["status"], copying["currentSubTaskType"]) == ("running", "full")
    assert copying["subTaskList"] == [
        {"subTaskType": "schema", "status": "success", "percent": 100.0},
        {"subTaskType": "full", "status": "running", "percent": 44.4},
        {"subTaskType": "inc_writer", "status": "notStarted", "percent": 0.0},
        {"subTaskType": "trigger", "status": "notStarted", "percent": 0.0},
    ]


async def test_a_started_precheck_has_a_new_id_and_a_replications_has_none(api: Api) -> None:
    async def start(room: str, **body: str) -> dict[str, Any]:
        path = f"/openapi/v1/{room}/precheck/start"
        envelope: dict[str, Any] = (await api.client.post(path, json=body, headers=api.headers(path))).json()
        return envelope

    first = (await start("comparedata", taskId="cd-o0g6l3wt5s"))["data"]
    second = (await start("comparedata", taskId="cd-o0g6l3wt5s"))["data"]
    assert first["precheckTaskId"] != second["precheckTaskId"]
    assert (await api.data("comparedata/precheck/status", **first))["status"] == "Success"
    assert (await start("replication", replicationId="rp-h2s8c5yk1wza")).keys() == {"success", "requestId"}
    assert (await start("comparedata", taskId="cc-th6j3fs58y"))["message"] == "task not found"
