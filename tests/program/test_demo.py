"""`--demo`: something to see without a configuration and without an account."""

import re
import signal

import pytest

from exporter.sandbox import demo_tasks
from tests.program.process import Exporter, Launcher


@pytest.fixture(scope="module")
def demo(launch_for_module: Launcher) -> Exporter:
    return launch_for_module.run("--demo")


def test_it_says_what_to_open(demo: Exporter) -> None:
    """The addresses that it prints are those that answer."""
    assert f"Metrics, open these first:  http://127.0.0.1:{demo.port}/metrics\n" in demo.stderr
    assert f"Prechecks, for people:      http://127.0.0.1:{demo.port}/\n" in demo.stderr
    assert demo.get("/metrics").status == demo.get("/").status == 200


def test_all_tasks_of_the_sandbox_are_there(demo: Exporter) -> None:
    """Every task is queried; only the one that the sandbox does not know fails, as it is meant to."""
    scrape = demo.scrape()
    assert scrape.up == {task.task_id: float(task.name != "legacy-erp") for task in demo_tasks()}
    assert scrape.reasons == {"cd-o0g6l3wt5s": "not_found"}
    assert {s.labels["task"] for s in scrape.samples("ninedata_precheck_up")} == {t.name for t in demo_tasks()}


def test_every_kind_of_status_is_to_be_seen(demo: Exporter) -> None:
    """Those of the tasks that stand still; the others change while one looks."""
    statuses = demo.scrape().statuses
    assert statuses["cd-tg3isu1xgs"] == "Success"
    assert statuses["cd-i9d3v5hy2k"] == "Failed"
    assert statuses["cd-s3h9r2fd7i"] == "Unstarted"
    assert demo.scrape().value("ninedata_precheck_items", task="ledger-eu", status="Warning") == 1


def test_failing_items_tell_their_reason(demo: Exporter) -> None:
    """What the API says about a failed check item is a label, with what to do about it."""
    scrape = demo.scrape()
    told = {
        s.labels["item"]: s.labels["reason"]
        for s in scrape.samples("ninedata_precheck_item_failure_info", task="inventory-prod")
    }
    assert set(told) == {"targetDataSourceCheck", "compareTargetPermissionCheck", "targetDataExistCheck"}
    assert told["targetDataExistCheck"] == (
        "Target tables are missing _sign and _version columns. Add the columns and run the precheck again."
    )


def test_credentials_in_a_reason_are_masked(demo: Exporter) -> None:
    """A password that the API repeats is neither in the metrics nor on the pages."""
    shown = [demo.scrape().text, demo.page("/"), *(demo.page(f"/tasks/{task.task_id}") for task in demo_tasks())]
    assert any("ninedata:***@10.8.3.21:3306" in text for text in shown)
    assert not [text for text in shown if "Pa55word" in text]


def test_every_link_of_the_overview_leads_somewhere(demo: Exporter) -> None:
    """The overview names all tasks, with links to the page of each and to the metrics."""
    overview = demo.page("/")
    links = set(re.findall(r'href="\./([^"]*)"', overview))
    assert links == {"", "metrics", *(f"tasks/{task.task_id}" for task in demo_tasks())}
    assert {demo.get(f"/{link}").status for link in links} == {200}
    assert all(task.name in overview for task in demo_tasks())


def test_its_log_has_no_errors(demo: Exporter) -> None:
    """The worst that its log holds are warnings about prechecks."""
    demo.scrape()
    assert {line["level"] for line in demo.log} == {"info", "warn"}
    assert {line["msg"] for line in demo.log if line["level"] == "warn"} <= {
        "precheck status first seen",
        "precheck status changed",
        "query fails",
    }


def test_it_ends_with_its_terminal(launch: Launcher) -> None:
    """Nobody is left to stop it when the window is closed; it must not keep the port."""
    assert launch.run("--demo").stop(signal.SIGHUP) == 0
