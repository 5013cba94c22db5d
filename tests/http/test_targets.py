"""/sd: the watched tasks in the format of Prometheus' http_sd."""

from dataclasses import replace

import pytest

from exporter.config import DiscoverySettings, Task
from exporter.http.external_url import parse_external_url
from exporter.ninedata import ListedTask, Precheck, Status, TaskRef
from tests.http.site import Site


def test_every_task_is_a_target(site: Site) -> None:
    """At the address of the request, with the labels of its series, to be scraped with /probe."""
    response = site.get("/sd", host="exporter.example:10199")
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    how = {"__metrics_path__": "/probe"}
    orders = {"task_id": "cd-1", "task": "orders-prod", "team": "dba", "__param_task_id": "cd-1"}
    stock = {"task_id": "cd-2", "task": "stock-prod", "env": "prod", "__param_task_id": "cd-2"}
    assert response.json() == [
        {"targets": ["exporter.example:10199"], "labels": orders | how},
        {"targets": ["exporter.example:10199"], "labels": stock | how},
    ]
    assert site.running.calls == []


def test_what_is_no_longer_watched_is_forgotten(site: Site) -> None:
    """Where each task has a target of its own, no scrape of all tasks does it."""
    gone = Task(TaskRef("data_compare", "cd-9", "pcte-9"), "gone")
    site.record(gone, Precheck(Status.SUCCESS, ()))
    site.get("/sd")
    assert site.running.history.prechecks.of(gone) is None


def test_until_discovery_succeeded_once_there_is_no_list(site: Site) -> None:
    """Prometheus would drop the targets that an incomplete list lacks; after an error it keeps those that it has."""
    site.configure(discovery=(DiscoverySettings("replication", labels={"team": "replication"}),))
    refused = site.get("/sd")
    told = "The list of tasks is not complete yet. Not read so far:\n- list of replication tasks: "
    assert (refused.status_code, refused.text.startswith(told)) == (503, True)
    (discovery,) = site.running.watch_list.discoveries
    discovery.update({"rp-1": ListedTask("rp-1", "orders-standby", "running")}, None, 0.1)
    *_, found = site.get("/sd").json()
    assert (found["labels"]["task"], found["labels"]["team"]) == ("orders-standby", "replication")


@pytest.mark.parametrize("host", ["10.1.2.3:10199", "[::1]:10199", "exporter", "Exporter.Example"])
def test_targets_are_at_the_address_of_the_request(site: Site, host: str) -> None:
    """No port is made up, and no scheme, even if a proxy tells one: the job's scrape configuration has both."""
    proxy = {"x_forwarded_proto": "https", "x_forwarded_host": "evil.example", "forwarded": "proto=https;host=evil"}
    found = site.get("/sd", host=host, **proxy).json()[0]
    assert found["targets"] == [host]
    assert [name for name in found["labels"] if name.startswith("__")] == ["__param_task_id", "__metrics_path__"]


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("example.com", "/outside/probe"),
        ("EXAMPLE.com:443", "/outside/probe"),
        ("example.com:8443", "/inside/probe"),
        ("10.1.2.3:10199", "/inside/probe"),
    ],
)
def test_the_path_of_targets_has_the_prefix_of_their_address(site: Site, host: str, path: str) -> None:
    """That of the external URL where the request came to it, else the one that the exporter itself has."""
    external_url = parse_external_url("https://example.com/outside/")
    site.options = replace(site.options, external_url=external_url, route_prefix="/inside")
    assert site.get("/inside/sd", host=host).json()[0]["labels"]["__metrics_path__"] == path


@pytest.mark.parametrize(
    "host", [":10199", "exporter:100000", "user@exporter:10199", "exporter:10199/path", "::1", '"},{"targets":["']
)
def test_a_host_that_is_not_an_address_is_refused(site: Site, host: str) -> None:
    response = site.get("/sd", host=host)
    assert (response.status_code, response.text) == (400, "The header Host is not an address.")
