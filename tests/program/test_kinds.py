"""The kinds of task: all are watched alike, and a server that lacks one says which."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from exporter.sandbox import Handle, Task, demo_tasks, fleet, run_in_thread
from exporter.sandbox.faults import HttpStatus
from exporter.sandbox.prechecks import Item, Run, Script
from exporter.sandbox.tasks import Unfinished
from tests.program.process import Exporter, Launcher, canary_sandbox
from tests.program.scrape import Scrape

Serve = Callable[..., Handle]

KINDS = ("data_compare", "schema_compare", "replication")
IDS = {
    "data_compare": "cd-fleet-00001",
    "schema_compare": "cc-fleet-00001",
    "replication": "rp-fleet-00001",
}
PATHS = {
    "schema_compare": "/openapi/v1/compareschema/precheck/status",
    "replication": "/openapi/v1/replication/precheck/status",
}


def one_of_each() -> list[Task]:
    """A task of each kind, passed."""
    return [task for kind in KINDS for task in fleet(1, items=2, kind=kind)]


@pytest.fixture(scope="module")
def exporter(launch_for_module: Launcher) -> Iterator[Exporter]:
    """Watches all tasks of the demo, each by its name."""
    with run_in_thread(canary_sandbox(demo_tasks())) as sandbox:
        yield launch_for_module(sandbox)


@pytest.fixture
def scrape(exporter: Exporter) -> Scrape:
    return exporter.scrape()


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("orders-prod", "data_compare", "Success"),
        ("inventory-prod", "data_compare", "Failed"),
        ("sessions-stage", "data_compare", "Unstarted"),
        ("orders-schema", "schema_compare", "Success"),
        ("inventory-schema", "schema_compare", "Failed"),
        ("orders-standby", "replication", "Failed"),
        ("customers-dwh", "replication", "Success"),
        ("ledger-failover", "replication", "Warning"),
    ],
)
def test_every_kind_has_its_status(exporter: Exporter, scrape: Scrape, name: str, kind: str, status: str) -> None:
    """In the metrics, on the page and as JSON."""
    task = next(task for task in demo_tasks() if task.name == name)
    assert scrape.up[task.task_id] == 1
    assert scrape.statuses[task.task_id] == status
    info = {"task": name, "kind": kind, "precheck_task_id": task.precheck_task_id}
    assert scrape.value("ninedata_precheck_info", **info) == 1
    told = exporter.json(f"/tasks/{task.task_id}")
    assert (told["status"], told["kind"], told["precheck_task_id"]) == (status, kind, task.precheck_task_id)
    assert f'<span class="badge {status}">{status}</span>' in exporter.page(f"/tasks/{task.task_id}")


def test_failing_items_of_every_kind_tell_their_reason(scrape: Scrape) -> None:
    """Failed or warned, wherever the API puts the text."""
    reasons = {
        (s.labels["task"], s.labels["item"]): s.labels["reason"]
        for s in scrape.samples("ninedata_precheck_item_failure_info")
    }
    assert reasons["inventory-schema", "compareTargetPermissionCheck"].startswith("The account lacks SHOW VIEW")
    assert reasons["orders-standby", "srcDataSourceCheck"].startswith("Failed to connect datasource orders-prod-mysql")
    assert reasons["ledger-failover", "srcBinlogCheck"].startswith("The source keeps its change log for 6 hours only")


def test_tasks_and_requests_are_counted_by_kind(exporter: Exporter, scrape: Scrape) -> None:
    """As many requests as tasks, each scrape."""
    counts = {kind: sum(task.kind == kind for task in demo_tasks()) for kind in KINDS}
    later = exporter.scrape()
    for kind, count in counts.items():
        assert scrape.value("ninedata_exporter_watched_tasks", kind=kind) == count
        sent = [each.value("ninedata_api_requests_total", kind=kind) for each in (scrape, later)]
        assert sent[1] - sent[0] == count


@pytest.mark.parametrize("unfinished", Unfinished)
def test_a_replication_precheck_on_its_way(launch: Launcher, serve: Serve, unfinished: Unfinished) -> None:
    """Whatever the API shows of it, which it does not document: the query is good, and all series are there."""
    run = Run((Item("a", "A", "", seconds=3600), Item("b", "B", "")))
    sandbox = serve(replace(fleet(1, kind="replication")[0], script=Script((run,)), unfinished=unfinished))
    scrape = launch(sandbox).scrape()
    assert scrape.up == {"rp-fleet-00001": 1}
    expected = "Running" if unfinished is Unfinished.WORDS else "Unknown"
    assert scrape.statuses == {"rp-fleet-00001": expected}
    assert len(scrape.samples("ninedata_precheck_items")) == 6


@pytest.mark.parametrize("lacking", ["schema_compare", "replication"])
def test_a_server_that_lacks_a_kind(launch: Launcher, serve: Serve, lacking: str) -> None:
    """Its tasks are `unsupported`; page, JSON and log say what is missing, and that a newer release may be needed."""
    sandbox = serve(*one_of_each(), families=[kind for kind in KINDS if kind != lacking])
    exporter = launch(sandbox)
    scrape = exporter.scrape()
    task_id = IDS[lacking]
    assert scrape.reasons == {task_id: "unsupported"}
    assert scrape.down == {task_id}
    told = exporter.json(f"/tasks/{task_id}")["last_query"]
    assert (told["reason"], told["error"]) == ("unsupported", "HTTP 404: the server does not know this path")
    (line,) = exporter.logged("query fails")
    assert line["reason"] == "unsupported"
    for said in (told["advice"], line["advice"], exporter.page(f"/tasks/{task_id}"), exporter.page("/")):
        assert PATHS[lacking] in said
        assert "the server is too old" in said
        assert "upgrade to the latest one" in said


@pytest.mark.parametrize(
    "fault",
    [HttpStatus(status=404, body="html"), HttpStatus(status=404, body="empty"), HttpStatus(status=200, body="html")],
    ids=["404", "404 without a body", "a page"],
)
def test_what_an_old_server_may_answer(launch: Launcher, serve: Serve, fault: HttpStatus) -> None:
    """For a path that it does not know: 404, or the page that it has for everything."""
    sandbox = serve(*one_of_each())
    sandbox.set_fault(fault, IDS["replication"])
    assert launch(sandbox).scrape().reasons == {IDS["replication"]: "unsupported"}


def test_a_task_that_is_not_there_is_no_lack_of_the_server(launch: Launcher, serve: Serve) -> None:
    """And a replication task is not told to look at a precheck's id, for it has none."""
    sandbox = serve(*(replace(task, script=None) for task in one_of_each()))
    exporter = launch(sandbox)
    assert exporter.scrape().reasons == dict.fromkeys(IDS.values(), "not_found")
    advice = {kind: exporter.json(f"/tasks/{task_id}")["last_query"]["advice"] for kind, task_id in IDS.items()}
    assert "precheck_task_id" not in advice.pop("replication")
    assert all("precheck_task_id" in text for text in advice.values())


def test_a_replication_task_has_no_precheck_on_its_page(exporter: Exporter, scrape: Scrape) -> None:
    """Nor in its metrics, where the label is empty."""
    del scrape
    page = exporter.page("/tasks/rp-div0qqpbffio")
    assert "<dt>Precheck</dt>" not in page
    assert "<dt>Kind</dt><dd>replication</dd>" in page
    overview = json.dumps(exporter.json("/"))
    assert '"task_id": "rp-div0qqpbffio"' in overview
