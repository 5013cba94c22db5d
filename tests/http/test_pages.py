"""The pages for people, and the same as JSON."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from exporter.config import DiscoverySettings, Task
from exporter.http.views import age_in_words
from exporter.ninedata import (
    CheckItem,
    Execution,
    ListedTask,
    Precheck,
    Reason,
    Status,
    Subtask,
    TaskRef,
    TaskState,
    TaskStatus,
    advice_on,
)
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import QueryFailure
from tests.http.page import Page
from tests.http.site import ORDERS, STOCK, Site

ITEMS = (
    CheckItem("okCheck", "Fine", "Looks at what is fine", Status.SUCCESS, ""),
    CheckItem("charsetCheck", "Character set", "Compares the character sets", Status.WARNING, "They differ."),
    CheckItem("columnCheck", "Columns", "", Status.FAILED, "Columns are missing.\nAdd them."),
    CheckItem("silentCheck", "", "", Status.FAILED, ""),
)
AUTH_ADVICE = " ".join(advice_on(Reason.AUTH, "data_compare").split())


def page_of(site: Site, path: str = "/") -> Page:
    response = site.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return Page(response.text)


def names(page: Page) -> list[str]:
    """The tasks in the order of the page."""
    return [element.text for element in page.all("a") if "name" in element.classes]


def test_the_overview_without_tasks_says_what_to_do() -> None:
    page = page_of(Site())
    assert "0 watched tasks" in page.text
    assert "No task is watched. Add tasks to the configuration" in page.text


def test_the_overview_before_the_first_scrape(site: Site) -> None:
    """It says what to do, until something was queried."""
    page = page_of(site)
    assert "2 watched tasks at https://ninedata.example" in page.text
    assert names(page) == ["orders-prod", "stock-prod"]
    assert page.badges() == ["2 Not queried", "Not queried", "Not queried"]
    assert page.text.count("waiting for the first scrape") == 2
    assert "No scrape yet." in page.text
    assert re.search(r'targets: \["127\.0\.0\.1:\d+"\]', page.text)
    links = ["./metrics", "?status=Not+queried", "./tasks/cd-1", "./tasks/cd-2", "./", "./metrics"]
    assert page.links() == ["?refresh=30", *links]
    site.record(STOCK, Precheck(Status.SUCCESS, ()))
    assert "No scrape yet." not in page_of(site).text


def test_the_overview_shows_what_needs_attention(site: Site) -> None:
    """Failed and warned check items with their reasons, the failed first; the others are counted."""
    site.record(ORDERS, Precheck(Status.FAILED, ITEMS), ago=310)
    page = page_of(site)
    assert "orders-prod 2 Failed, 1 Warning, 1 Success 5 min ago" in page.text
    assert (
        "Columns columnCheck Columns are missing. Add them. silentCheck silentCheck The API gives no reason. "
        "Character set charsetCheck They differ." in page.text
    )
    assert "okCheck" not in page.text


def test_the_overview_shortens_a_long_reason(site: Site) -> None:
    """In its middle; the task's own page has all of it."""
    reason = "Why it failed. " + "And more. " * 400 + "What to do about it."
    site.record(ORDERS, Precheck(Status.FAILED, (CheckItem("a", "A", "", Status.FAILED, reason),)))
    shown = next(element.text for element in page_of(site).elements if "reason" in element.classes)
    assert len(shown.encode()) <= 1000
    assert (shown[:14], shown[-20:]) == ("Why it failed.", "What to do about it.")
    assert reason in page_of(site, "/tasks/cd-1").text


@pytest.mark.parametrize("path", ["/", "/tasks/cd-1"])
def test_a_failed_query(site: Site, path: str) -> None:
    """Its reason, since when, the message, what to do, and the request id."""
    site.record(ORDERS, QueryFailure(Reason.CONNECT, "cannot connect"), ago=190)
    site.record(ORDERS, QueryFailure(Reason.AUTH, "bad signature", "r-42"))
    page = page_of(site, path)
    assert f"The query failed: auth for 3 min bad signature {AUTH_ADVICE} Request id r-42" in page.text
    assert page.badges()[-2 if path == "/" else 0] == "Query failing"
    assert "no successful query yet" in page.text
    assert "cannot connect" not in page.text


