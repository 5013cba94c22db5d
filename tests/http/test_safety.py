"""What protects those who open a page: escaping, headers, no foreign content, no calls of the API."""

import asyncio
import base64
import hashlib
import re
import threading
from urllib.parse import quote

import pytest

from exporter.config import Task
from exporter.http import pages
from exporter.ninedata import CheckItem, Precheck, Reason, Status, TaskRef
from exporter.scraping.snapshot import QueryFailure
from tests.http.page import Page
from tests.http.site import Site, client_of

PAGES = ["/", "/tasks/cd-1", "/nowhere"]
HOSTILE = (
    "<script>alert(1)</script> \"'><img src=x onerror=alert(1)> </p></style></title><iframe src=//evil.example> "
    "{{ 7 * 7 }}{% raw %} &lt;script&gt;&#60;b&#62;"
)


def site_full_of(text: str) -> Site:
    """The text is in every field that a page shows, from the configuration and from the API."""
    answered = Task(TaskRef("data_compare", "cd-1", text), text, {"team": text})
    failing = Task(TaskRef("data_compare", "cd-2", text), text, {"team": text})
    site = Site(answered, failing)
    items = tuple(CheckItem(f"{n}{text}", text, text, status, text) for n, status in enumerate(Status))
    site.record(answered, Precheck(Status.UNKNOWN, items, status_word=text, request_id=text))
    site.record(failing, QueryFailure(Reason.API_ERROR, text, text))
    return site


@pytest.mark.parametrize("path", ["/", "/?text={0}&label=team%3D{0}&status=&refresh=30", "/tasks/cd-1", "/tasks/cd-2"])
def test_no_text_becomes_part_of_the_page(path: str) -> None:
    """Elements and attributes are those of a page with harmless texts, and the text is shown as it is."""
    harmless, page = (Page(site_full_of(each).get(path.format(quote(each))).text) for each in ("harmless", HOSTILE))
    assert page.shape == harmless.shape
    assert [link for link in page.links() if not link.startswith(("./", "../", "?", "#"))] == []
    # Digits aside: ages and times differ.
    assert re.sub(r"\d", "", page.text) == re.sub(r"\d", "", harmless.text.replace("harmless", HOSTILE))


@pytest.mark.parametrize("path", PAGES)
def test_the_style_in_the_page_is_the_only_permitted_one(site: Site, path: str) -> None:
    """And the page needs nothing else."""
    response = site.get(path)
    page = Page(response.text)
    (style,) = page.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}';" in response.headers["content-security-policy"]
    for element in page.elements:
        assert element.tag not in ("script", "img", "iframe", "object", "embed", "base", "svg")
        assert not [name for name in element.attributes if name.startswith("on") or name in ("style", "src", "srcset")]
        assert element.tag != "form" or (element.attributes["method"], element.attributes["action"]) == ("get", "./")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("GET", path, 200) for path in ("/", "/tasks/cd-1", "/metrics", "/probe?task_id=cd-1", "/sd", "/-/healthy")),
        ("GET", "/probe", 400),
        ("GET", "/nowhere", 404),
        ("GET", "/tasks/", 404),
        ("POST", "/-/reload", 403),
        ("DELETE", "/", 405),
    ],
)
def test_every_answer_has_the_security_headers(site: Site, method: str, path: str, status: int) -> None:
    response = site.request(method, path)
    assert response.status_code == status
    headers = response.headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert (headers["cache-control"], headers["server"]) == ("no-store", "ninedata-exporter")


def test_no_page_calls_the_api(site: Site) -> None:
    for path in (*PAGES, "/-/healthy", "/-/ready", "/probe", "/sd", "/-/reload"):
        site.get(path)
    assert site.running.calls == []


@pytest.mark.parametrize("path", ["/", "/tasks/cd-1", "/-/healthy", "/metrics", "/probe?task_id=cd-1", "/sd"])
def test_head_is_get_without_the_body(site: Site, path: str) -> None:
    head, get = site.request("HEAD", path), site.get(path)
    assert head.status_code == get.status_code == 200
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.text == ""


def test_other_methods_are_refused(site: Site) -> None:
    for method in ("POST", "DELETE", "OPTIONS"):
        response = site.request(method, "/metrics")
        assert (response.status_code, set(response.headers["allow"].split(","))) == (405, {"GET", "HEAD"})
    assert site.running.calls == []


def test_an_unknown_path_leads_back(site: Site) -> None:
    page = Page(site.get("/nowhere").text)
    assert "There is no such page. See the watched tasks." in page.text
    assert site.json("/nowhere") == {"error": "There is no such page."}


@pytest.mark.anyio
async def test_a_large_overview_does_not_block_scrapes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a while: scrapes and health checks are answered meanwhile."""
    gate, overview_of = threading.Event(), pages.overview_of
    monkeypatch.setattr(pages, "overview_of", lambda *given: gate.wait(30) and overview_of(*given))
    async with site.served() as port, client_of(port) as client:
        crowd = [asyncio.create_task(client.get("/", timeout=30)) for _ in range(4)]
        await asyncio.sleep(0.05)
        for path in ("/-/healthy", "/metrics?collect[]=exporter"):
            assert (await client.get(path)).status_code == 200
        gate.set()
        assert {answer.status_code for answer in await asyncio.gather(*crowd)} == {200}
