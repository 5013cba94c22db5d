"""The overview: what is watched and how it stands, the urgent first."""

from dataclasses import replace

import pytest

from exporter.config import Task
from exporter.http.views import age_in_words
from exporter.ninedata import CheckItem, Precheck, Reason, Status, TaskRef, advice_on
from exporter.scraping.snapshot import QueryFailure
from tests.http.page import Page
from tests.http.site import Site


def check(item: str, status: Status, message: str = "") -> CheckItem:
    return CheckItem(item, f"Check {item}", f"Looks at {item}", status, message)


def overview(site: Site) -> Page:
    response = site.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Page(response.text)


def names(page: Page) -> list[str]:
    """The tasks in the order of the page."""
    return [element.text for element in page.all("a") if "name" in element.classes]


def test_without_tasks_it_says_what_to_do() -> None:
    """The page works, and names the keys to write."""
    page = overview(Site())
    assert "0 watched tasks" in page.text
    assert "No task is watched. Add tasks to the configuration" in page.text
    assert page.badges() == []


def test_before_the_first_scrape(site: Site) -> None:
    """Every task is there, not queried, waiting for a scrape."""
    page = overview(site)
    assert names(page) == ["orders-prod", "stock-prod"]
    assert page.badges() == ["2 Not queried", "Not queried", "Not queried"]
    assert page.text.count("waiting for the first scrape") == 2
    assert "2 watched tasks at https://ninedata.example" in page.text


def test_one_task_is_one_task(orders: Task) -> None:
    """And not "1 tasks"."""
    assert "1 watched task at" in overview(Site(orders)).text


def test_a_good_task(site: Site, orders: Task) -> None:
    """Its status, how many items, and how old that is."""
    items = (check("a", Status.SUCCESS), check("b", Status.SUCCESS))
    site.record(orders, Precheck(Status.SUCCESS, items), ago=5 * 60 + 10)
    page = overview(site)
    assert page.badges() == ["1 Success", "1 Not queried", "Not queried", "Success"]
    assert "orders-prod 2 Success 5 min ago" in page.text


@pytest.mark.parametrize(
    ("ago", "words"),
    [(-3600, "0 s ago"), (45 * 60 + 10, "45 min ago"), (3 * 3600 + 60, "3 h ago"), (10 * 86400, "10 d ago")],
)
def test_the_age_of_what_is_shown(site: Site, orders: Task, ago: float, words: str) -> None:
    """Beside the status; a clock that was set back shows no negative age."""
    site.record(orders, Precheck(Status.SUCCESS, ()), ago=ago)
    assert words in overview(site).text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59, "59 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3600, "60 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (172799, "48 h"),
        (172800, "2 d"),
        (86400 * 400, "400 d"),
        (-0.1, "0 s"),
        (-1000, "0 s"),
    ],
)
def test_ages_in_words(seconds: float, words: str) -> None:
    """In the unit that suits it."""
    assert age_in_words(seconds) == words


def test_failing_items_are_shown_with_their_reasons(site: Site, orders: Task) -> None:
    """Failed before warned, each with reason and identifier; those that pass are only counted."""
    items = (
        check("fine", Status.SUCCESS),
        check("charset", Status.WARNING, "The character sets differ."),
        check("columns", Status.FAILED, "Columns are missing. Add them."),
        check("silent", Status.FAILED),
    )
    site.record(orders, Precheck(Status.FAILED, items))
    page = overview(site)
    assert "2 Failed, 1 Warning, 1 Success" in page.text
    assert (
        "Check columns columns Columns are missing. Add them. "
        "Check silent silent The API gives no reason. "
        "Check charset charset The character sets differ." in page.text
    )
    assert "Check fine" not in page.text


def test_an_item_without_a_name_goes_by_its_identifier(site: Site, orders: Task) -> None:
    site.record(orders, Precheck(Status.FAILED, (CheckItem("someCheck", "", "", Status.FAILED, "Why."),)))
    assert "someCheck someCheck Why." in overview(site).text


def test_a_long_reason_is_shortened_here(site: Site, orders: Task) -> None:
    """Its start and its end stay; the task's own page has it whole."""
    reason = "Why it failed. " + "And more. " * 400 + "What to do about it."
    site.record(orders, Precheck(Status.FAILED, (check("a", Status.FAILED, reason),)))
    page = overview(site)
    shown = next(element.text for element in page.elements if "reason" in element.classes)
    assert len(shown) <= 500
    assert shown.startswith("Why it failed.")
    assert shown.endswith("What to do about it.")
    assert reason in Page(site.get("/tasks/cd-1").text).text


