"""What protects who opens a page: escaping, headers, no foreign content, no calls of the API."""

import asyncio
import base64
import hashlib
import re
import time

import pytest

from exporter.config import Task
from exporter.ninedata import CheckItem, Precheck, Reason, Status, TaskRef
from exporter.scraping.snapshot import QueryFailure
from tests.http.page import Page
from tests.http.site import Site, client_of

PAGES = ["/", "/tasks/cd-1", "/nowhere"]
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</p></style></title><iframe src=//evil.example>",
    "<!--",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "&lt;script&gt;&#60;b&#62;",
    "' onmouseover='alert(1)",
    "]]><svg/onload=alert(1)>",
]


def site_full_of(text: str) -> Site:
    """The text stands in every field that a page shows: from the configuration and from the API."""
    answered = Task(TaskRef("data_compare", "cd-1", text), text, {"team": text})
    failing = Task(TaskRef("data_compare", "cd-2", text), text, {"team": text})
    site = Site(answered, failing)
    items = tuple(CheckItem(f"{n}{text}", text, text, status, text) for n, status in enumerate(Status))
    site.record(answered, Precheck(Status.UNKNOWN, items, status_word=text, request_id=text))
    site.record(failing, QueryFailure(Reason.API_ERROR, text, text))
    return site


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("path", ["/", "/tasks/cd-1", "/tasks/cd-2"])
def test_no_text_becomes_part_of_the_page(path: str, text: str) -> None:
    """The elements and their attributes are those of a page with harmless texts, and the text is read as it is."""
    harmless, page = Page(site_full_of("harmless").get(path).text), Page(site_full_of(text).get(path).text)
    assert page.shape == harmless.shape
    assert [link for link in page.links() if not link.startswith("./") and not link.startswith("../")] == []
    expected = harmless.text.replace("harmless", " ".join(text.split()))
    # Digits aside, for ages and times differ.
    assert re.sub(r"\d", "", page.text) == re.sub(r"\d", "", expected)


@pytest.mark.parametrize("text", [text for text in HOSTILE if "/" not in text])
def test_no_id_becomes_part_of_the_page(text: str) -> None:
    """Not even one that no configuration lets in: in the link, on its own page, and where it is not watched."""
    site = Site(Task(TaskRef("data_compare", text, text), text))
    page = Page(site.get("/").text)
    assert page.shape == Page(Site(Task(TaskRef("data_compare", "cd-1", "p"), "n")).get("/").text).shape
    own = Page(site.get("/" + page.links()[0].removeprefix("./")).text)
    assert own.details()["Task"] == text
    missing = Site().get("/tasks/" + page.links()[0].removeprefix("./tasks/"))
    assert missing.status_code == 404
    assert Page(missing.text).shape == Page(Site().get("/tasks/cd-1").text).shape


@pytest.mark.parametrize("text", HOSTILE)
def test_no_address_becomes_part_of_the_page(text: str) -> None:
    """What a visitor asks for is not shown to him again as HTML."""
    response = Site().request("GET", "/nowhere", **{"x-forwarded-host": text, "referer": text})
    asked = Site().get(f"/nowhere?x={text}".replace("#", "%23"))
    assert response.text == asked.text == Site().get("/nowhere").text


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_headers_of_every_page(site: Site, path: str, accept: str) -> None:
    """No script, no frame, no foreign content, no referrer, no guessing of types, nothing stored."""
    headers = site.get(path, accept=accept).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'none'"
    assert policy.keys() <= {"default-src", "style-src", "img-src", "frame-ancestors", "base-uri", "form-action"}
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "set-cookie" not in headers