def test_a_failed_query_keeps_the_last_answer(site: Site) -> None:
    site.record(ORDERS, Precheck(Status.FAILED, ITEMS, request_id="r-1"), ago=7260)
    site.record(ORDERS, QueryFailure(Reason.TIMEOUT, "no complete answer within 5 s"))
    page = page_of(site, "/tasks/cd-1")
    assert page.badges()[:2] == ["Query failing", "Failed"]
    assert "Query failing last status Failed 2 h ago" in page.text
    assert "The last answer is below." in page.text
    assert "Columns are missing." in page.text
    assert page.details()["Request id"] == "r-1"
    assert page.details()["Last answer"] < page.details()["Last query"]


def test_what_needs_attention_comes_first() -> None:
    """By name among equals."""
    outcomes: dict[str, Precheck | QueryFailure] = {
        "g-success": Precheck(Status.SUCCESS, ()),
        "f-unstarted": Precheck(Status.UNSTARTED, ()),
        "e-running": Precheck(Status.RUNNING, ()),
        "d-unknown": Precheck(Status.UNKNOWN, ()),
        "c-failing": QueryFailure(Reason.TIMEOUT, ""),
        "b-warning": Precheck(Status.WARNING, ()),
        "z-failed": Precheck(Status.FAILED, ()),
        "a-failed": Precheck(Status.FAILED, ()),
    }
    tasks = [Task(TaskRef("data_compare", f"cd-{name}", "p"), name) for name in outcomes]
    site = Site(*tasks)
    for task in tasks:
        site.record(task, outcomes[task.name])
    page = page_of(site)
    assert " ".join(name[0] for name in names(page)) == "a z c b d e f g"


def test_the_summary_counts_every_task_once() -> None:
    """As the dashboards do: a task whose query fails counts there, whatever its last status was."""
    tasks = [Task(TaskRef("data_compare", f"cd-{number}", "p"), f"task-{number}") for number in range(5)]
    site = Site(*tasks)
    for task in tasks[:3]:
        site.record(task, Precheck(Status.FAILED, ()), ago=60)
    for task in (tasks[2], tasks[3]):
        site.record(task, QueryFailure(Reason.AUTH, "bad signature"))
    page = page_of(site)
    assert page.badges()[:3] == ["2 Query failing", "2 Failed", "1 Not queried"]
    shown = ["Failed", "Failed", "Query failing", "Failed", "Query failing", "Not queried"]
    assert page.badges()[3:] == shown, "with the last status of the one that had one"


def test_an_earlier_precheck_of_the_same_task_is_not_shown(site: Site) -> None:
    old = Task(TaskRef("data_compare", "cd-1", "pcte-0"), "orders-prod")
    site.record(old, Precheck(Status.FAILED, ITEMS))
    assert page_of(site).badges() == ["2 Not queried", "Not queried", "Not queried"]


def test_the_page_of_a_task(site: Site) -> None:
    """Every check item with name, id, reason and description, those that need attention first."""
    site.record(
        ORDERS, Precheck(Status.UNKNOWN, ITEMS, status_word="Paused", request_id="r-1"), ago=190, seconds=0.1234
    )
    page = page_of(site, "/tasks/cd-1")
    assert page.badges() == ["Unknown", "Failed", "Failed", "Warning", "Success"]
    assert "the API says Paused 3 min ago" in page.text
    assert "Warning Character set charsetCheck They differ. Compares the character sets" in page.text
    assert "Columns are missing.\nAdd them." in [element.text for element in page.all("p")]
    details = page.details()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, 123 ms, answered", details["Last query"])
    assert (details["Precheck"], details["team"], details["Request id"]) == ("pcte-1", "dba", "r-1")
    assert page.links() == ["?refresh=30", "../", "../?label=team%3Ddba", "../", "../metrics"]


