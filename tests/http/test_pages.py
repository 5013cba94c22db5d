"""The pages for people, and the same as JSON."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exporter import __version__
from exporter.config import DiscoverySettings, Task
from exporter.http.views import in_words, view_of
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
from exporter.scraping.history import History
from exporter.scraping.shard import Shard
from exporter.scraping.snapshot import QueryFailure, QueryResult
from tests.http.page import Page
from tests.http.site import ORDERS, STOCK, Site

ITEMS = (
    CheckItem("okCheck", "Fine", "Looks at what is fine", Status.SUCCESS, ""),
    CheckItem("charsetCheck", "Character set", "Compares the character sets", Status.WARNING, "They differ."),
    CheckItem("columnCheck", "Columns", "", Status.FAILED, "Columns are missing.\nAdd them."),
    CheckItem("silentCheck", "", "", Status.FAILED, ""),
)
GOOD = Precheck(Status.SUCCESS, ())
AUTH = QueryFailure(Reason.AUTH, "bad signature", "r-42")
AUTH_ADVICE = " ".join(advice_on(Reason.AUTH, "data_compare").split())
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
        Subtask("inc_writer", TaskStatus.RUNNING, progress=0.0, delay_seconds=5400.0),
    ),
)


def task(name: str, precheck_task_id: str = "p", **labels: str) -> Task:
    return Task(TaskRef("data_compare", f"cd-{name}", precheck_task_id), name, labels)


def page_of(site: Site, path: str = "/") -> Page:
    response = site.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return Page(response.text)


def names(page: Page) -> list[str]:
    """The tasks in the order of the page."""
    return [element.text for element in page.all("a") if "name" in element.classes]


def test_the_overview_without_tasks_says_what_to_do() -> None:
    text = page_of(Site()).text
    assert "0 watched tasks" in text
    assert "No task is watched. Add tasks to the configuration" in text


def test_the_overview_before_the_first_scrape(site: Site) -> None:
    """It says what to do, until something was queried."""
    page = page_of(site)
    assert "2 watched tasks at https://api.example" in page.text
    assert names(page) == ["orders-prod", "stock-prod"]
    assert page.badges() == ["2 Not queried", "Not queried", "Not queried"]
    assert page.text.count("waiting for the first scrape") == 2
    assert "No scrape yet." in page.text
    assert re.search(r'targets: \["127\.0\.0\.1:\d+"\]', page.text)
    links = ["./metrics", "?status=Not+queried", "./tasks/cd-1", "./tasks/cd-2", "./", "./metrics"]
    assert page.links() == ["?refresh=30", *links]
    site.record(STOCK, GOOD)
    assert "No scrape yet." not in page_of(site).text
    alone = Site(task("alone", ""))
    assert page_of(alone).badges() == ["1 Not queried", "Not queried"]
    alone.record_state(task("alone", ""), REPLICATED)
    assert "No scrape yet." not in page_of(alone).text


@pytest.fixture
def varied() -> Site:
    """Each kind of result."""
    failing, unknown, alone = task("failing"), task("unknown"), task("alone", "")
    site = Site(ORDERS, failing, unknown, alone, STOCK)
    site.record(ORDERS, Precheck(Status.FAILED, ITEMS, "Failed"), ago=310)
    site.record_state(ORDERS, COMPARED, ago=130)
    site.record(failing, Precheck(Status.FAILED, ITEMS[:2], request_id="r-1"), ago=7260)
    site.record(failing, QueryFailure(Reason.CONNECT, "cannot connect"), ago=190)
    site.record(failing, AUTH)
    site.record_state(failing, REPLICATED, ago=130)
    site.record(unknown, Precheck(Status.UNKNOWN, (), status_word="Paused", request_id="r-2"), ago=190)
    site.record_state(alone, QueryFailure(Reason.NOT_FOUND, "no execution"), TaskState(TaskStatus.STOPPED), ago=130)
    return site


@pytest.mark.parametrize("golden", ["overview", "1", "failing", "unknown", "alone"])
def test_what_a_person_reads(varied: Site, golden: str) -> None:
    """The golden texts are the overview and the tasks' pages, a line for each paragraph."""
    path = "/" if golden == "overview" else f"/tasks/cd-{golden}"
    text = "".join(f"{line}\n" for line in page_of(varied, path).lines)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text).replace(__version__, "VERSION")
    assert text == (Path(__file__).parent / f"pages/{golden}.txt").read_text("utf-8")