EVERYWHERE = [
    ("GET", "/"),
    ("GET", "/tasks/cd-1"),
    ("GET", "/metrics"),
    ("GET", "/probe?task_id=cd-1"),
    ("GET", "/probe"),
    ("GET", "/sd"),
    ("GET", "/nowhere"),
    ("GET", "/-/healthy"),
    ("GET", "/-/ready"),
    ("POST", "/-/reload"),
    ("POST", "/metrics"),
    ("DELETE", "/"),
]


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
def test_headers_of_every_answer(site: Site, method: str, path: str) -> None:
    """Metrics, lists, refusals: none is stored, taken for another type, put into a frame, or runs anything."""
    headers = site.request(method, path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_the_style_is_the_permitted_one(site: Site, path: str) -> None:
    """The policy names the hash of the one style in the page, exactly as it stands there."""
    response = site.get(path)
    (style,) = Page(response.text).all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in response.headers["content-security-policy"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_nothing_else(site: Site, orders: Task, path: str) -> None:
    """No script, no inline style or handler, and nothing that is loaded from anywhere."""
    site.record(orders, Precheck(Status.FAILED, (CheckItem("a", "A", "", Status.FAILED, "Why."),)))
    for element in Page(site.get(path).text).elements:
        assert element.tag not in ("script", "img", "iframe", "object", "embed", "form", "base", "svg")
        assert not [name for name in element.attributes if name.startswith("on") or name in ("style", "src", "srcset")]
        if element.tag == "link":
            assert element.attributes == {"rel": "icon", "href": "data:,"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_whole(site: Site, path: str) -> None:
    """It has a language, a title and a heading of its own, fits a phone, and links to the other pages."""
    page = Page(site.get(path).text)
    assert page.all("html")[0].attributes == {"lang": "en"}
    assert page.all("title")[0].text.endswith(" - NineData prechecks")
    assert len(page.all("h1")) == 1
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in [
        element.attributes for element in page.all("meta")
    ]
    assert len(page.links()) >= 2


@pytest.mark.parametrize("path", [*PAGES, "/tasks/", "/tasks", "/-/healthy", "/-/ready", "/probe", "/sd", "/-/reload"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_no_page_calls_the_api(site: Site, path: str, accept: str) -> None:
    """Whoever opens a page adds nothing to the API's load."""
    site.get(path, accept=accept)
    assert site.exporter.calls == []


@pytest.mark.parametrize("path", ["/", "/tasks/cd-1", "/-/healthy", "/-/ready", "/metrics"])
def test_head_is_get_without_the_body(site: Site, path: str) -> None:
    """Monitors ask with HEAD."""
    head, get = site.request("HEAD", path), site.get(path)
    assert head.status_code == get.status_code == 200
    assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("path", ["/", "/tasks/cd-1", "/-/healthy", "/-/ready", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(site: Site, path: str, method: str) -> None:
    """405, with those that are allowed; and no scrape."""
    response = site.request(method, path)
    assert response.status_code == 405
    assert set(response.headers["allow"].split(",")) == {"GET", "HEAD"}
    assert site.exporter.calls == []


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
def test_probes_of_an_orchestrator_are_answered(site: Site, path: str) -> None:
    """200 with one line of text, whatever the tasks do."""
    response = site.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text.endswith(".\n")


@pytest.mark.anyio
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_a_crowd_at_a_large_overview_holds_up_nobody(accept: str) -> None:
    """With 5,000 tasks it takes a while: scrapes and health checks are answered meanwhile."""
    site = Site(*(Task(TaskRef("data_compare", f"cd-{n}", "p"), f"task-{n}") for n in range(5000)))
    async with site.served() as port, client_of(port) as client:
        crowd = [asyncio.create_task(client.get("/", headers={"accept": accept})) for _ in range(5)]
        await asyncio.sleep(0.05)
        for path in ("/-/healthy", "/metrics?collect[]=exporter"):
            began = time.monotonic()
            assert (await client.get(path)).status_code == 200
            assert time.monotonic() - began < 2
        assert not all(one.done() for one in crowd)
        assert {answer.status_code for answer in await asyncio.gather(*crowd)} == {200}
