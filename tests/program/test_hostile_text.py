"""Texts of the API that would break a format if they were passed on as they are."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from exporter.sandbox import Handle, fleet, run_in_thread
from exporter.sandbox.faults import ApiError, Body
from tests.program.process import Exporter, Launcher, canary_sandbox
from tests.program.scrape import Scrape

VICTIM = "cd-fleet-00002"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"

HOSTILE = {
    "quotes": "say \"hi\" and 'bye' and `x`",
    "backslashes": r"C:\new\table\ and \" and \\",
    "a backslash at the end": "table\\",
    "line breaks": "first\nsecond\r\nthird\rfourth\n",
    "a sample of its own": 'x"} 1\nninedata_precheck_up{task_id="cd-fleet-00001",task="t"} 0',
    "comments": "# HELP x y\n# TYPE x counter\n# EOF",
    "braces": '{a="b",c="d"} 1 # {trace_id="x"} 1',
    "control characters": "".join(map(chr, range(32))) + "\x7f\x80\x85\x9f",
    "terminal sequences": "\x1b[31mred\x1b]0;title\x07",
    "separators of lines": "one\u2028two\u2029three\x0bfour\x0cfive\x1csix",
    "a lone surrogate": "half \ud83d of a pair",
    "surrogates the wrong way round": "\udc00\ud800",
    "no characters": "\ufffe\uffff\U0001ffff",
    "directions": "\u202etxt.exe\u2066\u2069",
    "far planes": "\U0001f40d \U0010fffd",
    "combining": "e" + "\u0301" * 1000,
    "Chinese": "连接源数据库失败:请检查网络白名单、账号和密码",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;",
    "a template": "{{ 7 * 7 }} {% raw %} ${jndi:ldap://x}",
    "ten thousand characters": "x" * 10_000,
    "ten thousand quotes": '"' * 10_000,
    "ten thousand lines": "\n" * 9_999 + "x",
    "nothing but space": " \t\n ",
    "a format": "%s %(key)s {} {0.__class__}",
    "a field of a log": 'level=error msg="no"',
}


@dataclass
class Ground:
    sandbox: Handle
    exporter: Exporter


@pytest.fixture(scope="module")
def shared(launch_for_module: Launcher) -> Iterator[Ground]:
    with run_in_thread(canary_sandbox(fleet(3, items=2))) as sandbox:
        yield Ground(sandbox, launch_for_module(sandbox))


@pytest.fixture(params=HOSTILE.values(), ids=HOSTILE.keys())
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def ground(shared: Ground, text: str) -> Ground:
    """A precheck in which every text is the hostile one."""
    item = {"precheckItem": text, "itemName": text, "itemDescription": text, "status": "Failed", "errorMessage": text}
    items = [item, item | {"status": text}, item | {"precheckItem": "named"}]
    answer = {"success": True, "requestId": text, "data": {"status": text, "precheckItems": items}}
    # Escaped, as a server would have to send what cannot be encoded.
    shared.sandbox.set_fault(Body(content=json.dumps(answer).encode("ascii")), VICTIM)
    return shared


def test_a_scrape_can_be_read(ground: Ground, promtool_check: Callable[[str], str]) -> None:
    """Both of Prometheus' readers take it, no line comes from a text, and nothing is longer than it may be."""
    scrape = ground.exporter.scrape()
    assert promtool_check(scrape.text) == ""
    assert scrape.up == {task.task_id: 1 for task in ground.sandbox.tasks}
    assert len(scrape.samples("ninedata_precheck_item_status", task_id=VICTIM)) == 3
    told = [sample.labels for sample in scrape.samples("ninedata_precheck_item_failure_info", task_id=VICTIM)]
    assert len(told) == 2
    for labels in told:
        assert len(labels["reason"]) <= 500
        assert len(labels["item"]) <= 210
        assert len(labels["item_name"]) <= 200
        assert not set(map(chr, range(32))) & set(labels["item"] + labels["item_name"])


def test_a_scrape_in_openmetrics_can_be_read(ground: Ground) -> None:
    """The same for the stricter format."""
    answer = ground.exporter.get("/metrics", {"Accept": OPENMETRICS})
    assert Scrape.of_openmetrics(answer.text).up == {task.task_id: 1 for task in ground.sandbox.tasks}


def test_pages_and_log_can_be_read(ground: Ground, shared: Ground, text: str) -> None:
    """No markup of a text becomes the page's, JSON stays JSON, and each event is one line of the log."""
    ground.exporter.scrape()
    for page in (ground.exporter.page("/"), ground.exporter.page(f"/tasks/{VICTIM}")):
        assert "<script" not in page
        assert "<img" not in page
        assert "\x1b" not in page
    for path in ("/", f"/tasks/{VICTIM}"):
        assert json.loads(ground.exporter.get(path, {"Accept": "application/json"}).text)
    shared.sandbox.set_fault(ApiError(message=text.encode("utf-8", "replace").decode()), VICTIM)
    shared.exporter.scrape()
    assert shared.exporter.logged("query fails")[-1]["task_id"] == VICTIM
    assert "\x1b" not in shared.exporter.stderr


KEPT = ("quotes", "backslashes", "a backslash at the end", "braces", "far planes", "Chinese", "markup", "a format")


@pytest.mark.parametrize("text", [HOSTILE[name] for name in KEPT], ids=KEPT, indirect=True)
def test_what_is_harmless_is_kept_to_the_letter(ground: Ground, text: str) -> None:
    """A text that can be a label's value is that value, character by character, in both formats."""
    openmetrics = ground.exporter.get("/metrics", {"Accept": OPENMETRICS}).text
    for scrape in (ground.exporter.scrape(), Scrape.of_openmetrics(openmetrics)):
        told = scrape.samples("ninedata_precheck_item_failure_info", item="named")[0].labels
        assert (told["item_name"], told["reason"]) == (text, text)
