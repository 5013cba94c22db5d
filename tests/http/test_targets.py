"""/sd: the watched tasks in the format of Prometheus' http_sd."""

import pytest

from exporter.config import DiscoverySettings, Task
from exporter.ninedata import ListedTask, TaskRef
from exporter.scraping.shard import Shard
from tests.http.site import Site


def test_every_task_is_a_target(site: Site) -> None:
    """At the address of the request, with the labels of its series, to be scraped with /probe."""
    response = site.get("/sd", host="exporter.example:10199")
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    how = {"__scheme__": "http", "__metrics_path__": "/probe"}
    orders = {"task_id": "cd-1", "task": "orders-prod", "team": "dba", "__param_task_id": "cd-1"}
    stock = {"task_id": "cd-2", "task": "stock-prod", "env": "prod", "__param_task_id": "cd-2"}
    assert response.json() == [
        {"targets": ["exporter.example:10199"], "labels": orders | how},
        {"targets": ["exporter.example:10199"], "labels": stock | how},
    ]
    assert site.exporter.calls == []


def test_before_the_first_discovery_there_is_no_list(site: Site) -> None:
    """Prometheus would drop the targets that an incomplete list lacks; after an error it keeps those that it has."""
    site.configure(discovery=(DiscoverySettings("replication", labels={"team": "replication"}),))
    refused = site.get("/sd")
    assert (refused.status_code, "collect[]=discovery" in refused.text) == (503, True)
    (discovery,) = site.exporter.watch_list.discoveries
    discovery.update({"rp-1": ListedTask("rp-1", "orders-standby", "running")}, None, 0.1)
    *_, found = site.get("/sd").json()
    assert (found["labels"]["task"], found["labels"]["team"]) == ("orders-standby", "replication")


def test_each_shard_lists_its_own_share() -> None:
    tasks = [Task(TaskRef("data_compare", f"cd-{n}", "p"), f"task-{n}") for n in range(50)]
    lists = [Site(*tasks, shard=Shard(index, 3)).get("/sd").json() for index in range(3)]
    listed = [group["labels"]["task_id"] for groups in lists for group in groups]
    assert all(lists)
    assert sorted(listed) == sorted(task.task_id for task in tasks)


@pytest.mark.parametrize(
    ("host", "target"),
    [("10.1.2.3:10199", "10.1.2.3:10199"), ("[::1]:10199", "[::1]:10199"), ("exporter", "exporter:80")],
)
def test_targets_are_at_the_address_of_the_request(site: Site, host: str, target: str) -> None:
    assert site.get("/sd", host=host).json()[0]["targets"] == [target]


@pytest.mark.parametrize(
    "host",
    [
        ":10199",
        "exporter:http",
        "exporter:100000",
        "user@exporter:10199",
        "exporter:10199/path",
        "::1",
        "<script>",
        '"},{"targets":["evil.example:80"]',
        "x" * 5_000,
    ],
)
def test_a_host_that_is_not_an_address_is_refused(site: Site, host: str) -> None:
    response = site.get("/sd", host=host)
    assert (response.status_code, response.text) == (400, "The header Host is not an address.")
