"""The sandbox answers as the documentation of the NineData API says."""

from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from exporter.sandbox import fleet
from tests.sandbox.conftest import COMPARISON, LIST, PRECHECK, START, Api, serving

pytestmark = pytest.mark.anyio


async def test_a_comparison_has_the_documented_answer(api: Api) -> None:
    assert await api.precheck("orders-prod") == {
        "success": True,
        "requestId": "Lu8t2KPM-eqqraVGnllse6BZdmnh5DQM",
        "data": {
            "taskId": "cd-tg3isu1xgs",
            "precheckTaskId": "pcte-dj02vti9tabd",
            "status": "Success",
            "precheckItems": [
                {
                    "precheckItem": "compareSrcPermissionCheck",
                    "itemName": "Source database privilege check",
                    "itemDescription": "Check whether the account privileges of the source database meet the "
                    "requirements",
                    "status": "Success",
                },
                {
                    "precheckItem": "targetDataSourceCheck",
                    "itemName": "Target Connection Check",
                    "itemDescription": "Check the status of the gateway of the target datasource, database "
                    "connectable, and verify the username and password",
                    "status": "Success",
                },
            ],
        },
    }


async def test_a_replication_precheck_has_the_documented_answer(api: Api) -> None:
    data = (await api.precheck("orders-standby"))["data"]
    assert (data["replicationId"], data["precheckStatus"]) == ("rp-div0qqpbffio", "failure")
    assert [(item["itemId"], item["status"]) for item in data["items"]] == [
        ("replBidirectionLoopExistCheck", "success"),
        ("srcDataSourceCheck", "failure"),
    ]
    assert data["items"][0]["message"] == ""
    assert data["items"][1]["message"].startswith("Failed to connect")


async def test_a_failed_comparison_has_a_reason_only_at_failed_items(api: Api) -> None:
    data = (await api.precheck("inventory-prod"))["data"]
    assert data["status"] == "Failed"
    with_message = {item["precheckItem"] for item in data["precheckItems"] if "errorMessage" in item}
    assert with_message == {item["precheckItem"] for item in data["precheckItems"] if item["status"] == "Failed"}
    assert len(with_message) == 3


async def test_a_warning_is_told_for_replication_only(api: Api) -> None:
    assert (await api.precheck("ledger-failover"))["data"]["precheckStatus"] == "warning"
    assert (await api.precheck("ledger-eu"))["data"]["status"] == "Success"


@pytest.mark.parametrize(
    ("kind", "query", "message"),
    [
        ("data_compare", {"taskId": "cd-x", "precheckTaskId": "p"}, "precheck task not found"),
        ("data_compare", {"taskId": "cc-th6j3fs58y", "precheckTaskId": "pcte-dji009w2k499"}, "precheck task not found"),
        ("data_compare", {"precheckTaskId": "p"}, "parameter taskId is missing"),
        ("schema_compare", {"taskId": "cc-x"}, "parameter precheckTaskId is missing"),
        ("replication", {"replicationId": "rp-x"}, "replication rp-x not found"),
        ("replication", {}, "parameter replicationId is missing"),
    ],
)
async def test_a_precheck_that_is_not_there_is_a_failure(
    api: Api, kind: str, query: dict[str, str], message: str
) -> None:
    answer = (await api.get(PRECHECK[kind], **query)).json()
    assert (answer["success"], answer["message"]) == (False, message)


@pytest.mark.parametrize(
    ("seconds", "changes", "message"),
    [
        (0.0, {"access-key-id": None}, "header access-key-id is missing"),
        (0.0, {"access-key-id": "ak-other"}, "unknown access key"),
        (0.0, {"timestamp": "2026-01-02 03:04:05"}, "timestamp is not of the form 2024-05-31T09:15:33Z"),
        (0.0, {"signature": "0" * 64}, "wrong signature"),
        (601.0, {}, "timestamp is more than 10 minutes from the server's clock"),
        (-601.0, {}, "timestamp is more than 10 minutes from the server's clock"),
        (600.0, {}, "parameter taskId is missing"),
    ],
    ids=str,
)
async def test_only_a_well_signed_request_is_answered(
    api: Api, seconds: float, changes: dict[str, str | None], message: str
) -> None:
    answer = await api.client.get(COMPARISON, headers=api.headers(COMPARISON, seconds=seconds, **changes))
    assert answer.json()["message"] == message


async def test_the_date_header_is_the_servers_clock(api: Api) -> None:
    api.sandbox.skew_seconds = 90
    answer = await api.get(COMPARISON)
    assert parsedate_to_datetime(answer.headers["Date"]).timestamp() == START + 90


async def page(api: Api, **query: str | int) -> tuple[list[str], dict[str, Any]]:
    """The names on a page, and what stands beside the data."""
    envelope = (await api.get(LIST, **query)).json()
    return [entry["name"] for entry in envelope.pop("data")], envelope


