"""The paths by which a user changes how the sandbox behaves; docs/rehearsal.md promises them."""

import json
import re
from pathlib import Path

import pytest

from tests.sandbox.conftest import Api

pytestmark = pytest.mark.anyio
DOCUMENTATION = (Path(__file__).parents[2] / "docs/rehearsal.md").read_text("utf-8")

TASK = "cd-b7k2m9qx4e"
"""billing-eu, which has passed."""
REPLICATION = "rp-h2s8c5yk1wza"
"""customers-dwh, which runs."""
REASON = "Table billing.refunds is missing. Create it and run the precheck again."


@pytest.mark.parametrize(("task", "name"), [(TASK, "billing-eu"), ("cd-o0g6l3wt5s", "legacy-erp")])
async def test_a_precheck_is_made_to_fail_and_fixed(api: Api, task: str, name: str) -> None:
    """Then it returns to its own script. Also one that the API does not know by itself."""
    before = (await api.precheck(name))["success"]
    await api.control("PUT", f"prechecks/{task}", {"failed": {"targetDataExistCheck": REASON}})
    data = (await api.precheck(name))["data"]
    assert data["status"] == "Failed"
    failed = [item for item in data["precheckItems"] if item["status"] == "Failed"]
    assert [(item["precheckItem"], item["errorMessage"]) for item in failed] == [("targetDataExistCheck", REASON)]
    await api.control("PUT", f"prechecks/{task}", {"seconds": 2})
    assert (await api.precheck(name))["data"]["status"] == "Running"
    api.now += 24
    assert (await api.precheck(name))["data"]["status"] == "Success"
    await api.control("DELETE", f"prechecks/{task}")
    assert (await api.precheck(name))["success"] is before


@pytest.mark.parametrize("status", ["Unstarted", "Running"])
async def test_a_precheck_is_made_to_wait_or_run_for_ever(api: Api, status: str) -> None:
    """Before its end a precheck of a replication has no documented status."""
    for task in (TASK, REPLICATION):
        await api.control("PUT", f"prechecks/{task}", {"status": status})
    api.now += 1e6
    assert (await api.precheck("billing-eu"))["data"]["status"] == status
    data = (await api.precheck("customers-dwh"))["data"]
    assert (data["precheckStatus"], data["items"]) == (None, [])


async def test_a_comparison_is_made_to_fail_and_to_differ(api: Api) -> None:
    await api.control("PUT", f"tasks/{TASK}", {"status": "failed", "error": "The disk is full."})
    failed = await api.data("comparedata/queryTaskById", taskId=TASK)
    assert (failed["status"], failed["errMsg"]) == ("failed", "The disk is full.")
    await api.control("PUT", f"tasks/{TASK}", {"different": 3, "only_target": 2, "skipped_tables": 1})
    result = await api.data("comparedata/queryTaskExecInfo", execId=failed["lastExecId"])
    keys = ("status", "onlySourceRows", "onlyTargetRows", "differenceRows", "skipTableCount")
    assert [result[key] for key in keys] == ["success", 0, 2, 3, 1]
    await api.control("DELETE", f"tasks/{TASK}")
    assert (await api.data("comparedata/queryTaskById", taskId=TASK))["status"] == "running"


@pytest.mark.parametrize(
    ("body", "status", "subtask", "delay"),
    [
        ({"delay_seconds": 900}, "running", "inc_writer", 900_000),
        ({"status": "stopped"}, "stopped", "inc_writer", 672),
        ({"status": "notStarted"}, "notStarted", "schema", None),
    ],
    ids=["late", "stopped", "waiting"],
)
async def test_a_replication_is_made_to_fall_behind_stop_and_wait(
    api: Api, body: dict[str, object], status: str, subtask: str, delay: int | None
) -> None:
    await api.control("PUT", f"tasks/{REPLICATION}", body)
    data = await api.data("replication/status", replicationId=REPLICATION)
    assert (data["status"], data["currentSubTaskType"]) == (status, subtask)
    assert data["subTaskList"][2].get("delay") == delay


