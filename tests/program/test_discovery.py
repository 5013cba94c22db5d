"""Tasks that are discovered or shared out, and Prometheus' two ways to scrape them one by one."""

from exporter.sandbox import InjectedFault, fleet
from tests.program.conftest import FLEET, IDS, Shared
from tests.program.launcher import Launcher

REPLICATIONS = fleet(250, "replication")
"""Three pages."""
DISCOVERY = {"replication": {"enabled": True, "names": ["fleet-*"], "labels": {"team": "dba"}}}


def test_discovered_tasks_are_watched_and_stay_while_the_list_fails(launch: Launcher) -> None:
    api = launch.serve(*REPLICATIONS, *FLEET[:2])
    exporter = launch.watch(api, tasks=FLEET[:2], discovery=DISCOVERY)
    assert exporter.get("/sd").status == 503  # an incomplete list would make Prometheus drop targets
    api.sandbox.faults["replication/list/2"] = InjectedFault(kind="http_error")
    assert exporter.scrape().value("ninedata_discovery_up") == 0
    assert exporter.get("/sd").status == 503
    api.sandbox.faults.clear()
    everything = dict.fromkeys([task.task_id for task in api.sandbox.tasks], 1)
    assert exporter.scrape().up == everything
    assert len(exporter.get("/sd").json) == 252
    api.sandbox.faults["replication/list/2"] = InjectedFault(kind="http_error")
    scrape = exporter.scrape()
    assert scrape.up == everything
    assert scrape.value("ninedata_discovery_up") == 0
    assert scrape.value("ninedata_discovery_failure_info", reason="http_error") == 1
    api.sandbox.faults.clear()
    scrape = exporter.scrape()
    assert (scrape.value("ninedata_discovery_up"), scrape.value("ninedata_discovery_tasks")) == (1, 250)


def test_a_list_that_hangs_costs_the_listed_tasks_nothing(launch: Launcher) -> None:
    api = launch.serve(*REPLICATIONS[:3], *FLEET)
    exporter = launch.watch(api, tasks=FLEET, discovery=DISCOVERY, api={"concurrency": 2})
    api.sandbox.faults["replication/list"] = InjectedFault(kind="hang")
    scrape = exporter.scrape(timeout=2)
    assert scrape.up == dict.fromkeys(IDS, 1)
    assert scrape.value("ninedata_discovery_up") == 0


def test_shards_watch_every_task_once(launch: Launcher) -> None:
    api = launch.serve(*REPLICATIONS[:10], *FLEET)
    shares = [
        launch.watch(api, f"--shard={index}/2", tasks=FLEET, discovery=DISCOVERY).scrape().up for index in range(2)
    ]
    assert all(len(share) > 4 for share in shares)
    assert sorted([*shares[0], *shares[1]]) == sorted(task.task_id for task in api.sandbox.tasks)


def test_a_probe_asks_for_one_task_only(shared: Shared) -> None:
    answer = shared.exporter.get(f"/probe?task_id={IDS[3]}")
    assert f'ninedata_precheck_up{{task_id="{IDS[3]}",task="fleet-00004"}} 1.0' in answer.text
    assert "ninedata_exporter" not in answer.text
    assert shared.api.sandbox.requests == {IDS[3]: 1}
    assert shared.exporter.get("/probe?task_id=cd-other").status == 400


def test_a_probe_of_an_unlisted_task_needs_the_configuration(launch: Launcher) -> None:
    api = launch.serve(*FLEET)
    exporter = launch.watch(api, tasks=[], probe={"allow_unlisted": True})
    answer = exporter.get(f"/probe?task_id={IDS[0]}&precheck_task_id=pcte-fleet-00001")
    assert f'ninedata_precheck_up{{task_id="{IDS[0]}",task="{IDS[0]}"}} 1.0' in answer.text


def test_no_page_asks_the_api(shared: Shared) -> None:
    """What they show was found by the latest scrape."""
    for path in ("/", f"/tasks/{IDS[0]}", "/sd", "/-/healthy", "/-/ready", "/nothing"):
        shared.exporter.get(path)
    assert shared.api.sandbox.requests.total() == 0
    assert "Success" in shared.exporter.get(f"/tasks/{IDS[0]}").text