def test_a_failing_query(site: Site, orders: Task) -> None:
    """Its reason, since when, the message, the request's id, and what to do."""
    site.record(orders, QueryFailure(Reason.AUTH, "the API refused the query: bad signature", "r-42"), ago=3 * 60 + 10)
    page = overview(site)
    assert page.badges() == ["1 Query failing", "1 No answer yet", "1 Not queried", "No answer yet", "Not queried"]
    assert "The query failed: auth for 3 min the API refused the query: bad signature" in page.text
    assert " ".join(advice_on(Reason.AUTH, "data_compare").split()) in page.text
    assert "Request id r-42" in page.text
    assert "never answered" in page.text


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_its_advice(site: Site, orders: Task, reason: Reason) -> None:
    """A failure without a request id shows none."""
    site.record(orders, QueryFailure(reason, "in words"), ago=3 * 60 + 10)
    page = overview(site)
    assert (
        f"The query failed: {reason.value} for 3 min in words {' '.join(advice_on(reason, 'data_compare').split())}"
        in page.text
    )
    assert "Request id" not in page.text


def test_a_query_that_fails_now_keeps_what_was_known(site: Site, orders: Task) -> None:
    """The last known status and its age, beside the failure and since when it fails."""
    site.record(orders, Precheck(Status.FAILED, (check("a", Status.FAILED, "Why."),)), ago=2 * 3600 + 60)
    site.record(orders, QueryFailure(Reason.CONNECT, "cannot connect"), ago=3600 * 2 + 30)
    site.record(orders, QueryFailure(Reason.TLS, "no trust"), ago=30)
    page = overview(site)
    assert "Failed" in page.badges()
    assert "2 h ago" in page.text
    assert "The query failed: tls for 2 h no trust" in page.text
    assert "cannot connect" not in page.text
    assert "Why." in page.text


def test_a_query_that_works_again_is_well(site: Site, orders: Task) -> None:
    """Nothing of the failure stays."""
    site.record(orders, QueryFailure(Reason.CONNECT, "cannot connect", "r-1"))
    site.record(orders, Precheck(Status.SUCCESS, ()))
    page = overview(site)
    for word in ("connect", "fails", "failing", "r-1"):
        assert word not in page.text


def test_what_needs_attention_comes_first() -> None:
    """Failed, failing queries, warned, unknown, running, unstarted, success; by name within."""
    outcomes = {
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
    page = overview(site)
    assert names(page) == [
        "a-failed",
        "z-failed",
        "c-failing",
        "b-warning",
        "d-unknown",
        "e-running",
        "f-unstarted",
        "g-success",
    ]
    assert page.badges()[:8] == [
        "1 Query failing",
        "2 Failed",
        "1 Warning",
        "1 Unknown",
        "1 Running",
        "1 Unstarted",
        "1 Success",
        "1 No answer yet",
    ]


def test_a_good_task_whose_query_fails_comes_before_the_good_ones(site: Site, orders: Task, stock: Task) -> None:
    """What is shown of it may no longer be true."""
    site.record(orders, Precheck(Status.SUCCESS, ()))
    site.record(stock, Precheck(Status.SUCCESS, ()))
    site.record(stock, QueryFailure(Reason.TIMEOUT, ""))
    assert names(overview(site)) == ["stock-prod", "orders-prod"]


def test_a_precheck_that_was_started_again_shows_nothing_of_the_old_one(orders: Task) -> None:
    """With a new `precheck_task_id` the task is as if it was never queried."""
    site = Site(orders)
    old = Task(TaskRef("data_compare", "cd-1", "pcte-0"), "orders-prod")
    site.record(old, Precheck(Status.FAILED, (check("a", Status.FAILED, "Why."),)))
    page = overview(site)
    assert page.badges() == ["1 Not queried", "Not queried"]
    assert "Why." not in page.text


def test_links_lead_to_each_task_and_to_the_metrics(site: Site, orders: Task) -> None:
    """They are relative, so that they work behind a path prefix."""
    assert overview(site).links() == ["./tasks/cd-1", "./tasks/cd-2", "./", "./metrics"]
    elsewhere = Site(orders)
    elsewhere.options = replace(elsewhere.options, telemetry_path="/other/metrics")
    assert overview(elsewhere).links()[-1] == "./other/metrics"
    assert elsewhere.get("/other/metrics").status_code == 200