async def test_the_list_comes_in_pages(api: Api) -> None:
    """The numbers stand beside the data."""
    first, envelope = await page(api, current=1, pageSize=2)
    assert (envelope["current"], envelope["pageSize"], envelope["total"]) == (1, 2, 5)
    second, _ = await page(api, current=2, pageSize=2)
    assert [*first, *second] == ["orders-standby", "customers-dwh", "ledger-failover", "billing-dwh"]
    assert (await page(api, current=3, pageSize=2))[0] == ["members-archive"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "running"}, ["customers-dwh", "members-archive"]),
        ({"status": "preCheckFailed"}, ["orders-standby"]),
    ],
    ids=str,
)
async def test_the_list_is_filtered(api: Api, query: dict[str, str], names: list[str]) -> None:
    assert (await page(api, **query))[0] == names


async def test_the_list_refuses_wrong_numbers(api: Api) -> None:
    assert (await api.get(LIST, current=0)).status_code == 400


async def test_a_fleet_has_as_many_tasks_as_asked_and_a_page_at_most_100() -> None:
    async with serving(fleet(250, "replication")) as api:
        names, envelope = await page(api, current=3, pageSize=1000)
    assert (names[0], len(names), envelope["total"]) == ("fleet-00201", 50, 250)


async def own(api: Api, path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
    """The data of an answer about a task itself."""
    answer = (await api.get(f"/openapi/v1/{path}", **query)).json()
    assert answer["success"], answer
    return answer["data"]


async def test_a_data_comparison_and_its_execution_have_the_documented_answer(api: Api) -> None:
    assert await own(api, "comparedata/queryTaskById", taskId="cd-tg3isu1xgs") == {
        "id": "cd-tg3isu1xgs",
        "lastExecId": 285324,
        "status": "success",
        "createTime": "2025-03-19 09:12:40Z",
        "name": "orders-prod",
        "isDeleted": False,
        "errMsg": "",
    }
    assert await own(api, "comparedata/queryTaskExecInfo", execId=285324) == {
        "id": 285324,
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
    """Its numbers come as strings; an earlier execution stays."""
    seen = []
    for seconds in (120, 240, 360):
        api.now += seconds
        task = await own(api, "comparedata/queryTaskById", taskId="cd-b7k2m9qx4e")
        result = await own(api, "comparedata/queryTaskExecInfo", execId=task["lastExecId"])
        seen.append((task["lastExecId"], task["status"], result["onlySourceRows"], result["skipTableCount"]))
    assert seen == [("385324", "running", 6, "1"), ("385324", "success", 12, "1"), ("385325", "running", 1, "1")]
    assert (await own(api, "comparedata/queryTaskExecInfo", execId="385324"))["status"] == "success"


async def test_a_failed_task_has_a_reason_and_a_new_one_no_execution(api: Api) -> None:
    failed = await own(api, "comparedata/queryTaskById", taskId="cd-l2x7j4pc9o")
    assert (failed["status"], "was lost" in failed["errMsg"]) == ("failed", True)
    fresh = await own(api, "comparedata/queryTaskById", taskId="cd-i9d3v5hy2k")
    assert (fresh["status"], fresh["lastExecId"]) == ("notStarted", None)


async def test_schema_comparisons_are_listed_within_the_data(api: Api) -> None:
    data = await own(api, "compareschema/queryTaskList", pageNumber=1, pageSize=3)
    assert (data["pageNumber"], data["pageSize"], data["total"]) == (1, 3, 4)
    listed = [(entry["taskName"], entry["status"]) for entry in data["schemaComparisons"]]
    assert listed == [("orders-schema", "success"), ("inventory-schema", "notStarted"), ("billing-schema", "failed")]
    failed = data["schemaComparisons"][2]
    query = {"taskId": failed["taskId"], "execId": failed["lastExecId"]}
    assert "Schema invoices" in (await own(api, "compareschema/queryTaskExecInfo", **query))["errorMessage"]
    assert "errMsg" not in await own(api, "compareschema/queryTaskById", taskId="cc-th6j3fs58y")


async def test_a_replication_falls_behind_and_catches_up(api: Api) -> None:
    delays = []
    for _ in range(4):
        data = await own(api, "replication/status", replicationId="rp-h2s8c5yk1wza")
        delays.append(data["subTaskList"][2]["delay"])
        api.now += 200
    assert delays == ["672", "600224", "750112", "450336"]
    copying = await own(api, "replication/status", replicationId="rp-g3b7s9ck2miy")
    assert copying["currentSubTaskType"] == "full"
    assert [subtask["percent"] for subtask in copying["subTaskList"]] == [100.0, 44.4, 0.0, 0.0]


async def test_a_started_precheck_has_a_new_id_and_a_replications_has_none(api: Api) -> None:
    async def start(room: str, **body: str) -> dict[str, Any]:
        path = f"/openapi/v1/{room}/precheck/start"
        envelope: dict[str, Any] = (await api.client.post(path, json=body, headers=api.headers(path))).json()
        return envelope

    first = (await start("comparedata", taskId="cd-o0g6l3wt5s"))["data"]
    second = (await start("comparedata", taskId="cd-o0g6l3wt5s"))["data"]
    assert first["precheckTaskId"] != second["precheckTaskId"]
    assert (await own(api, "comparedata/precheck/status", **first))["status"] == "Success"
    assert (await start("replication", replicationId="rp-h2s8c5yk1wza")).keys() == {"success", "requestId"}
    assert (await start("comparedata", taskId="cc-th6j3fs58y"))["message"] == "task not found"
