"""Discovery of replication tasks: all of them, however the list is cut, and none lost when it fails."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from exporter.sandbox import Handle, Task, demo_tasks, fleet, run_in_thread
from exporter.sandbox.faults import (
    ApiError,
    Body,
    CutOff,
    Delay,
    Drifting,
    Drop,
    EmptyPage,
    EndlessList,
    Fault,
    Garbage,
    Hang,
    HttpStatus,
    Huge,
    PageSize,
    PatchEnvelope,
    RateLimited,
    Redirect,
    Repeated,
    StuckPage,
)
from tests.program.process import Exporter, Launcher, canary_sandbox
from tests.program.scrape import Scrape

Serve = Callable[..., Handle]

LIST = "replication/list"
PAGE = 10
REPLICATIONS = fleet(25, items=1, kind="replication")
NAMED = fleet(3, items=1)
ALL = {task.task_id for task in REPLICATIONS + NAMED}
ENABLED = {"replication": {"enabled": True}}
FAILS = "discovery fails; the tasks known so far stay watched"
WORKS = "discovery works again"


@dataclass
class Ground:
    """A sandbox, and an exporter that discovers its replication tasks and names the others."""

    sandbox: Handle
    exporter: Exporter


@pytest.fixture(scope="module")
def shared(launch_for_module: Launcher) -> Iterator[Ground]:
    with run_in_thread(canary_sandbox(REPLICATIONS + NAMED, max_page_size=PAGE)) as sandbox:
        yield Ground(sandbox, launch_for_module(sandbox, tasks=NAMED, discovery=ENABLED))


@pytest.fixture
def ground(shared: Ground) -> Ground:
    """The sandbox behaves, and all tasks are known."""
    shared.sandbox.reset()
    assert_whole(shared.exporter.scrape())
    shared.sandbox.reset()
    return shared


def assert_whole(scrape: Scrape) -> None:
    """Discovery is well, and all tasks are there and up."""
    assert discovery_of(scrape) is None
    assert scrape.up == dict.fromkeys(ALL, 1)


def discovery_of(scrape: Scrape) -> str | None:
    """Why discovery fails, or None where it does not."""
    found = scrape.samples("ninedata_discovery_failure_info", kind="replication")
    assert scrape.value("ninedata_discovery_up", kind="replication") == (0 if found else 1)
    assert len(found) <= 1
    return found[0].labels["reason"] if found else None


def of_fault(fault: Fault) -> str:
    return fault.kind


def test_discovered_tasks_are_watched_as_named_ones_are(launch: Launcher, serve: Serve) -> None:
    """In the scrape that discovers them, under their names, with the labels of the configuration."""
    sandbox = serve(*demo_tasks())
    named = [task for task in demo_tasks() if task.kind != "replication"]
    discovery = {"replication": {"enabled": True, "labels": {"team": "standby", "found": "yes"}}}
    scrape = launch(sandbox, tasks=named, discovery=discovery).scrape()
    found = {
        s.labels["task"]: (s.labels["task_id"], s.labels["team"], s.labels["env"])
        for s in scrape.samples("ninedata_precheck_up", found="yes")
    }
    assert found == {task.name: (task.task_id, "standby", "") for task in demo_tasks() if task.kind == "replication"}
    assert scrape.statuses["rp-t6m3q9fb4elu"] == "Warning"
    assert scrape.value("ninedata_discovery_tasks", kind="replication") == len(found)
    assert scrape.value("ninedata_exporter_watched_tasks", kind="replication") == len(found)
    assert 0 < scrape.value("ninedata_discovery_duration_seconds", kind="replication") < 10


def test_very_many_tasks_on_small_pages_are_all_found(launch: Launcher, serve: Serve) -> None:
    """1066 of them, as in the documented example, ten a page whatever is asked for."""
    sandbox = serve(*fleet(1066, items=1, kind="replication"), max_page_size=10)
    exporter = launch(sandbox, tasks=[], discovery=ENABLED)
    scrape = exporter.scrape(timeout=60)
    assert discovery_of(scrape) is None
    assert scrape.up == {task.task_id: 1.0 for task in sandbox.tasks}
    assert sandbox.requests().per_task[LIST] == 107


def test_requests_for_the_list_are_counted(ground: Ground) -> None:
    """One for each page, by a kind of its own; failures as well."""

    def counted(scrape: Scrape, name: str, **labels: str) -> float:
        return scrape.value(f"ninedata_api_{name}_total", kind="replication_list", **labels)

    before = ground.exporter.scrape()
    after = ground.exporter.scrape()
    assert counted(after, "requests") - counted(before, "requests") == 3
    ground.sandbox.set_fault(HttpStatus(status=500), LIST)
    failing = ground.exporter.scrape()
    assert counted(failing, "requests") - counted(after, "requests") == 1
    failures = [counted(scrape, "request_failures", reason="http_error") for scrape in (after, failing)]
    assert failures[1] - failures[0] == 1
    assert ground.sandbox.requests().per_task[LIST] == 7


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({}, {"orders-standby", "customers-dwh", "ledger-failover"}),
        ({"statuses": ["running"]}, {"customers-dwh"}),
        ({"statuses": ["RUNNING"]}, {"customers-dwh"}),
        ({"statuses": ["running", "preCheckFailed"]}, {"customers-dwh", "orders-standby"}),
        ({"statuses": ["locked"]}, set()),
        ({"names": ["*-standby", "ledger-*"]}, {"orders-standby", "ledger-failover"}),
        ({"names": ["orders"]}, set()),
        ({"names": ["orders-*"], "statuses": ["running"]}, set()),
    ],
)
def test_tasks_are_chosen_by_status_and_name(
    launch: Launcher, serve: Serve, choice: dict[str, list[str]], names: set[str]
) -> None:
    """All others are not watched."""
    sandbox = serve(*demo_tasks())
    scrape = launch(sandbox, tasks=[], discovery={"replication": {"enabled": True, **choice}}).scrape()
    assert {s.labels["task"] for s in scrape.samples("ninedata_precheck_up")} == names
    assert discovery_of(scrape) is None


@pytest.mark.parametrize(
    "fault",
    [
        Repeated(entries=2),
        Repeated(entries=PAGE),
        PageSize(entries=4),
        PageSize(entries=4, honest=True),
        PageSize(entries=1000),
        Drifting(inserted=3),
        PatchEnvelope(omit=("total",)),
        PatchEnvelope(omit=("total", "current", "pageSize")),
        PatchEnvelope(fields={"total": 3}),
        PatchEnvelope(fields={"total": 0}),
        PatchEnvelope(fields={"total": "25"}),
        PatchEnvelope(fields={"total": None, "pageSize": None}),
        PatchEnvelope(fields={"total": 1_000_000_000}),
        Delay(delay_seconds=0.2),
    ],
    ids=repr,
)
def test_a_list_that_is_bent_is_read_to_its_end(ground: Ground, fault: Fault) -> None:
    """All tasks are found by an exporter that knows none of them, and it does not take requests without end."""
    ground.sandbox.set_fault(fault, LIST)
    for _ in range(2):
        scrape = ground.exporter.scrape(timeout=30)
        assert discovery_of(scrape) is None
        assert scrape.up.keys() >= ALL
        assert not scrape.down & ALL
    assert ground.sandbox.requests().per_task[LIST] < 70


FAILURES = [
    (HttpStatus(status=500), "http_error"),
    (HttpStatus(status=503, body="html"), "http_error"),
    (HttpStatus(status=401), "auth"),
    (ApiError(error_code="PERMISSION_DENY", message="no permission"), "auth"),
    (ApiError(), "api_error"),
    (HttpStatus(status=404, body="html"), "unsupported"),
    (Body(content=b"<!doctype html>", content_type="text/html"), "unsupported"),
    (Body(content=b'{"status": "up"}'), "invalid_response"),
    (Body(content=b'{"success": true, "data": [{"id": "rp-1"}], "total": 1}'), "invalid_response"),
    (PatchEnvelope(fields={"data": None}, omit=("total",)), "invalid_response"),
    (PatchEnvelope(fields={"data": {"list": []}}), "invalid_response"),
    (Redirect(location="http://127.0.0.1:9/"), "http_error"),
    (Garbage(), "invalid_response"),
    (CutOff(), "connect"),
    (Drop(), "connect"),
    (Huge(size=4_000_000), "too_large"),
]


@pytest.mark.parametrize("page", [LIST, f"{LIST}/2"])
@pytest.mark.parametrize(("fault", "reason"), FAILURES, ids=repr)
def test_a_failed_discovery_keeps_the_tasks(ground: Ground, fault: Fault, reason: str, page: str) -> None:
    """All that were known and all that are named are there and up, whichever page fails, and the reason is told."""
    ground.sandbox.set_fault(fault, page)
    for _ in range(2):
        scrape = ground.exporter.scrape()
        assert discovery_of(scrape) == reason
        assert scrape.up == dict.fromkeys(ALL, 1)
        assert scrape.value("ninedata_discovery_tasks", kind="replication") == len(REPLICATIONS)
    ground.sandbox.clear()
    assert_whole(ground.exporter.scrape())


@pytest.mark.parametrize(
    ("fault", "page"),
    [
        (EmptyPage(), LIST),
        (EmptyPage(), f"{LIST}/1"),
        (EmptyPage(), f"{LIST}/2"),
        (StuckPage(), LIST),
        (Drifting(removed=3), LIST),
    ],
    ids=repr,
)  # fmt: skip - a table
def test_a_list_that_lacks_what_it_counts_is_a_failure(ground: Ground, fault: Fault, page: str) -> None:
    """The tasks that are missing are not gone: they stay."""
    ground.sandbox.set_fault(fault, page)
    scrape = ground.exporter.scrape()
    assert discovery_of(scrape) == "invalid_response"
    assert scrape.up == dict.fromkeys(ALL, 1)
    assert "replication tasks, and gives" in ground.exporter.json("/")["discovery"]["error"]


def test_a_list_without_an_end_is_given_up(launch: Launcher, serve: Serve) -> None:
    """Named tasks are whole, and so is the scrape, within its time."""
    sandbox = serve(*NAMED)
    exporter = launch(sandbox, discovery=ENABLED)
    sandbox.set_fault(EndlessList(), LIST)
    began = time.monotonic()
    scrape = exporter.scrape(timeout=60)
    assert time.monotonic() - began < 60
    assert discovery_of(scrape) == "too_large"
    assert {task.task_id for task in NAMED} <= scrape.up.keys() - scrape.down
    assert len(scrape.up) <= 10_000 + len(NAMED)
    assert "name a single status" in exporter.json("/")["discovery"]["advice"]


@pytest.mark.parametrize("page", [LIST, f"{LIST}/2"])
@pytest.mark.parametrize(
    ("concurrency", "request_timeout", "reason"),
    [(1, "500ms", "timeout"), (4, "60s", "deadline"), (32, "60s", "deadline")],
)
def test_a_hanging_list_costs_the_tasks_nothing(  # noqa: PLR0917 - parameters of one case
    launch: Launcher, serve: Serve, concurrency: int, request_timeout: str, reason: str, page: str
) -> None:
    """Even where only one request may be under way; and the answer leaves in time."""
    sandbox = serve(*REPLICATIONS, *fleet(60, items=1), max_page_size=2)
    named = [task for task in sandbox.tasks if task.kind != "replication"]
    api = {"concurrency": concurrency, "request_timeout": request_timeout}
    # The offset is the time for a busy machine to send the answer.
    exporter = launch(sandbox, "--scrape.timeout-offset=2", tasks=named, discovery=ENABLED, api=api)
    assert exporter.scrape(timeout=30).down == set()
    sandbox.set_fault(Hang(), page)
    for _ in range(2):
        began = time.monotonic()
        scrape = exporter.scrape(timeout=4)
        assert time.monotonic() - began < 4
        assert scrape.up == {task.task_id: 1.0 for task in sandbox.tasks}
        assert discovery_of(scrape) == reason


def test_a_list_that_wants_a_pause_has_it(launch: Launcher, serve: Serve) -> None:
    """A 429 is for all requests of the key; the tasks stay, and say so."""
    sandbox = serve(*REPLICATIONS, *NAMED)
    exporter = launch(sandbox, tasks=NAMED, discovery=ENABLED)
    assert_whole(exporter.scrape())
    sandbox.set_fault(RateLimited(retry_after=60), LIST)
    assert discovery_of(exporter.scrape()) == "rate_limited"
    sandbox.clear()
    requests = sandbox.requests().total
    scrape = exporter.scrape()
    assert discovery_of(scrape) == "rate_limited"
    assert scrape.up.keys() == ALL
    assert set(scrape.reasons.values()) == {"rate_limited"}
    assert sandbox.requests().total == requests


def test_a_failing_discovery_is_told_once_and_so_is_its_end(launch: Launcher, serve: Serve) -> None:
    """On the overview, as JSON and in the log: the reason, what to do, and in the log how long it lasted."""
    sandbox = serve(*REPLICATIONS, *NAMED)
    exporter = launch(sandbox, tasks=NAMED, discovery=ENABLED)
    assert exporter.json("/")["discovery"] == {
        "up": None,
        "tasks": 0,
        "reason": None,
        "error": None,
        "advice": None,
    }
    exporter.scrape()
    assert exporter.json("/")["discovery"]["up"] is True
    assert exporter.json("/")["discovery"]["tasks"] == len(REPLICATIONS)
    assert exporter.logged(FAILS) == []
    sandbox.set_fault(HttpStatus(status=500), LIST)
    for _ in range(3):
        exporter.scrape()
    sandbox.set_fault(ApiError(error_code="PERMISSION_DENY", message="no permission"), LIST)
    for _ in range(3):
        exporter.scrape()
    told = exporter.json("/")["discovery"]
    assert (told["up"], told["reason"], told["tasks"]) == (False, "auth", len(REPLICATIONS))
    assert told["error"] == "the API refused the query: PERMISSION_DENY - no permission"
    page = exporter.page("/")
    assert "Replication tasks cannot be discovered: auth." in page
    assert "may list replication tasks" in page
    lines = exporter.logged(FAILS)
    assert [(line["level"], line["reason"]) for line in lines] == [("warn", "http_error"), ("warn", "auth")]
    assert (lines[1]["advice"], lines[1]["error"]) == (told["advice"], told["error"])
    assert lines[1]["request_id"]
    sandbox.clear()
    for _ in range(3):
        exporter.scrape()
    (line,) = exporter.logged(WORKS)
    assert (line["level"], float(line["failed_for_seconds"]) > 0) == ("info", True)
    assert "cannot be discovered" not in exporter.page("/")


def test_a_discovery_that_never_worked_costs_the_named_tasks_nothing(launch: Launcher, serve: Serve) -> None:
    """A server that lacks the list, and the prechecks of replication tasks with it."""
    sandbox = serve(*NAMED, families=("data_compare",))
    exporter = launch(sandbox, discovery=ENABLED)
    scrape = exporter.scrape()
    assert discovery_of(scrape) == "unsupported"
    assert scrape.up == {task.task_id: 1.0 for task in NAMED}
    (line,) = exporter.logged(FAILS)
    for said in (exporter.page("/"), exporter.json("/")["discovery"]["advice"], line["advice"]):
        assert "/openapi/v1/replication/list" in said
        assert "the server is too old" in said


def hidden(*tasks: Task) -> Fault:
    """The list without these."""
    data = [
        {"replicationId": task.task_id, "name": task.name, "status": "running"}
        for task in REPLICATIONS
        if task not in tasks
    ]
    return PatchEnvelope(fields={"data": data, "total": len(data), "pageSize": 100})


def test_tasks_come_and_go(ground: Ground) -> None:
    """Each in the scrape that sees it: a gone one leaves the metrics, the pages and the log without a complaint."""
    gone = REPLICATIONS[3]
    before = len(ground.exporter.logged("query fails"))
    ground.sandbox.set_fault(hidden(gone), LIST)
    ground.sandbox.set_fault(ApiError(message="replication not found"), gone.task_id)
    scrape = ground.exporter.scrape()
    assert scrape.up == dict.fromkeys(ALL - {gone.task_id}, 1)
    assert scrape.value("ninedata_discovery_tasks", kind="replication") == 24
    assert scrape.value("ninedata_exporter_watched_tasks", kind="replication") == 24
    assert ground.exporter.get(f"/tasks/{gone.task_id}", {"Accept": "text/html"}).status == 404
    assert gone.name not in ground.exporter.page("/")
    assert len(ground.exporter.logged("query fails")) == before
    changed = ground.exporter.logged("discovered tasks")[-1]
    assert (changed["tasks"], changed["new"], changed["gone"]) == ("24", "0", "1")
    ground.sandbox.clear()
    assert_whole(ground.exporter.scrape())
    assert ground.exporter.get(f"/tasks/{gone.task_id}", {"Accept": "text/html"}).status == 200


def test_a_task_may_be_named_as_well(launch: Launcher, serve: Serve) -> None:
    """It is watched once, as it is named."""
    sandbox = serve(*REPLICATIONS)
    named = replace(REPLICATIONS[0], name="by hand", labels={"team": "dba"})
    scrape = launch(sandbox, tasks=[named], discovery=ENABLED).scrape()
    assert len(scrape.up) == len(REPLICATIONS)
    (sample,) = scrape.samples("ninedata_precheck_up", task_id=named.task_id)
    assert sample.labels == {"task_id": named.task_id, "task": "by hand", "team": "dba"}
    assert scrape.value("ninedata_discovery_tasks", kind="replication") == len(REPLICATIONS) - 1


def test_discovery_can_be_scraped_alone(ground: Ground) -> None:
    """Then the list is read and no task is queried."""
    answer = ground.exporter.get("/metrics?collect[]=discovery")
    scrape = Scrape.of_text(answer.text)
    assert discovery_of(scrape) is None
    assert scrape.up == {}
    assert scrape.value("ninedata_discovery_tasks", kind="replication") == len(REPLICATIONS)
    assert ground.sandbox.requests().per_task == {LIST: 3}


def test_without_discovery_there_is_none(launch: Launcher, serve: Serve) -> None:
    """No request for the list, and no metric of it."""
    sandbox = serve(*REPLICATIONS, *NAMED)
    scrape = launch(sandbox, tasks=NAMED, discovery={"replication": {"enabled": False}}).scrape()
    assert scrape.up.keys() == {task.task_id for task in NAMED}
    assert "ninedata_discovery_" not in scrape.text
    assert LIST not in sandbox.requests().per_task


def test_promtool_is_silent(ground: Ground, promtool_check: Callable[[str], str]) -> None:
    """About discovery that works and that fails."""
    assert promtool_check(ground.exporter.scrape().text) == ""
    ground.sandbox.set_fault(HttpStatus(status=500), LIST)
    assert promtool_check(ground.exporter.scrape().text) == ""
