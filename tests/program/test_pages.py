"""The pages for people and supervisors: always there, and never a burden to the API."""

import json
from collections.abc import Callable, Iterator

import pytest

from exporter.sandbox import Handle, demo_tasks, fleet, run_in_thread
from exporter.sandbox.faults import Hang, HttpStatus
from tests.program.process import Exporter, Launcher, canary_sandbox, until

DOCUMENTED = "cd-tg3isu1xgs"
PATHS = ("/", f"/tasks/{DOCUMENTED}", "/tasks/cd-unknown", "/nowhere", "/-/healthy", "/-/ready")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Handle]:
    with run_in_thread(canary_sandbox(demo_tasks())) as running:
        yield running


@pytest.fixture(scope="module")
def exporter(launch_for_module: Launcher, sandbox: Handle) -> Exporter:
    return launch_for_module(sandbox)


def test_no_page_calls_the_api(exporter: Exporter, sandbox: Handle) -> None:
    """Not before the first scrape and not after it, neither as HTML nor as JSON."""

    def asked_by_pages() -> int:
        before = sandbox.requests().total
        for path in PATHS:
            for accept in ("text/html", "application/json", "*/*"):
                assert exporter.get(path, {"Accept": accept}).status in (200, 404)
        return sandbox.requests().total - before

    assert asked_by_pages() == 0
    exporter.scrape()
    assert asked_by_pages() == 0


def test_a_supervisor_is_answered_whatever_the_api_does(launch: Launcher, serve: Callable[..., Handle]) -> None:
    """200 while a scrape hangs and after all queries have failed: the exporter itself is well."""
    sandbox = serve(*fleet(2))
    exporter = launch(sandbox, api={"request_timeout": "60s"})
    sandbox.set_fault(Hang())
    with exporter.begin_scrape(timeout=60):
        until(lambda: sandbox.requests().in_flight == 2, 10, "both tasks are being asked about")
        assert exporter.get("/-/healthy").status == exporter.get("/-/ready").status == 200
    sandbox.set_fault(HttpStatus(status=500))
    assert exporter.scrape().up == {"cd-fleet-00001": 0, "cd-fleet-00002": 0}
    assert exporter.get("/-/healthy").status == exporter.get("/-/ready").status == 200


def test_the_documented_example(exporter: Exporter, sandbox: Handle) -> None:
    """The answer in the vendor's documentation, word for word, gives these metrics and this page."""
    task = next(task for task in sandbox.tasks if task.task_id == DOCUMENTED)
    scrape = exporter.scrape()
    of_task = {"task_id": DOCUMENTED, "task": "orders-prod", "team": "checkout", "env": "prod"}

    def lines(name: str) -> set[tuple[frozenset[tuple[str, str]], float]]:
        found = scrape.samples(name, task_id=DOCUMENTED)
        assert all(of_task.items() <= sample.labels.items() for sample in found)
        return {(frozenset(sample.labels.items() - of_task.items()), sample.value) for sample in found}

    def line(value: float, **labels: str) -> tuple[frozenset[tuple[str, str]], float]:
        return frozenset(labels.items()), value

    others = ("Unstarted", "Running", "Warning", "Failed", "Unknown")
    assert lines("ninedata_precheck_up") == {line(1)}
    assert lines("ninedata_precheck_info") == {line(1, kind="data_compare", precheck_task_id="pcte-dj02vti9tabd")}
    assert lines("ninedata_precheck_status") == {
        line(1, status="Success"),
        *(line(0, status=other) for other in others),
    }
    assert lines("ninedata_precheck_items") == {
        line(2, status="Success"),
        *(line(0, status=other) for other in others),
    }
    assert lines("ninedata_precheck_item_status") == {
        line(1, item="compareSrcPermissionCheck", status="Success"),
        line(1, item="targetDataSourceCheck", status="Success"),
    }
    assert lines("ninedata_precheck_item_failure_info") == set()
    page = exporter.page(f"/tasks/{DOCUMENTED}")
    for text in (
        "Source database privilege check",
        "Check whether the account privileges of the source database meet the requirements",
        "Target Connection Check",
        "and verify the username and password",
        task.precheck_task_id,
        "Lu8t2KPM-eqqraVGnllse6BZdmnh5DQM",
    ):
        assert text in page


def test_a_task_as_json(exporter: Exporter) -> None:
    """A program reads what a person reads."""
    exporter.scrape()
    answer = exporter.get("/tasks/cd-i9d3v5hy2k", {"Accept": "application/json"})
    task = json.loads(answer.text)
    assert answer.headers["content-type"] == "application/json"
    assert (task["task"], task["status"], task["kind"]) == ("inventory-prod", "Failed", "data_compare")
    failed = {item["item"]: item["reason"] for item in task["items"] if item["status"] == "Failed"}
    assert failed["compareTargetPermissionCheck"].endswith("Grant SELECT on them and run the precheck again.")
    assert task["age_seconds"] < 60


def test_what_is_not_there_is_told(exporter: Exporter) -> None:
    """A wrong address is 404 with a way on, for people and for programs."""
    page = exporter.get("/tasks/cd-unknown", {"Accept": "text/html"})
    assert (page.status, "No such task is watched." in page.text) == (404, True)
    answer = exporter.get("/tasks/cd-unknown", {"Accept": "application/json"})
    assert (answer.status, json.loads(answer.text)) == (404, {"error": "No such task is watched."})


def test_a_failing_query_keeps_what_was_known(launch: Launcher, serve: Callable[..., Handle]) -> None:
    """The page shows the failure, what to do, and below it the last answer; the metrics show none of that."""
    sandbox = serve(*demo_tasks())
    exporter = launch(sandbox)
    exporter.scrape()
    sandbox.set_fault(HttpStatus(status=500, body="html"))
    assert exporter.scrape().statuses == {}
    page = exporter.page("/tasks/cd-i9d3v5hy2k")
    assert "The query fails: http_error" in page
    assert "HTTP 500" in page
    assert "See its own log and the message." in page
    assert "Below is what the last answer said." in page
    assert "The account lacks SELECT on 3 schemas" in page


def test_before_the_first_scrape_nothing_is_claimed(launch: Launcher, serve: Callable[..., Handle]) -> None:
    """A page of an exporter that was never scraped says so."""
    exporter = launch(serve(*fleet(1)))
    assert "waiting for the first scrape" in exporter.page("/")
    assert "Not queried" in exporter.page("/tasks/cd-fleet-00001")
