"""Whatever the API answers, all that the program shows of it can be read, and shows no secret."""

import json
import re
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ninedata import ID
from tests.fuzz.extent import costly
from tests.fuzz.inputs import bodies, headers, secrets_in, statuses, texts
from tests.fuzz.rig import OPENMETRICS, TEXT, Answer, Rig, rigged
from tests.program.components import check_metrics, component
from tests.program.process import log_line
from tests.program.scrape import Scrape
from tests.web.page import Page

answers = st.lists(
    st.builds(Answer, bodies, statuses, st.builds(tuple, headers)) | st.builds(Answer, bodies), min_size=1, max_size=8
)


def _list_of(tasks: list[tuple[str, str]]) -> Answer:
    data = [{"replicationId": task_id, "name": name, "status": "running"} for task_id, name in tasks]
    return Answer(json.dumps({"success": True, "data": data, "total": len(data)}).encode())


whole_lists = st.lists(
    st.tuples(st.from_regex(ID, fullmatch=True), texts), max_size=3, unique_by=lambda task: task[0]
).map(_list_of)
"""A list of tasks as it should be, with any names."""
lists = st.none() | whole_lists

PAGES = ("/", "/tasks/cd-1", "/tasks/cd-2", "/tasks/rp-1")
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "link", "body", "header", "main", "footer", "section", "h1", "h2", "p"),
    *("a", "span", "strong", "code", "div", "dl", "dt", "dd", "ul", "li", "table", "tr", "th", "td", "thead", "tbody"),
}
ATTRIBUTES = {"lang", "charset", "name", "content", "rel", "href", "class", "title", "scope"}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rigged(tmp_path_factory.mktemp("rig")) as found:
        yield found


@pytest.fixture(scope="module")
def promtool_check(pytestconfig: pytest.Config) -> Callable[[str], str]:
    promtool = component("promtool", pytestconfig)
    return lambda text: check_metrics(promtool, text)


@costly
@given(answers, lists)
def test_every_scrape_can_be_read(
    rig: Rig, promtool_check: Callable[[str], str], given_answers: list[Answer], listing: Answer | None
) -> None:
    """By prometheus-client's parsers and by promtool, in both formats; every watched task is there, once."""
    rig.given(given_answers, listing)
    for accept, read in ((TEXT, Scrape.of_text), (OPENMETRICS, Scrape.of_openmetrics)):
        response = rig.get("/metrics", {"accept": accept})
        assert response.status_code == 200
        scrape = read(response.text)
        assert {"cd-1", "cd-2", "rp-1"} <= set(scrape.up)
        assert scrape.down == set(scrape.reasons)
        # A task's answer may want a pause, which the list then has as well.
        if listing and discovered(scrape):
            found = {entry["replicationId"] for entry in json.loads(listing.body)["data"]}
            assert set(scrape.up) == {"cd-1", "cd-2", "rp-1"} | found
        assert not secrets_in(response.text)
        if accept == TEXT:
            assert promtool_check(response.text) == ""
        for sample in scrape.samples("ninedata_precheck_item_failure_info"):
            assert len(sample.labels["reason"]) <= 500
    probe = rig.get("/probe?task_id=cd-9&precheck_task_id=pcte-9")
    assert set(Scrape.of_text(probe.text).up) == {"cd-9"}
    assert_no_error(rig)


def discovered(scrape: Scrape) -> bool:
    return [sample.value for sample in scrape.samples("ninedata_discovery_up")] == [1]


def test_tasks_are_discovered(rig: Rig) -> None:
    """Or the tests here would say nothing of them."""
    rig.given([Answer(b"")], _list_of([("rp-8", "a"), ("rp-9", "b")]))
    scrape = Scrape.of_text(rig.get("/metrics").text)
    assert discovered(scrape)
    assert set(scrape.up) == {"cd-1", "cd-2", "rp-1", "rp-8", "rp-9"}


@costly
@given(answers, lists)
def test_every_page_can_be_read(rig: Rig, given_answers: list[Answer], listing: Answer | None) -> None:
    """It has the elements that pages have, its links stay here, JSON is JSON; nothing shows a secret."""
    rig.given(given_answers, listing)
    assert rig.get("/metrics").status_code == 200
    for path in PAGES:
        response = rig.get(path, {"accept": "text/html"})
        assert response.status_code == 200
        page = Page(response.text)
        for element in page.elements:
            assert element.tag in ELEMENTS
            assert set(element.attributes) <= ATTRIBUTES
        assert all(re.match(r"\.{0,2}/|data:,|#", link) for link in page.links())
        document = rig.get(path, {"accept": "application/json"})
        json.loads(document.text)
        assert not secrets_in(response.text + document.text)
    groups = rig.get("/sd").json()
    assert all(re.fullmatch(r"[\w.:-]+", group["labels"]["task_id"]) for group in groups)
    assert_no_error(rig)


def assert_no_error(rig: Rig) -> None:
    """Nothing met an error of the program's own; each event is a line, readable, in both forms, without secrets."""
    assert not [record.getMessage() for record in rig.log.records if record.levelno >= 40]
    for line in rig.log.lines:
        assert len(line.splitlines()) == 1
        assert not secrets_in(line)
        log_line(line)
