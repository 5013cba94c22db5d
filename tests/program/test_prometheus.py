"""A real Prometheus scrapes the real exporter, and is asked what it now knows."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from exporter.sandbox import Handle, demo_tasks, run_in_thread
from exporter.sandbox.faults import Hang, HttpStatus, Patch
from tests.program.components import component
from tests.program.process import Exporter, canary_sandbox, launcher, until
from tests.program.prometheus import Prometheus, scraping
from tests.secrecy import Watch

ORDERS = "cd-tg3isu1xgs"
SCRAPES_SECONDS = 30.0


@dataclass
class Monitoring:
    sandbox: Handle
    exporter: Exporter
    prometheus: Prometheus


@pytest.fixture(scope="module")
def running(
    secrecy: Watch, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monitoring]:
    """One for all tests, since its start takes the longest."""
    program = component("prometheus", pytestconfig)
    launching = launcher(secrecy, tmp_path_factory.mktemp("exporter"))
    with run_in_thread(canary_sandbox(demo_tasks())) as sandbox, launching as launch:
        exporter = launch(sandbox)
        target = f"127.0.0.1:{exporter.port}"
        with scraping(program, target, tmp_path_factory.mktemp("prometheus")) as prometheus:
            yield Monitoring(sandbox, exporter, prometheus)


@pytest.fixture
def monitoring(running: Monitoring) -> Monitoring:
    """With a sandbox that behaves, whatever a test did before, and a Prometheus that knows it."""
    running.sandbox.clear()
    well = [({}, float(len(demo_tasks()) - 1))]
    until(lambda: running.prometheus.query("sum(ninedata_precheck_up)") == well, SCRAPES_SECONDS, "all is well")
    return running


def test_the_target_is_up(monitoring: Monitoring) -> None:
    """The scrape is good, and so is the query of every task that the sandbox knows."""
    assert [value for _, value in monitoring.prometheus.query("up")] == [1]
    assert monitoring.prometheus.by("task_id", "ninedata_precheck_up") == {
        task.task_id: float(task.name != "legacy-erp") for task in demo_tasks()
    }


def test_it_negotiates_openmetrics(monitoring: Monitoring) -> None:
    """The server asks for OpenMetrics and gets it: there a counter's metadata stands under the name without _total."""
    metadata = monitoring.prometheus.api("metadata")
    assert isinstance(metadata, dict)
    described = metadata["ninedata_api_requests"][0]
    assert (described["type"], described["help"]) == ("counter", "Requests sent to the NineData API.")
    assert "ninedata_api_requests_total" not in metadata


def test_it_has_the_status_of_every_task(monitoring: Monitoring) -> None:
    """Exactly one status of each task that is up is 1."""
    present = monitoring.prometheus.by("task_id", "sum by (task_id) (ninedata_precheck_status)")
    assert present == {task.task_id: 1.0 for task in demo_tasks() if task.name != "legacy-erp"}
    ones = monitoring.prometheus.query("ninedata_precheck_status == 1")
    standing = {labels["task"]: labels["status"] for labels, _ in ones}
    assert standing["orders-prod"] == "Success"
    assert standing["inventory-prod"] == "Failed"
    assert standing["sessions-stage"] == "Unstarted"


def test_it_has_the_number_of_check_items(monitoring: Monitoring) -> None:
    """The items in all statuses sum up to the items there are, each of which is one series."""
    counted = monitoring.prometheus.by("task_id", "sum by (task_id) (ninedata_precheck_items)")
    listed = monitoring.prometheus.by("task_id", "sum by (task_id) (ninedata_precheck_item_status)")
    assert counted == listed
    assert counted[ORDERS] == 2


def test_it_has_the_reasons(monitoring: Monitoring) -> None:
    """The label `reason` holds the API's text, line breaks and Chinese included, credentials masked."""
    reasons = {
        (labels["task"], labels["item"]): labels["reason"]
        for labels, _ in monitoring.prometheus.query("ninedata_precheck_item_failure_info")
    }
    assert reasons["inventory-prod", "targetDataExistCheck"] == (
        "Target tables are missing _sign and _version columns. Add the columns and run the precheck again."
    )
    wordy = reasons["members-cn", "srcDataSourceCheck"]
    assert wordy.startswith('连接源数据库失败:"Communications link failure"\n')
    assert "ninedata:***@10.8.3.21:3306" in wordy
    assert "Pa55word" not in wordy


def test_it_has_the_configured_labels(monitoring: Monitoring) -> None:
    """A task's own labels are on its series, to be grouped by."""
    grouped = monitoring.prometheus.by("team", 'count by (team) (ninedata_precheck_up{env="prod"})')
    assert grouped == Counter(task.labels["team"] for task in demo_tasks() if task.labels["env"] == "prod")


def test_it_has_the_reason_of_a_failing_query(monitoring: Monitoring) -> None:
    """The one task that the sandbox does not know."""
    assert monitoring.prometheus.by("task", "ninedata_precheck_query_failure_info") == {"legacy-erp": 1}
    assert monitoring.prometheus.query('ninedata_precheck_query_failure_info{reason="not_found"}')


def test_a_failing_task_has_no_status(monitoring: Monitoring) -> None:
    """While its query fails, its old status is gone from an instant query, and the target is up all the same."""
    monitoring.sandbox.set_fault(HttpStatus(status=500), ORDERS)
    prometheus = monitoring.prometheus
    failing = f'ninedata_precheck_query_failure_info{{task_id="{ORDERS}",reason="http_error"}}'
    until(lambda: bool(prometheus.query(failing)), SCRAPES_SECONDS, "the failure is known")
    assert prometheus.query(f'ninedata_precheck_status{{task_id="{ORDERS}"}}') == []
    assert prometheus.by("task_id", "ninedata_precheck_up")[ORDERS] == 0
    assert [value for _, value in prometheus.query("up")] == [1]


def test_a_hanging_task_does_not_take_the_target_down(monitoring: Monitoring) -> None:
    """With the server's own timeout of a second, a scrape is good in which only that task misses its deadline."""
    monitoring.sandbox.set_fault(Hang(), ORDERS)
    prometheus = monitoring.prometheus
    missed = f'ninedata_precheck_query_failure_info{{task_id="{ORDERS}",reason="deadline"}}'
    until(lambda: bool(prometheus.query(missed)), SCRAPES_SECONDS, "the deadline is missed")
    assert sum(prometheus.by("task_id", "ninedata_precheck_up").values()) == len(demo_tasks()) - 2


def test_a_change_of_status_is_seen(monitoring: Monitoring) -> None:
    """The next scrape has it."""
    monitoring.sandbox.set_fault(Patch(data={"status": "Failed"}), ORDERS)
    failed = f'ninedata_precheck_status{{task_id="{ORDERS}",status="Failed"}} == 1'
    until(lambda: bool(monitoring.prometheus.query(failed)), SCRAPES_SECONDS, "the new status is known")
    old = monitoring.prometheus.query(f'ninedata_precheck_status{{task_id="{ORDERS}",status="Success"}}')
    assert [value for _, value in old] == [0]


def test_promtool_is_silent(monitoring: Monitoring, promtool_check: Callable[[str], str]) -> None:
    """All that this Prometheus scrapes passes its lint."""
    assert promtool_check(monitoring.exporter.scrape().text) == ""


def test_the_exporter_never_met_an_error_of_its_own(monitoring: Monitoring) -> None:
    """Through all that the sandbox did, its log has warnings about tasks and no error."""
    assert [line for line in monitoring.exporter.log if line["level"] == "error"] == []