@pytest.mark.parametrize("task_id", ["cd-9", "CD-1", "cd-1%20", "%2e%2e", "orders-prod"])
def test_a_task_that_is_not_watched(site: Site, task_id: str) -> None:
    response = site.get(f"/tasks/{task_id}")
    assert response.status_code == 404


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1000, "0 s"), (0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172800, "2 d")],
)
def test_ages_in_words(seconds: float, words: str) -> None:
    assert age_in_words(seconds) == words


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("application/json", True),
        ("Application/JSON, text/html", True),
        ("text/html, application/json", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("*/*", False),
    ],
)
@pytest.mark.parametrize("path", ["/", "/tasks/cd-1", "/nowhere"])
def test_json_for_clients_that_prefer_it(site: Site, path: str, accept: str, json: object) -> None:
    assert ("json" in site.get(path, accept=accept).headers["content-type"]) is json


def test_a_task_as_json(site: Site) -> None:
    """Times in ISO 8601 and in seconds; what is unknown is null."""
    site.record(ORDERS, Precheck(Status.FAILED, ITEMS[:1], request_id="r-1"), ago=90)
    site.record(ORDERS, QueryFailure(Reason.AUTH, "bad signature"), seconds=2.0)
    found = site.json("/tasks/cd-1")
    assert found.pop("age_seconds") >= 90
    assert found["last_query"].pop("failing_for_seconds") < 60
    for moment in (found.pop("answered_at"), found["last_query"].pop("at")):
        assert datetime.fromisoformat(moment).utcoffset() is not None
    item = {"item": "okCheck", "item_name": "Fine", "description": "Looks at what is fine"}
    assert found == {
        "task_id": "cd-1",
        "task": "orders-prod",
        "kind": "data_compare",
        "precheck_task_id": "pcte-1",
        "labels": {"team": "dba"},
        "status": "Failed",
        "status_word": None,
        "request_id": "r-1",
        "items": [{**item, "status": "Success", "reason": ""}],
        "last_query": {
            "duration_seconds": 2.0,
            "up": False,
            "reason": "auth",
            "error": "bad signature",
            "advice": advice_on(Reason.AUTH, "data_compare"),
            "request_id": None,
        },
        "state": None,
    }


def test_the_overview_as_json(site: Site) -> None:
    site.record(STOCK, Precheck(Status.FAILED, ()))
    found = site.json("/")
    assert found.keys() == {"version", "unread", "config", "task_files", "discovery", "tasks"}
    assert found["config"] == {"reloaded": True, "faults": [], "file_faults": [], "waits_for_reload": False}
    assert (found["task_files"], found["discovery"]) == ([], {})
    assert found["tasks"][0] == site.json("/tasks/cd-1")
    assert found["tasks"][0]["last_query"] is None


def test_a_configuration_that_could_not_be_reloaded(site: Site) -> None:
    """The first fifty faults on the page, all of them as JSON."""
    site.faults = tuple(f"config.yaml:{number}: is <wrong>" for number in range(51))
    page = page_of(site)
    assert "The configuration could not be reloaded; the previous one stays in force." in page.text
    assert page.text.count("is <wrong>") == 50
    assert "and 1 more" in page.text
    assert site.json("/")["config"] == {
        "reloaded": False,
        "faults": list(site.faults),
        "file_faults": [],
        "waits_for_reload": False,
    }


def test_a_changed_configuration_that_waits_for_a_reload(site: Site) -> None:
    site.waits_for_reload = True
    assert "The configuration file changed and is not in force." in page_of(site).text
    assert site.json("/")["config"] == {"reloaded": True, "faults": [], "file_faults": [], "waits_for_reload": True}


