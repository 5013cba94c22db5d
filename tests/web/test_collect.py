"""`collect[]`: the parts of /metrics, each by itself."""

import itertools

import pytest

from exporter.config import ReplicationDiscovery
from exporter.ninedata import Reason, Replication
from exporter.snapshot import QueryFailure
from tests.web.site import Site

OF_PART = {
    "tasks": "ninedata_precheck_up",
    "discovery": "ninedata_discovery_up",
    "exporter": "ninedata_exporter_build_info",
}
"""A metric of each part."""


@pytest.fixture
def site(site: Site) -> Site:
    """Watches two tasks by name, and one that is to be discovered."""
    site.client.replications = {"rp-1": Replication("rp-1", "orders-standby", "running")}
    site.configure(discovery=ReplicationDiscovery())
    return site


def parts_in(text: str) -> set[str]:
    """The parts that an answer has."""
    return {part for part, metric in OF_PART.items() if f"\n{metric}" in f"\n{text}"}


@pytest.mark.parametrize("parts", [c for n in range(4) for c in itertools.combinations(OF_PART, n)], ids="+".join)
def test_an_answer_has_the_parts_that_are_named(site: Site, parts: tuple[str, ...]) -> None:
    """All of them, where none is; and no more is asked of the API than they need."""
    named = set(parts) or set(OF_PART)
    response = site.get("/metrics?" + "&".join(f"collect[]={part}" for part in parts))
    assert response.status_code == 200
    assert parts_in(response.text) == named
    tasks = ["cd-1", "cd-2"] if "tasks" in named else []
    assert site.client.asked == [*tasks, *(["rp-1"] if {"tasks", "discovery"} <= named else [])]
    assert site.client.lists == ("discovery" in named)


def test_discovery_by_itself_makes_the_tasks_known(site: Site) -> None:
    """They are targets from then on, and a scrape of the tasks alone queries them as well."""
    site.get("/metrics?collect[]=tasks")
    assert site.client.asked == ["cd-1", "cd-2"]
    response = site.get("/metrics?collect[]=exporter&collect[]=discovery")
    assert 'ninedata_discovery_tasks{kind="replication"} 1.0' in response.text
    assert 'ninedata_exporter_watched_tasks{kind="replication"} 1.0' in response.text
    site.client.asked.clear()
    site.get("/metrics?collect[]=tasks")
    assert sorted(site.client.asked) == ["cd-1", "cd-2", "rp-1"]


def test_a_failed_discovery_is_a_good_scrape(site: Site) -> None:
    """With the reason; what was known before stays."""
    site.get("/metrics?collect[]=discovery")
    site.client.replications = {}
    site.client.list_failure = QueryFailure(Reason.AUTH, "the API refused the query")
    response = site.get("/metrics?collect[]=discovery")
    assert response.status_code == 200
    assert 'ninedata_discovery_up{kind="replication"} 0.0' in response.text
    assert 'ninedata_discovery_failure_info{kind="replication",reason="auth"} 1.0' in response.text
    assert 'ninedata_discovery_tasks{kind="replication"} 1.0' in response.text


def test_where_nothing_is_to_be_discovered_that_part_is_empty(site: Site) -> None:
    site.configure(discovery=None)
    response = site.get("/metrics?collect[]=discovery")
    assert (response.status_code, response.text) == (200, "")
    assert site.client.lists == 0


def test_naming_a_part_twice_is_naming_it(site: Site) -> None:
    assert parts_in(site.get("/metrics?collect[]=exporter&collect%5B%5D=exporter").text) == {"exporter"}
    assert site.client.lists == 0


@pytest.mark.parametrize(
    "part", ["", "task", "TASKS", "tasks,exporter", "%00", "<script>alert(1)</script>", "\u0661", "x" * 10_000]
)
def test_there_is_no_other_part(site: Site, part: str) -> None:
    """Told with those that there are, and without what was given, which could be anything."""
    response = site.get(f"/metrics?collect[]=tasks&collect[]={part}")
    assert response.status_code == 400
    assert response.text == "The parameter collect[] must be one of discovery, exporter, tasks."
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert site.client.asked == []
