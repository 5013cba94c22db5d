"""The sandbox answers as the documentation of the NineData API says."""

import pytest

from tests.sandbox.conftest import Api

pytestmark = pytest.mark.anyio


async def test_a_comparisons_precheck_has_the_documented_answer(api: Api) -> None:
    """Only failed items have a reason."""
    answer = await api.precheck("inventory-schema")
    items = answer["data"].pop("precheckItems")
    assert answer.keys() == {"success", "requestId", "data"}
    assert answer["data"] == {"taskId": "cc-k4v9n2xw7d", "precheckTaskId": "pcte-k4v9n2xw7d", "status": "Failed"}
    assert items[2] == {
        "precheckItem": "compareSrcPermissionCheck",
        "itemName": "Source database privilege check",
        "itemDescription": "Check whether the account privileges of the source database meet the requirements",
        "status": "Success",
    }
    assert items[3].pop("errorMessage").startswith("The account lacks SHOW VIEW")
    assert (items[3].keys(), items[3]["status"]) == (items[2].keys(), "Failed")


async def test_a_replications_precheck_has_the_documented_answer(api: Api) -> None:
    data = (await api.precheck("orders-standby"))["data"]
    assert (data["replicationId"], data["precheckStatus"]) == ("rp-div0qqpbffio", "failure")
    first, second = data["items"][:2]
    assert (first["itemId"], first["status"]) == ("replBidirectionLoopExistCheck", "success")
    assert (second["itemId"], second["status"]) == ("srcDataSourceCheck", "failure")
    assert second["message"].startswith("Failed to connect")


async def test_a_warning_is_the_status_of_replication_only(api: Api) -> None:
    """For comparisons none is documented."""
    assert (await api.precheck("ledger-failover"))["data"]["precheckStatus"] == "warning"
    data = (await api.precheck("ledger-eu"))["data"]
    assert (data["status"], [item["status"] for item in data["precheckItems"]].count("Warning")) == ("Success", 1)


@pytest.mark.parametrize(
    ("path", "query", "message"),
    [
        ("comparedata/queryTaskById", {"taskId": "cd-x"}, "task not found"),
        ("comparedata/queryTaskById", {"taskId": "cc-th6j3fs58y"}, "task not found"),
        ("compareschema/precheck/status", {"taskId": "cc-th6j3fs58y"}, "precheck task not found"),
        ("comparedata/queryTaskExecInfo", {"execId": "200001"}, "task execution not found"),
    ],
    ids=["task", "kind", "precheck", "execution"],
)
async def test_what_is_not_there_is_a_failure(api: Api, path: str, query: dict[str, str], message: str) -> None:
    answer = (await api.get(path, **query)).json()
    assert (answer["success"], answer["message"]) == (False, message)


@pytest.mark.parametrize(
    ("seconds", "changes", "message"),
    [
        (0.0, {"access-key-id": "ak-other"}, "unknown access key"),
        (0.0, {"timestamp": "2026-01-02 03:04:05"}, "timestamp is not of the form 2024-05-31T09:15:33Z"),
        (0.0, {"signature": "0" * 64}, "wrong signature"),
        (-601.0, {}, "timestamp is more than 10 minutes from the server's clock"),
        (600.0, {}, "task not found"),
    ],
    ids=["key", "timestamp", "signature", "late", "good"],
)
async def test_only_a_well_signed_request_is_answered(
    api: Api, seconds: float, changes: dict[str, str], message: str
) -> None:
    path = "comparedata/precheck/status"
    answer = await api.client.get(f"/openapi/v1/{path}", headers=api.headers(path, seconds) | changes)
    assert answer.json()["message"] == message


async def test_replications_are_listed_in_pages_and_by_status(api: Api) -> None:
    """The numbers stand beside the data."""
    answer = (await api.get("replication/list", current=2, pageSize=2)).json()
    assert (answer["current"], answer["pageSize"], answer["total"]) == (2, 2, 5)
    assert answer["data"] == [
        {"replicationId": "rp-t6m3q9fb4elu", "name": "ledger-failover", "status": "preCheckSuccess"},
        {"replicationId": "rp-j8w4v1xo7nrd", "name": "billing-dwh", "status": "abnormal"},
    ]
    running = await api.data("replication/list", status="running")
    assert [entry["name"] for entry in running] == ["customers-dwh", "members-archive"]


async def test_schema_comparisons_are_listed_within_the_data(api: Api) -> None:
    listed = {"taskId": "cc-n5r1q8yb3g", "taskName": "billing-schema", "status": "failed"}
    data = await api.data("compareschema/queryTaskList", pageNumber=3, pageSize=1)
    assert data == {"pageNumber": 3, "pageSize": 1, "total": 4, "schemaComparisons": [listed]}


async def test_a_data_comparison_runs_again_and_finds_rows(api: Api) -> None:
    """An earlier execution stays."""
    api.now += 720
    assert await api.data("comparedata/queryTaskById", taskId="cd-b7k2m9qx4e") == {
        "id": "cd-b7k2m9qx4e",
        "lastExecId": 200001,
        "status": "running",
        "name": "billing-eu",
        "isDeleted": False,
        "errMsg": "",
    }
    execution = await api.data("comparedata/queryTaskExecInfo", execId=200001)
    assert execution == {
        "id": 200001,
        "taskId": "cd-b7k2m9qx4e",
        "status": "running",
        "createTime": "2026-01-02 03:14:05Z",
        "updateTime": "2026-01-02 03:16:05Z",
        "onlySourceRows": 1,
        "onlyTargetRows": 0,
        "differenceRows": 0,
        "skipTableCount": 1,
        "errorMessage": "",
    }
    earlier = {"id": 200000, "status": "success", "onlySourceRows": 12, "differenceRows": 3}
    times = {"createTime": "2026-01-02 03:04:05Z", "updateTime": "2026-01-02 03:08:05Z"}
    assert await api.data("comparedata/queryTaskExecInfo", execId=200000) == execution | earlier | times
    api.now += 1200
    assert (await api.data("comparedata/queryTaskById", taskId="cd-b7k2m9qx4e"))["lastExecId"] == 200003


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