def test_a_task_file_with_a_fault(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("- {task_id: <b>, kind: x}\n")
    site.configure(task_files=(str(path),))
    page = page_of(site)
    assert f"The task file {path} has a problem. It has never been loaded. Its content has faults:" in page.text
    assert f"{path}:1: [0].task_id" in page.text
    assert site.json("/")["task_files"][0]["loaded_at"] is None
    path.write_text("[]\n")
    site.exporter.watch_list.refresh()
    assert "has a problem" not in page_of(site).text


def test_a_task_file_that_repeats_tasks(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("- {task_id: cd-1, precheck_task_id: p}\n- {task_id: cd-7, precheck_task_id: p}\n")
    site.configure(task_files=(str(path),))
    assert "also listed in the configuration or in an earlier file, which counts: cd-1" in page_of(site).text
    (file,) = site.json("/")["task_files"]
    assert datetime.fromisoformat(file.pop("loaded_at")).utcoffset() is not None
    assert file == {"file": str(path), "tasks": 2, "faults": [], "named_before": ["cd-1"]}


def test_discovery_that_fails(site: Site) -> None:
    """Until it succeeds the list of tasks is not complete; then why it failed, and what to do."""
    site.configure(discovery=(DiscoverySettings("replication"),))
    nothing = {"up": None, "tasks": None, "reason": None, "error": None, "advice": None}
    assert site.json("/")["discovery"] == {"replication": nothing}
    page = page_of(site)
    assert "2 watched tasks so far at" in page.text
    assert "The list of tasks is not complete yet. Not read since the start: list of replication tasks" in page.text
    assert site.json("/tasks/cd-9")["error"] == "No such task is watched. The list of tasks is not complete yet."
    (discovery,) = site.exporter.watch_list.discoveries
    discovery.update({"rp-1": ListedTask("rp-1", "orders", "running")}, None, 0.1)
    assert site.json("/")["discovery"] == {"replication": {**nothing, "up": True, "tasks": 1}}
    discovery.update({}, QueryFailure(Reason.UNSUPPORTED, "HTTP 404: <unknown>"), 0.1)
    text = page_of(site).text
    assert "not complete" not in text
    assert "Discovery of replication tasks failed: unsupported. Tasks that were discovered before" in text
    assert f"HTTP 404: <unknown> {' '.join(advice_on(Reason.UNSUPPORTED, 'replication_list').split())}" in text


COMPARED = TaskState(
    TaskStatus.SUCCESS,
    execution_id="7",
    execution=Execution(TaskStatus.SUCCESS, 3, 0, 1234567, 2, started_at=datetime(2026, 4, 9, 6, 40, 15, tzinfo=UTC)),
    request_id="r-7",
)
REPLICATED = TaskState(
    TaskStatus.RUNNING,
    subtasks=(
        Subtask("full", TaskStatus.RUNNING, progress=0.45),
        Subtask("inc_writer", TaskStatus.RUNNING, progress=0.0, delay_seconds=0.672),
    ),
)
ALONE = Task(TaskRef("data_compare", "cd-3", ""), "alone")


def test_a_task_itself_stands_beside_its_precheck(site: Site) -> None:
    """On the overview in a few words, with a summary of its own."""
    site.record(ORDERS, Precheck(Status.SUCCESS, ()))
    site.record_state(ORDERS, COMPARED)
    site.record(STOCK, Precheck(Status.SUCCESS, ()))
    site.record_state(STOCK, REPLICATED)
    page = page_of(site)
    assert "Prechecks 2 Success Tasks 1 Running 1 Success" in page.text
    assert "Precheck Success orders-prod" in page.text
    assert (
        "Task itself Success rows: 1,234,567 different, 3 only in the source, 0 only in the target; "
        "2 tables skipped" in page.text
    )
    assert "Task itself Running full 45%; inc_writer is 0.7 s behind" in page.text


def test_a_task_that_failed_comes_before_failed_prechecks() -> None:
    """With the API's text. One without a precheck has no check items."""
    site = Site(ORDERS, STOCK, ALONE)
    site.record(ORDERS, Precheck(Status.FAILED, ()))
    site.record_state(ALONE, TaskState(TaskStatus.FAILED, error="The disk is full."))
    assert "ninedata-precheck start cd-3 --kind data_compare" in page_of(site, "/tasks/cd-3").text
    page = page_of(site)
    assert names(page) == ["alone", "orders-prod", "stock-prod"]
    assert "The disk is full." in page.text
    page = page_of(site, "/tasks/cd-3")
    assert page.badges() == ["Failed"]
    assert "The disk is full." in page.text
    assert "Check items" not in page.text


def test_the_page_of_a_task_has_its_results(site: Site) -> None:
    """The latest execution of a comparison, the subtasks of a replication."""
    site.record_state(ORDERS, COMPARED)
    page = page_of(site, "/tasks/cd-1")
    assert page.badges() == ["Not queried", "Success", "Success"]
    details = page.details()
    assert (details["Different rows"], details["Rows only in the source"]) == ("1,234,567", "3")
    assert (details["Started"], details["Request id of the task itself"]) == ("2026-04-09 06:40:15 UTC", "r-7")
    site.record_state(STOCK, REPLICATED)
    assert "Running full 45% Running inc_writer 0.7 s behind" in page_of(site, "/tasks/cd-2").text


@pytest.mark.parametrize("path", ["/", "/tasks/cd-1"])
def test_a_failed_query_of_the_task_itself(site: Site, path: str) -> None:
    """What it learnt before it failed is shown."""
    site.record(ORDERS, Precheck(Status.SUCCESS, ()))
    site.record_state(ORDERS, QueryFailure(Reason.AUTH, "bad signature"), TaskState(TaskStatus.STOPPED))
    page = page_of(site, path)
    assert f"The query of the task itself failed: auth for 0 s bad signature {AUTH_ADVICE}" in page.text
    assert "Stopped" in page.badges()
    site.record_state(STOCK, QueryFailure(Reason.AUTH, "bad signature"))
    assert "bad signature" in page_of(site, path.replace("cd-1", "cd-2")).text


def test_a_task_itself_as_json(site: Site) -> None:
    site.record_state(ORDERS, COMPARED)
    found = site.json("/tasks/cd-1")["state"]
    assert found.pop("age_seconds") < 60
    assert found.pop("answered_at") == found["last_query"].pop("at")
    assert found.pop("last_query")["up"]
    assert found == {
        "status": "Success",
        "status_word": None,
        "request_id": "r-7",
        "error": None,
        "execution": {
            "execution_id": "7",
            "status": "Success",
            "only_source_rows": 3,
            "only_target_rows": 0,
            "different_rows": 1234567,
            "skipped_tables": 2,
            "started_at": "2026-04-09T06:40:15+00:00",
            "updated_at": None,
        },
        "subtasks": [],
    }
    site.record_state(STOCK, REPLICATED)
    writer = {"subtask": "inc_writer", "status": "Running", "progress_ratio": 0.0, "delay_seconds": 0.672}
    assert site.json("/tasks/cd-2")["state"]["subtasks"][1] == writer


@pytest.fixture
def many() -> Site:
    """A hundred tasks: thirty prechecks failed, five tasks failed, and three queries, for the same reason each."""
    tasks = [Task(TaskRef("data_compare", f"cd-{n}", f"p-{n}"), f"task-{n:02}", {"n": str(n % 10)}) for n in range(100)]
    site = Site(*tasks)
    for n, task in enumerate(tasks):
        item = CheckItem("portCheck", "Port", "", Status.FAILED, "Open <port> & wait.")
        site.record(task, Precheck(Status.FAILED, (item,)) if n < 30 else Precheck(Status.SUCCESS, ()))
    for task in tasks[40:45]:
        site.record_state(task, TaskState(TaskStatus.FAILED, error="The disk is full."))
    for task in tasks[97:]:
        site.record(task, QueryFailure(Reason.AUTH, "bad signature", request_id=task.name))
    return site


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 100),
        ("status=Failed", 30),
        ("status=failed&status=Query+failing", 33),
        ("status=Fail", 0),
        ("task_status=Failed", 5),
        ("task_status=Failed&status=Failed", 0),
        ("text=the+disk", 5),
        ("text=TASK-0", 10),
        ("text=cd-42", 1),
        ("text=p-42", 1),
        ("text=open+%3Cport", 30),
        ("text=bad+sign", 3),
        ("label=n=3", 10),
        ("label=N%3D3", 0),
        ("label=n", 100),
        ("label=n=3&label=n=4", 0),
        ("label=n=3&status=Failed&text=task-1", 1),
        ("status=&text=+&label=&refresh=30&other=1", 100),
    ],
)
def test_a_filter_in_the_address(many: Site, query: str, found: int) -> None:
    """Of the page and of JSON: any of the statuses, and the text, and all of the labels."""
    assert len(names(page_of(many, f"/?{query}"))) == found
    assert len(many.json(f"/?{query}")["tasks"]) == found


