"""The pages for programs: the same as JSON."""

from datetime import datetime

import pytest

from exporter import __version__
from exporter.config import Task
from exporter.ninedata import CheckItem, Precheck, Reason, Status, advice_on
from exporter.scraping.snapshot import QueryFailure
from tests.http.site import Site


def is_utc(text: object) -> bool:
    moment = datetime.fromisoformat(str(text))
    offset = moment.utcoffset()
    return offset is not None and offset.total_seconds() == 0


def test_a_task_before_the_first_scrape(site: Site) -> None:
    """Every key is there; what is not known is null."""
    assert site.json("/tasks/cd-1") == {
        "task_id": "cd-1",
        "task": "orders-prod",
        "kind": "data_compare",
        "precheck_task_id": "pcte-1",
        "labels": {"team": "dba"},
        "status": None,
        "status_word": None,
        "answered_at": None,
        "age_seconds": None,
        "request_id": None,
        "items": [],
        "last_query": None,
    }


def test_a_task_that_was_answered(site: Site, orders: Task) -> None:
    """Items with their reasons, those that need attention first; times in seconds and as ISO 8601."""
    items = (
        CheckItem("okCheck", "Fine", "Looks", Status.SUCCESS, ""),
        CheckItem("columnCheck", "Columns", "Compares", Status.FAILED, "Columns are missing.\nAdd them."),
    )
    site.record(orders, Precheck(Status.FAILED, items, request_id="r-1"), ago=90, seconds=0.5)
    found = site.json("/tasks/cd-1")
    assert isinstance(found, dict)
    age, at = found.pop("age_seconds"), found.pop("answered_at")
    assert age >= 90
    assert is_utc(at)
    assert found == {
        "task_id": "cd-1",
        "task": "orders-prod",
        "kind": "data_compare",
        "precheck_task_id": "pcte-1",
        "labels": {"team": "dba"},
        "status": "Failed",
        "status_word": None,
        "request_id": "r-1",
        "items": [
            {
                "item": "columnCheck",
                "item_name": "Columns",
                "description": "Compares",
                "status": "Failed",
                "reason": "Columns are missing.\nAdd them.",
            },
            {"item": "okCheck", "item_name": "Fine", "description": "Looks", "status": "Success", "reason": ""},
        ],
        "last_query": {
            "at": at,
            "duration_seconds": 0.5,
            "up": True,
            "reason": None,
            "error": None,
            "advice": None,
            "request_id": "r-1",
            "failing_for_seconds": None,
        },
    }


def test_a_task_whose_query_fails(site: Site, orders: Task) -> None:
    """What was known stays; the last query says why it failed and what to do."""
    site.record(orders, Precheck(Status.UNKNOWN, (), status_word="Paused", request_id="r-1"), ago=90)
    site.record(orders, QueryFailure(Reason.AUTH, "bad signature", "r-2"), ago=60)
    site.record(orders, QueryFailure(Reason.AUTH, "bad signature"), seconds=2.0)
    found = site.json("/tasks/cd-1")
    assert isinstance(found, dict)
    assert (found["status"], found["status_word"], found["request_id"]) == ("Unknown", "Paused", "r-1")
    query = found["last_query"]
    assert query.pop("failing_for_seconds") >= 60
    assert is_utc(query.pop("at"))
    assert query == {
        "duration_seconds": 2.0,
        "up": False,
        "reason": "auth",
        "error": "bad signature",
        "advice": advice_on(Reason.AUTH, "data_compare"),
        "request_id": None,
    }


def test_the_overview(site: Site, stock: Task) -> None:
    """The version, and every task as on its own page, in the order in which they are watched."""
    site.record(stock, Precheck(Status.FAILED, ()))
    found = site.json("/")
    assert isinstance(found, dict)
    assert found.keys() == {"version", "config", "task_files", "discovery", "tasks"}
    assert found["version"] == __version__
    assert [task["task_id"] for task in found["tasks"]] == ["cd-1", "cd-2"]
    assert found["tasks"][0] == site.json("/tasks/cd-1")
    assert found["tasks"][1].keys() == found["tasks"][0].keys()


@pytest.mark.parametrize(
    ("path", "error"), [("/tasks/cd-9", "No such task is watched."), ("/nowhere", "There is no such page.")]
)
def test_what_is_not_there(site: Site, path: str, error: str) -> None:
    """404 with a word for programs."""
    response = site.get(path, accept="application/json")
    assert (response.status_code, response.json()) == (404, {"error": error})
    assert response.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json", "application/json; charset=utf-8"),
        ("application/json, */*;q=0.1", "application/json; charset=utf-8"),
        ("Application/JSON", "application/json; charset=utf-8"),
        ("application/json, text/html", "application/json; charset=utf-8"),
        ("text/html, application/json", "text/html; charset=utf-8"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("", "text/html; charset=utf-8"),
        ("garbage", "text/html; charset=utf-8"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/tasks/cd-1", "/nowhere"])
def test_the_accept_header_chooses(site: Site, path: str, accept: str, content_type: str) -> None:
    """JSON for who names it, a page for everyone else, people first."""
    assert site.get(path, accept=accept).headers["content-type"] == content_type


def test_texts_are_as_they_are(orders: Task) -> None:
    """JSON needs no escaping of HTML, only its own."""
    site = Site(orders)
    site.record(orders, Precheck(Status.FAILED, (CheckItem("a", '<b>"&', "\\", Status.FAILED, "库存 😀\n"),)))
    found = site.json("/tasks/cd-1")
    assert isinstance(found, dict)
    assert found["items"] == [
        {"item": "a", "item_name": '<b>"&', "description": "\\", "status": "Failed", "reason": "库存 😀\n"}
    ]
