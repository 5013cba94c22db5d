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


@pytest.mark.parametrize("count", [1, 51])
def test_a_configuration_that_could_not_be_reloaded(site: Site, count: int) -> None:
    """With what is wrong with it, the first fifty of it on the page, all of it for programs."""
    site.faults = tuple(f"config.yaml:{number}: is <wrong>" for number in range(count))
    page = overview(site)
    assert "The configuration could not be reloaded; the previous one stays in force." in page.text
    assert page.text.count("is <wrong>") == min(count, 50)
    assert (f"and {count - 50} more" in page.text) is (count > 50)
    assert site.json("/")["config"] == {"reloaded": False, "faults": list(site.faults)}


@pytest.fixture
def files(site: Site, tmp_path: Path) -> Path:
    """A folder of task files that the site watches."""
    site.configure(task_files=(f"{tmp_path}/*.yaml",))
    return tmp_path


def write(site: Site, path: Path, content: str) -> None:
    """Write a task file, and read it as the file watcher does."""
    path.write_text(content)
    site.exporter.watch_list.task_files.refresh()


def test_a_file_that_is_well(site: Site, files: Path) -> None:
    """Is no trouble; programs have it with its tasks and when it was read."""
    write(site, files / "a.yaml", "- {task_id: cd-7, precheck_task_id: p}\n")
    assert troubles(overview(site)) == []
    (file,) = site.json("/")["task_files"]
    assert datetime.fromisoformat(file.pop("loaded_at")).utcoffset() is not None
    assert file == {"file": f"{files}/a.yaml", "tasks": 1, "faults": [], "named_before": []}
    assert [task["task_id"] for task in site.json("/")["tasks"]] == ["cd-1", "cd-2", "cd-7"]


def test_a_file_with_a_fault(site: Site, files: Path) -> None:
    """Never read, or as it was before."""
    path = files / "a.yaml"
    write(site, path, "- <b>\n")
    text = overview(site).text
    assert f"The task file {path} has a problem." in text
    assert "It has never been loaded. Its content has a fault:" in text
    assert site.json("/")["task_files"][0]["loaded_at"] is None
    write(site, path, "[]\n")
    assert overview(site).text.count("has a problem") == 0
    write(site, path, "- {task_id: <b>}\n")
    text = overview(site).text
    assert "Its last good content stays in use. Its present content has faults:" in text
    assert f"{path}:1: [0].task_id: has characters that an id cannot have" in text


def test_a_file_that_names_tasks_again(site: Site, files: Path) -> None:
    """Which, the first twenty of them on the page."""
    ids = [f"cd-{number}" for number in range(100, 130)]
    content = "".join(f"- {{task_id: {task_id}, precheck_task_id: p}}\n" for task_id in ids)
    write(site, files / "a.yaml", content)
    write(site, files / "b.yaml", content)
    text = overview(site).text
    assert f"also listed in the configuration or in an earlier file, which counts: {', '.join(ids[:20])} ..." in text
    assert text.count("has a problem") == 1
    assert site.json("/")["task_files"][1]["named_before"] == ids


def test_before_the_first_discovery_nothing_is_claimed(site: Site) -> None:
    """Neither that it works nor that it does not."""
    site.configure(discovery=ReplicationDiscovery())
    assert troubles(overview(site)) == []
    assert site.json("/")["discovery"] == {"up": None, "tasks": 0, "reason": None, "error": None, "advice": None}


def test_discovery_that_works_and_fails(site: Site) -> None:
    """Why it fails, and what to do; the tasks found before are shown."""
    site.configure(discovery=ReplicationDiscovery())
    discovery = site.exporter.watch_list.discovery
    assert discovery is not None
    discovery.update({"rp-1": Replication("rp-1", "orders", "running")}, None, 0.1)
    assert site.json("/")["discovery"] == {"up": True, "tasks": 1, "reason": None, "error": None, "advice": None}
    discovery.update({}, QueryFailure(Reason.UNSUPPORTED, "HTTP 404: <unknown>"), 0.1)
    advice = advice_on(Reason.UNSUPPORTED, LIST_NAME)
    page = overview(site)
    assert "Discovery of replication tasks failed: unsupported. Tasks that were discovered before" in page.text
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