def test_the_form_and_the_badges_keep_the_filter(many: Site) -> None:
    """A badge counts what it would show, adds its status, and takes it away again."""
    page = page_of(many, "/?status=Failed&text=%22%3E&label=n=3&refresh=30")
    assert "0 of 100 tasks match." in page.text
    fields = [(e.attributes["name"], e.attributes.get("value")) for e in page.all("input")]
    assert fields == [("text", '">'), ("label", "n=3"), ("status", "Failed"), ("refresh", "30")]
    badges = [e for e in page_of(many, "/?status=Failed&label=n=3").all("a") if "badge" in e.classes]
    assert [(e.text, e.attributes["href"], "aria-current" in e.attributes) for e in badges] == [
        ("3 Failed", "?label=n%3D3", True),
        ("7 Success", "?label=n%3D3&status=Failed&status=Success", False),
    ]


def test_a_failure_that_several_tasks_share_is_told_once(many: Site) -> None:
    text = page_of(many).text
    assert "Failed 30 tasks: Port Open <port> & wait. task-00, task-01," in text
    assert "task-09 and 20 more" in text
    assert f"Query failing 3 tasks: The query fails: auth bad signature {AUTH_ADVICE} task-97, task-98, task-99" in text
    assert "Failed 5 tasks: The task itself The disk is full. task-40, task-41," in text
    assert text.count("Open <port> & wait.") == text.count("disk") == text.count("bad signature") == 1
    assert text.count("Port (30 tasks)") == 30
    assert page_of(many, "/?text=task-29").text.count("Open <port> & wait.") == 1


