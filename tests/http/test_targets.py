"""/sd: the watched tasks as Prometheus' http_sd takes them, each a target of its own."""

import pytest

from exporter.config import ReplicationDiscovery, Task
from exporter.ninedata import Replication, TaskRef
from exporter.scraping.shard import Shard
from tests.http.site import Site


def test_every_task_is_a_target(site: Site) -> None:
    """At the address that was asked, with its labels, and what makes Prometheus probe it."""
    response = site.get("/sd", host="exporter.example:10199")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    how = {"__scheme__": "http", "__metrics_path__": "/probe"}
    assert response.json() == [
        {
            "targets": ["exporter.example:10199"],
            "labels": {"task_id": "cd-1", "task": "orders-prod", "team": "dba", "__param_task_id": "cd-1", **how},
        },
        {
            "targets": ["exporter.example:10199"],
            "labels": {"task_id": "cd-2", "task": "stock-prod", "env": "prod", "__param_task_id": "cd-2", **how},
        },
    ]


def test_a_targets_labels_are_those_of_its_series(site: Site) -> None:
    """So nothing is exported_ with honor_labels, and `up` has them as well."""
    for group in site.get("/sd").json():
        labels = {name: value for name, value in group["labels"].items() if not name.startswith("__")}
        text = site.get(f"/probe?task_id={group['labels']['__param_task_id']}").text
        series = ",".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
        assert f"ninedata_precheck_up{{{series}}} 1.0" in text


def test_the_api_is_never_asked(site: Site) -> None:
    site.configure(discovery=ReplicationDiscovery())
    site.get("/sd")
    assert site.exporter.calls == []


def test_without_tasks_the_list_is_empty() -> None:
    assert Site().get("/sd").json() == []


def test_before_the_first_discovery_there_is_no_list(site: Site) -> None:
    """Prometheus would drop the targets that an incomplete list lacks; with an error it keeps those that it has."""
    site.configure(discovery=ReplicationDiscovery(labels={"team": "replication"}))
    refused = site.get("/sd")
    assert (refused.status_code, "collect[]=discovery" in refused.text) == (503, True)
    discovery = site.exporter.watch_list.discovery
    assert discovery is not None
    discovery.update({"rp-1": Replication("rp-1", "orders-standby", "running")}, None, 0.1)
    *_, found = site.get("/sd").json()
    assert (found["labels"]["task"], found["labels"]["team"]) == ("orders-standby", "replication")


def test_each_shard_lists_its_own_share() -> None:
    """Together they list every task once."""
    tasks = [Task(TaskRef("data_compare", f"cd-{n}", "p"), f"task-{n}") for n in range(50)]
    lists = [Site(*tasks, shard=Shard(index, 3)).get("/sd").json() for index in range(3)]
    assert all(lists)
    listed = [group["labels"]["task_id"] for groups in lists for group in groups]
    assert sorted(listed) == sorted(task.task_id for task in tasks)


@pytest.mark.parametrize(
    ("host", "target"),
    [
        ("localhost:10199", "localhost:10199"),
        ("10.1.2.3:10199", "10.1.2.3:10199"),
        ("[::1]:10199", "[::1]:10199"),
        ("ninedata-exporter.monitoring.svc.cluster.local:10199", None),
        ("ninedata_exporter:10199", None),
        ("exporter", "exporter:80"),
        ("[2001:db8::1]", "[2001:db8::1]:80"),
    ],
)
def test_targets_are_where_the_exporter_was_asked(site: Site, host: str, target: str | None) -> None:
    """The header Host, with a port in any case: that is where whoever asked reaches the exporter."""
    assert site.get("/sd", host=host).json()[0]["targets"] == [target or host]


@pytest.mark.parametrize(
    "host",
    [
        ":10199",
        "exporter:",
        "exporter:http",
        "exporter:100000",
        "user@exporter:10199",
        "exporter:10199/path",
        "::1",
        "[exporter]:10199",
        "<script>",
        '"},{"targets":["evil.example:80"]',
        "{{.}}",
        "x" * 10_000,
    ],
)
def test_a_host_that_is_no_address_is_refused(site: Site, host: str) -> None:
    """With nothing of it in the answer."""
    response = site.get("/sd", host=host)
    assert (response.status_code, response.text) == (400, "The header Host is not an address.")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "query", ["?target=evil.example", "?host=evil.example:80", "?task_id=cd-9", "?kind=replication"]
)
def test_parameters_do_not_change_the_list(site: Site, query: str) -> None:
    assert site.get(f"/sd{query}").json() == site.get("/sd").json()


def test_the_list_is_only_asked_for(site: Site) -> None:
    assert site.request("HEAD", "/sd").status_code == 200
    assert site.request("POST", "/sd").status_code == 405
