"""A real Prometheus and tasks that are discovered: they come, they go, and they stay when the list fails."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from exporter.sandbox import Handle, fleet, run_in_thread
from exporter.sandbox.faults import HttpStatus, PatchEnvelope
from tests.program.components import component
from tests.program.process import canary_sandbox, launcher, until
from tests.program.prometheus import Prometheus, scraping
from tests.secrecy import Watch

LIST = "replication/list"
FOUND = fleet(4, items=1, kind="replication")
NAMED = fleet(2, items=1)
SCRAPES_SECONDS = 30.0


@dataclass
class Monitoring:
    sandbox: Handle
    prometheus: Prometheus

    def watched(self) -> set[str]:
        """The tasks that are up by the server's latest scrape."""
        return set(self.prometheus.by("task_id", "ninedata_precheck_up == 1"))

    def awaits(self, expression: str, value: float) -> None:
        """An instant query comes to give one series, of this value."""
        until(
            lambda: [found for _, found in self.prometheus.query(expression)] == [value],
            SCRAPES_SECONDS,
            f"{expression} is {value}",
        )


@pytest.fixture(scope="module")
def monitoring(
    secrecy: Watch, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monitoring]:
    program = component("prometheus", pytestconfig)
    launching = launcher(secrecy, tmp_path_factory.mktemp("exporter"))
    with run_in_thread(canary_sandbox(FOUND + NAMED)) as sandbox, launching as launch:
        exporter = launch(sandbox, tasks=NAMED, discovery={"replication": {"enabled": True}})
        target = f"127.0.0.1:{exporter.port}"
        hide_last(sandbox)
        with scraping(program, target, tmp_path_factory.mktemp("prometheus")) as prometheus:
            yield Monitoring(sandbox, prometheus)


def hide_last(sandbox: Handle) -> None:
    """The list is without its last task, as if that did not exist yet."""
    data = [{"replicationId": task.task_id, "name": task.name, "status": "running"} for task in FOUND[:-1]]
    sandbox.set_fault(PatchEnvelope(fields={"data": data, "total": len(data)}), LIST)


def test_the_life_of_discovered_tasks(monitoring: Monitoring) -> None:
    """They are there without being named; one is created and shows; the list fails and all stay; one is deleted."""
    first = {task.task_id for task in NAMED + FOUND[:-1]}
    created = FOUND[-1].task_id
    assert monitoring.watched() == first
    monitoring.awaits("ninedata_discovery_up", 1)
    monitoring.awaits("ninedata_discovery_tasks", len(FOUND) - 1)

    monitoring.sandbox.clear(LIST)
    monitoring.awaits(f'ninedata_precheck_status{{task_id="{created}",status="Success"}}', 1)
    assert monitoring.watched() == first | {created}

    monitoring.sandbox.set_fault(HttpStatus(status=500), LIST)
    monitoring.awaits("ninedata_discovery_up", 0)
    monitoring.awaits('ninedata_discovery_failure_info{reason="http_error"}', 1)
    assert monitoring.watched() == first | {created}
    monitoring.awaits("ninedata_discovery_tasks", len(FOUND))

    hide_last(monitoring.sandbox)
    monitoring.awaits("ninedata_discovery_up", 1)
    monitoring.awaits("count(ninedata_precheck_up)", len(first))
    assert monitoring.watched() == first
    failing = 'ninedata_api_request_failures_total{kind="replication_list",reason="http_error"}'
    assert [value for _, value in monitoring.prometheus.query(f"{failing} > 0")] != []
