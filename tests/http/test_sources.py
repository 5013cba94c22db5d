"""What the overview says of where the watched tasks come from: the configuration, task files, discovery, the shard."""

from datetime import datetime
from pathlib import Path

import pytest

from exporter.config import ReplicationDiscovery, Task
from exporter.ninedata import LIST_NAME, Reason, Replication, advice_on
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import QueryFailure
from tests.http.page import Page
from tests.http.site import Site


def overview(site: Site) -> Page:
    return Page(site.get("/").text)


def troubles(page: Page) -> list[str]:
    """The headings of what is wrong."""
    return [element.text for element in page.all("strong")]


def test_where_all_is_well_nothing_is_said(site: Site) -> None:
    """Not on the page; programs have the sections all the same."""
    assert troubles(overview(site)) == []
    found = site.json("/")
    assert found["config"] == {"reloaded": True, "faults": []}
    assert (found["task_files"], found["discovery"]) == ([], None)


@pytest.mark.parametrize("count", [1, 50, 51, 500])
def test_a_configuration_that_could_not_be_reloaded(site: Site, count: int) -> None:
    """With what is wrong with it, the first fifty of it on the page, all of it for programs."""
    site.faults = tuple(f"config.yaml:{number}: is <wrong>" for number in range(count))
    page = overview(site)
    assert "The configuration could not be reloaded; the one before it stays in force." in page.text
    assert page.text.count("is <wrong>") == min(count, 50)
    assert (f"and {count - 50} more" in page.text) is (count > 50)
    assert site.json("/")["config"] == {"reloaded": False, "faults": list(site.faults)}


@pytest.fixture
def files(site: Site, tmp_path: Path) -> Path:
    """A folder of task files that the site watches."""
    site.configure(task_files=(f"{tmp_path}/*.yaml",))
    return tmp_path


def test_a_file_that_is_well(site: Site, files: Path) -> None:
    """Is no trouble; programs have it with its tasks and when it was read."""
    (files / "a.yaml").write_text("- {task_id: cd-7, precheck_task_id: p}\n")
    assert troubles(overview(site)) == []
    (file,) = site.json("/")["task_files"]
    assert datetime.fromisoformat(file.pop("loaded_at")).utcoffset() is not None
    assert file == {"file": f"{files}/a.yaml", "tasks": 1, "faults": [], "named_before": []}
    assert [task["task_id"] for task in site.json("/")["tasks"]] == ["cd-1", "cd-2", "cd-7"]


def test_a_file_with_a_fault(site: Site, files: Path) -> None:
    """Never read, or as it was before."""
    path = files / "a.yaml"
    path.write_text("- <b>\n")
    text = overview(site).text
    assert f"The task file {path} is not wholly in use." in text
    assert "It never had a good content; its present one has a fault:" in text
    assert site.json("/")["task_files"][0]["loaded_at"] is None
    path.write_text("[]\n")
    assert overview(site).text.count("not wholly in use") == 0
    path.write_text("- {task_id: <b>}\n")
    text = overview(site).text
    assert "Its last good content stays in use; its present one has faults:" in text
    assert f"{path}:1: [0].task_id: has characters that an id cannot have" in text


def test_a_file_that_names_tasks_again(site: Site, files: Path) -> None:
    """Which, the first twenty of them on the page."""
    ids = [f"cd-{number}" for number in range(100, 130)]
    content = "".join(f"- {{task_id: {task_id}, precheck_task_id: p}}\n" for task_id in ids)
    (files / "a.yaml").write_text(content)
    (files / "b.yaml").write_text(content)
    text = overview(site).text
    assert f"These tasks are named before it, and stay as they are there: {', '.join(ids[:20])} ..." in text
    assert text.count("not wholly in use") == 1
    assert site.json("/")["task_files"][1]["named_before"] == ids


def test_before_the_first_discovery_nothing_is_claimed(site: Site) -> None:
    """Neither that it works nor that it does not."""
    site.configure(discovery=ReplicationDiscovery())
    assert troubles(overview(site)) == []
    assert site.json("/")["discovery"] == {"up": None, "tasks": 0, "reason": None, "error": None, "advice": None}


def test_discovery_that_works_and_fails(site: Site) -> None:
    """Why it fails, and what to do; the tasks that are known are there."""
    site.client.replications = {"rp-1": Replication("rp-1", "orders", "running")}
    site.configure(discovery=ReplicationDiscovery())
    site.get("/metrics")
    assert site.json("/")["discovery"] == {"up": True, "tasks": 1, "reason": None, "error": None, "advice": None}
    site.client.list_failure = QueryFailure(Reason.UNSUPPORTED, "HTTP 404: <unknown>")
    site.get("/metrics")
    advice = advice_on(Reason.UNSUPPORTED, LIST_NAME)
    page = overview(site)
    assert "Replication tasks cannot be discovered: unsupported. Those that are known stay watched." in page.text
    assert "HTTP 404: <unknown>" in page.text
    assert " ".join(advice.split()) in page.text
    assert "orders" in page.text
    assert site.json("/")["discovery"] == {
        "up": False,
        "tasks": 1,
        "reason": "unsupported",
        "error": "HTTP 404: <unknown>",
        "advice": advice,
    }


@pytest.mark.parametrize(("shard", "said"), [(Shard(), False), (Shard(1, 3), True)])
def test_the_shard_is_said_where_there_are_several(orders: Task, shard: Shard, said: object) -> None:
    assert (", shard 1/3" in overview(Site(orders, shard=shard)).text) is said