def test_the_overview_shortens_a_long_reason(site: Site) -> None:
    """In its middle; the task's own page has all of it."""
    reason = "Why it failed. " + "And more. " * 400 + "What to do about it."
    site.record(ORDERS, Precheck(Status.FAILED, (CheckItem("a", "A", "", Status.FAILED, reason),)))
    shown = next(element.text for element in page_of(site).elements if "reason" in element.classes)
    assert len(shown.encode()) <= 1000
    assert (shown[:14], shown[-20:]) == ("Why it failed.", "What to do about it.")
    assert reason in page_of(site, "/tasks/cd-1").text


def test_what_needs_attention_comes_first() -> None:
    """A task that itself failed, failed prechecks, and so on; by name among equals. The summary has the same order.

    A task whose query fails counts as such, as in the dashboards, and stands by its last status.
    """
    outcomes: dict[str, Precheck | QueryFailure] = {
        "g-success": GOOD,
        "f-unstarted": Precheck(Status.UNSTARTED, ()),
        "e-running": Precheck(Status.RUNNING, ()),
        "d-unknown": Precheck(Status.UNKNOWN, ()),
        "c-failing": AUTH,
        "b-warning": Precheck(Status.WARNING, ()),
        "z-failed": Precheck(Status.FAILED, ()),
        "a-failed": Precheck(Status.FAILED, ()),
        "y-failed": AUTH,
    }
    alone = task("x-alone", "")
    site = Site(*map(task, outcomes), alone)
    site.record(task("y-failed"), Precheck(Status.FAILED, ()), ago=60)
    for name, outcome in outcomes.items():
        site.record(task(name), outcome)
    site.record_state(alone, TaskState(TaskStatus.PRECHECK_FAILED, error="The disk is full."))
    page = page_of(site)
    assert " ".join(name[0] for name in names(page)) == "x a y z c b d e f g"
    assert page.badges()[:3] == ["2 Failed", "2 Query failing", "1 Warning"]
    assert "Error of the task itself The disk is full." in page.text
    page = page_of(site, "/tasks/cd-x-alone")
    assert page.badges() == ["PrecheckFailed"]
    assert "The disk is full." in page.text
    assert "ninedata-precheck start cd-x-alone --kind data_compare" in page.text
    assert "Check items" not in page.text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-9, "0 s"),
        (0.6, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (5400, "1 h 30 min"),
        (7200, "2 h"),
        (183600, "2 d 3 h"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


def test_a_task_that_is_not_watched(site: Site) -> None:
    for task_id in ("cd-9", "CD-1", "cd-1%20", "%2e%2e", "orders-prod"):
        assert site.get(f"/tasks/{task_id}").status_code == 404


@pytest.mark.parametrize(
    ("accept", "is_json"),
    [
        ("Application/JSON, text/html", True),
        ("text/html, application/json", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        ("*/*", False),
    ],
)
@pytest.mark.parametrize("path", ["/", "/tasks/cd-1", "/nowhere"])
def test_json_for_clients_that_prefer_it(site: Site, path: str, accept: str, is_json: object) -> None:
    assert ("json" in site.get(path, accept=accept).headers["content-type"]) is is_json


def test_a_task_as_json() -> None:
    """Times in ISO 8601 and in seconds; what is unknown is null. The golden text has a failed and a good query."""
    history, now = History(), datetime(2026, 4, 9, 12, 0, tzinfo=UTC)
    state = COMPARED._replace(subtasks=REPLICATED.subtasks)
    for minutes, outcome in ((3, Precheck(Status.FAILED, ITEMS[:1], request_id="r-1")), (2, AUTH), (1, AUTH)):
        at = now - timedelta(minutes=minutes)
        history.prechecks.record(QueryResult(ORDERS, outcome, 2.0, at))
        history.states.record(QueryResult(ORDERS, state, 0.5, at))
    found = json.dumps(view_of(ORDERS, history, now).as_json(), default=datetime.isoformat, indent=2)
    assert f"{found}\n" == (Path(__file__).parent / "pages/task.json").read_text()


def test_the_overview_as_json(site: Site) -> None:
    site.record(STOCK, Precheck(Status.FAILED, ()))
    found = site.json("/")
    assert found.keys() == {"version", "unread", "config", "task_files", "discovery", "tasks"}
    assert found["config"] == {"reloaded": True, "faults": [], "file_faults": [], "waits_for_reload": False}
    assert (found["task_files"], found["discovery"]) == ([], {})
    assert [each["task"] for each in found["tasks"]] == ["stock-prod", "orders-prod"]
    assert found["tasks"][1] == site.json("/tasks/cd-1")
    assert (found["tasks"][1]["last_query"], found["tasks"][1]["state"]) == (None, None)


def test_a_configuration_that_is_not_in_force(site: Site) -> None:
    """It has faults, the first fifty on the page and all as JSON; or nobody reloaded it."""
    site.waits_for_reload = True
    assert "The configuration file changed and is not in force." in page_of(site).text
    assert site.json("/")["config"]["waits_for_reload"]
    site.faults = tuple(f"config.yaml:{number}: is <wrong>" for number in range(51))
    page = page_of(site)
    assert "The configuration could not be reloaded; the previous one stays in force." in page.text
    assert page.text.count("is <wrong>") == 50
    assert "and 1 more" in page.text
    found = site.json("/")["config"]
    assert (found["reloaded"], found["faults"]) == (False, list(site.faults))


def test_files_with_faults(site: Site) -> None:
    """Those that the configuration names, and the web configuration."""
    site.running.file_faults = ("secret: is empty",)
    site.own.web_config_faults = lambda: ("web.yaml:1: is empty",)
    assert site.json("/")["config"]["file_faults"] == ["secret: is empty", "web.yaml:1: is empty"]
    assert "A file has a fault; its last good content stays in use. secret: is empty" in page_of(site).text


def test_a_task_file_with_a_fault_or_repeated_tasks(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("- {task_id: <b>, kind: x}\n")
    site.configure(task_files=(str(path),))
    page = page_of(site)
    assert f"The task file {path} has a problem. It has never been loaded. Its content has faults:" in page.text
    assert f"{path}:1: [0].task_id" in page.text
    assert site.json("/")["task_files"][0]["loaded_at"] is None
    path.write_text("- {task_id: cd-1, precheck_task_id: p}\n- {task_id: cd-7, precheck_task_id: p}\n")
    site.running.watch_list.refresh()
    text = page_of(site).text
    assert "never been loaded" not in text
    assert "because the configuration or an earlier file lists the same tasks: cd-1" in text
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
    (discovery,) = site.running.watch_list.discoveries
    discovery.update({"rp-1": ListedTask("rp-1", "orders", "running")}, None, 0.1)
    assert site.json("/")["discovery"] == {"replication": {**nothing, "up": True, "tasks": 1}}
    discovery.update({}, QueryFailure(Reason.UNSUPPORTED, "HTTP 404: <unknown>"), 0.1)
    text = page_of(site).text
    assert "not complete" not in text
    assert "Discovery of replication tasks failed: unsupported. Tasks that were discovered before" in text
    assert f"HTTP 404: <unknown> {' '.join(advice_on(Reason.UNSUPPORTED, 'replication_list').split())}" in text


@pytest.fixture
def many() -> Site:
    """A hundred tasks: thirty prechecks failed, five tasks failed, and three queries, for the same reason each."""
    tasks = [task(f"{n:02}", f"p-{n}", n=f"N{n % 10}") for n in range(100)]
    site = Site(*tasks)
    item = CheckItem("portCheck", "Port", "", Status.FAILED, "Open <port> & wait.")
    for n, each in enumerate(tasks):
        site.record(each, Precheck(Status.FAILED, (item,)) if n < 30 else GOOD)
    for each in tasks[40:45]:
        site.record_state(each, TaskState(TaskStatus.FAILED, error="The disk is full."))
    for each in tasks[97:]:
        site.record(each, QueryFailure(Reason.AUTH, "bad signature", request_id=each.name))
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
        ("text=CD-0", 10),
        ("text=p-42", 1),
        ("text=open+%3Cport", 30),
        ("text=bad+sign", 3),
        ("label=n=n3", 10),
        ("label=N%3Dn3", 0),
        ("label=n", 100),
        ("label=n=n3&label=n=n4", 0),
        ("label=n=n3&status=Failed&text=cd-1", 1),
        ("status=&text=+&label=&refresh=30&other=1", 100),
    ],
)
def test_a_filter_in_the_address(many: Site, query: str, found: int) -> None:
    """Of the page and of JSON: any of the statuses, and the text, and all of the labels."""
    assert len(names(page_of(many, f"/?{query}"))) == found
    assert len(many.json(f"/?{query}")["tasks"]) == found


def test_the_form_and_the_badges_keep_the_filter(many: Site) -> None:
    """A badge counts what it would show, adds its status, and takes it away again."""
    page = page_of(many, "/?status=Failed&text=%22%3E&label=n=n3&refresh=30")
    assert "0 of 100 tasks match." in page.text
    fields = [(e.attributes["name"], e.attributes.get("value")) for e in page.all("input")]
    assert fields == [("text", '">'), ("label", "n=n3"), ("status", "Failed"), ("refresh", "30")]
    badges = [e for e in page_of(many, "/?status=Failed&label=n=n3").all("a") if "badge" in e.classes]
    assert [(e.text, e.attributes["href"], "aria-current" in e.attributes) for e in badges] == [
        ("3 Failed", "?label=n%3Dn3", True),
        ("7 Success", "?label=n%3Dn3&status=Failed&status=Success", False),
    ]


def test_a_problem_that_several_tasks_share_is_told_once(many: Site) -> None:
    """The most frequent one first."""
    text = page_of(many).text
    assert text.index("30 tasks:") < text.index("5 tasks:") < text.index("3 tasks:")
    assert "Failed 30 tasks: Port Open <port> & wait. 00, 01, 02," in text
    assert "09 and 20 more" in text
    assert f"Query failing 3 tasks: The query fails: auth bad signature {AUTH_ADVICE} 97, 98, 99" in text
    assert "Failed 5 tasks: Error of the task itself The disk is full. 40, 41," in text
    assert text.count("Open <port> & wait.") == text.count("disk") == text.count("bad signature") == 1
    assert text.count("Port (30 tasks)") == 30
    assert page_of(many, "/?text=cd-29").text.count("Open <port> & wait.") == 1


def test_a_page_shows_500_tasks() -> None:
    page = page_of(Site(*(task(f"{n:03}") for n in range(502))))
    assert (len(names(page)), names(page)[-1]) == (500, "499")
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


def test_the_shard_is_shown_if_there_are_several() -> None:
    """It has pages and targets for its own tasks only."""
    sites = [Site(ORDERS, shard=Shard(index, 3)) for index in range(3)]
    found = [(site.get(f"/tasks/{ORDERS.task_id}").status_code, len(site.get("/sd").json())) for site in sites]
    assert sorted(found) == [(200, 1), (404, 0), (404, 0)]
    assert ", shard 1/3" in page_of(sites[1]).text
    assert ", shard" not in page_of(Site(ORDERS)).text