def test_a_page_shows_500_tasks() -> None:
    page = page_of(Site(*(Task(TaskRef("data_compare", f"cd-{n}", "p"), f"task-{n:03}") for n in range(502))))
    assert (len(names(page)), names(page)[-1]) == (500, "task-499")
    assert "2 more tasks match." in page.text


@pytest.mark.parametrize(
    ("query", "seconds"),
    [("", None), ("refresh=30", "30"), ("refresh=1", "5"), ("refresh=99999999999", "3600"), ("refresh=0;url=x", None)],
)
@pytest.mark.parametrize("path", ["/", "/tasks/cd-1"])
def test_a_page_that_refreshes_itself(site: Site, path: str, query: str, seconds: str | None) -> None:
    page = page_of(site, f"{path}?a=1&{query}")
    found = [e.attributes["content"] for e in page.all("meta") if e.attributes.get("http-equiv") == "refresh"]
    assert found == ([seconds] if seconds else [])
    assert page.links()[0] == ("?a=1" if seconds else "?a=1&refresh=30")


@pytest.mark.parametrize(("shard", "shown"), [(Shard(), False), (Shard(1, 3), True)], ids=["one", "three"])
def test_the_shard_is_shown_if_there_are_several(shard: Shard, shown: object) -> None:
    assert (", shard 1/3" in page_of(Site(ORDERS, shard=shard)).text) is shown
