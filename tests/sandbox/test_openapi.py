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
    assert (envelope["current"], envelope["pageSize"], envelope["total"]) == (1, 2, 3)
    second, _ = await page(api, current=2, pageSize=2)
    assert [*first, *second] == ["orders-standby", "customers-dwh", "ledger-failover"]
    assert (await page(api, current=3, pageSize=2))[0] == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["orders-standby", "customers-dwh", "ledger-failover"]),
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
