"""The page of one task, with everything that is known of it."""

import re

import pytest

from exporter.config import Task
from exporter.ninedata import CheckItem, Precheck, Reason, Status, TaskRef, advice_on
from exporter.scraping.snapshot import QueryFailure
from tests.http.page import Page
from tests.http.site import Site

ITEMS = (
    CheckItem("okCheck", "Fine", "Looks at what is fine", Status.SUCCESS, ""),
    CheckItem("newCheck", "New", "", Status.UNKNOWN, ""),
    CheckItem("charsetCheck", "Character set", "Compares the character sets", Status.WARNING, "They differ."),
    CheckItem("columnCheck", "Columns", "", Status.FAILED, "Columns are missing.\nAdd them."),
    CheckItem("silentCheck", "", "", Status.FAILED, ""),
    CheckItem("waitingCheck", "Waiting", "", Status.UNSTARTED, ""),
    CheckItem("busyCheck", "Busy", "", Status.RUNNING, ""),
)


def task_page(site: Site, path: str = "/tasks/cd-1") -> Page:
    response = site.get(path)
    assert response.status_code == 200
    return Page(response.text)


def test_before_the_first_scrape(site: Site) -> None:
    """What is configured is there; of the precheck nothing is known."""
    page = task_page(site)
    assert page.badges() == ["Not queried"]
    assert "waiting for the first scrape" in page.text
    assert "No answer yet." in page.text
    assert page.details() == {"Task": "cd-1", "Precheck": "pcte-1", "Kind": "data_compare", "team": "dba"}


def test_every_item_in_full(site: Site, orders: Task) -> None:
    """Those that need attention first; name, identifier, reason and description of each."""
    site.record(orders, Precheck(Status.FAILED, ITEMS, request_id="r-1"), ago=3 * 60 + 10, seconds=0.1234)
    page = task_page(site)
    assert page.badges() == ["Failed", "Failed", "Failed", "Warning", "Unknown", "Running", "Unstarted", "Success"]
    assert "3 min ago" in page.text
    assert (
        "Failed Columns columnCheck Columns are missing. Add them. "
        "Failed silentCheck silentCheck The API gives no reason. "
        "Warning Character set charsetCheck They differ. Compares the character sets" in page.text
    )
    assert "Success Fine okCheck Looks at what is fine" in page.text
    details = page.details()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, 123 ms, answered", details["Last query"])
    assert details["Last query"].startswith(details["Last answer"])
    assert details["Request id"] == "r-1"


def test_lines_of_a_reason_stay_lines(site: Site, orders: Task) -> None:
    """A remediation of several steps can be read as such."""
    site.record(orders, Precheck(Status.FAILED, ITEMS))
    page = task_page(site)
    assert "Columns are missing.\nAdd them." in [element.text for element in page.all("p")]


def test_a_precheck_without_items(site: Site, orders: Task) -> None:
    """One that has not begun may have none yet."""
    site.record(orders, Precheck(Status.UNSTARTED, ()))
    assert "The precheck has no check items yet." in task_page(site).text


def test_an_unknown_status_is_shown_in_the_apis_own_word(site: Site, orders: Task) -> None:
    """Beside `Unknown`, which it counts as."""
    site.record(orders, Precheck(Status.UNKNOWN, (), status_word="Paused"))
    assert task_page(site).badges() == ["Unknown"]
    assert "the API says Paused" in task_page(site).text


def test_a_query_that_never_succeeded(site: Site, orders: Task) -> None:
    """The failure with advice and request id; nothing of the precheck."""
    site.record(
        orders, QueryFailure(Reason.NOT_FOUND, "the API refused the query: gone", "r-7"), ago=3 * 60 + 10, seconds=1.5
    )
    page = task_page(site)
    assert page.badges() == ["No answer yet"]
    assert "never answered" in page.text
    assert "The query failed: not_found for 3 min the API refused the query: gone" in page.text
    assert " ".join(advice_on(Reason.NOT_FOUND, "data_compare").split()) in page.text
    assert "Request id r-7" in page.text
    assert "No answer yet." in page.text
    assert page.details()["Last query"].endswith(" UTC, 1500 ms, failed")
    assert "Last answer" not in page.details()


def test_a_query_that_fails_now(site: Site, orders: Task) -> None:
    """The failure, and below it what the last answer said, with its own time and request id."""
    site.record(orders, Precheck(Status.FAILED, ITEMS, request_id="r-1"), ago=7260)
    site.record(orders, QueryFailure(Reason.TIMEOUT, "no complete answer within 5 s"))
    page = task_page(site)
    assert page.badges()[0] == "Failed"
    assert "2 h ago" in page.text
    assert "The query failed: timeout" in page.text
    assert "The last answer is below." in page.text
    assert "Columns are missing." in page.text
    details = page.details()
    assert details["Request id"] == "r-1"
    assert details["Last answer"] < details["Last query"]


@pytest.mark.parametrize("task_id", ["cd-9", "CD-1", "cd-1%20", "%2e%2e", "orders-prod", "pcte-1"])
def test_a_task_that_is_not_watched(site: Site, task_id: str) -> None:
    """404, on a page that says so and leads to those that are."""
    response = site.get(f"/tasks/{task_id}")
    assert response.status_code == 404
    assert "No such task is watched." in Page(response.text).text


def test_an_id_may_have_any_character_that_ids_have() -> None:
    """The link of the overview leads to the page."""
    site = Site(Task(TaskRef("data_compare", "a.b_c:d-e", "p"), "odd"))
    link = Page(site.get("/").text).links()[0]
    assert Page(site.get(f"/{link}").text).details()["Task"] == "a.b_c:d-e"


def test_links_lead_back_and_to_the_metrics(site: Site) -> None:
    """They are relative, so that they work behind a path prefix."""
    assert task_page(site).links() == ["../", "../", "../metrics"]