async def test_a_fault_is_for_one_task_until_it_is_deleted(api: Api) -> None:
    await api.control("PUT", f"faults/{TASK}", {"kind": "rate_limited", "retry_after": 30})
    answer = await api.get("comparedata/queryTaskById", taskId=TASK)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert (await api.precheck("orders-prod"))["success"]
    await api.control("DELETE", f"faults/{TASK}")
    assert (await api.precheck("billing-eu"))["success"]


async def test_a_fault_can_be_for_one_endpoint_of_a_task_or_one_page_of_a_list(api: Api) -> None:
    """The narrowest fault counts."""
    faults = {"replication/list": "http_error", "replication/list/2": "auth", f"{TASK}/status": "http_error"}
    for name, kind in faults.items():
        await api.control("PUT", f"faults/{name}", {"kind": kind})
    assert [(await api.get("replication/list", current=page)).status_code for page in (1, 2)] == [503, 401]
    assert (await api.get("comparedata/queryTaskById", taskId=TASK)).status_code == 503
    assert (await api.precheck("billing-eu"))["success"]


async def test_the_clock_is_set_and_a_reset_ends_everything(api: Api) -> None:
    await api.control("PUT", "clock", {"skew_seconds": -700})
    assert "10 minutes" in (await api.precheck("orders-prod"))["message"]
    assert (await api.control("GET", "tasks"))[0]["status"] == "success", "before its start, too"
    await api.control("PUT", "faults", {"kind": "auth"})
    await api.control("PUT", "prechecks/cd-tg3isu1xgs", {"status": "Running"})
    await api.control("POST", "reset")
    assert (await api.precheck("orders-prod"))["data"]["status"] == "Success"


async def test_the_tasks_are_listed_with_their_items_and_requests(api: Api) -> None:
    await api.precheck("orders-prod")
    first = (await api.control("GET", "tasks"))[0]
    assert (first["task_id"], first["precheck_task_id"]) == ("cd-tg3isu1xgs", "pcte-tg3isu1xgs")
    assert (first["items"][0], first["requests"]) == ("srcDataSourceCheck", 1)


async def test_what_the_documentation_shows_is_accepted(api: Api) -> None:
    alerts = re.findall(r"\| `([-a-z0-9/]+)` \| `({.*?})` \|", DOCUMENTATION)
    faults = re.findall(r'^\| `({"kind".*?})`', DOCUMENTATION, re.MULTILINE)
    assert (len(alerts), len(faults)) == (12, 8)
    for path, body in [*alerts, *(("faults", fault) for fault in faults)]:
        assert await api.control("PUT", path, json.loads(body)) == json.loads(body)


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("faults", {"kind": "x"}, "kind must be one of http_error, "),
        ("faults", {"kind": "http_error", "status": 700}, "status must be a number from 400 to 599"),
        (f"prechecks/{TASK}", {"failed": {"x": "y"}}, "their reasons; the items are srcDataSourceCheck, "),
        (f"prechecks/{TASK}", {"fail": {}}, "the body must be an object with any of status, failed, warning, seconds"),
        (f"tasks/{TASK}", {"status": "late"}, "status must be one of notStarted, "),
        ("faults/cd-x", {"kind": "auth"}, "no such path or task: PUT /sandbox/faults/cd-x"),
        (f"faults/{TASK}/exec", {"kind": "auth"}, f"no such path or task: PUT /sandbox/faults/{TASK}/exec"),
        ("prechecks/cd-x", {}, "no such path or task: PUT /sandbox/prechecks/cd-x"),
    ],
    ids=str,
)
async def test_a_mistake_is_named(api: Api, path: str, body: object, error: str) -> None:
    """A typing error must not look like a sandbox that obeys."""
    assert error in (await api.control("PUT", path, body))["error"]
