"""Every kind of answer is understood, or refused for a reason: the files in `answers/`, and what becomes of them."""

import json
from bisect import bisect_left
from pathlib import Path

import httpx
import pytest

from exporter.ninedata import CheckItem, Precheck, Reason, Status
from tests.ninedata.fake_api import FakeApi, failure_of, outcome_of, reply

pytestmark = pytest.mark.anyio

ANSWERS = Path(__file__).parent / "answers"


def item(name: str, status: str, message: str = "") -> CheckItem:
    """An item of the answers that are about something else than its texts."""
    return CheckItem(name, f"Name of {name}", f"What {name} checks", Status(status), message)


def bare(name: str, status: str = "Unknown", message: str = "") -> CheckItem:
    """An item of which the answer says little."""
    return CheckItem(name, "", "", Status(status), message)


def precheck(status: str, *items: CheckItem, word: str | None = None, request_id: str = "r-1") -> Precheck:
    return Precheck(Status(status), items, status if word is None else word, request_id)


UNDERSTOOD = {
    "documented.json": precheck(
        "Success",
        CheckItem(
            "compareSrcPermissionCheck",
            "Source database privilege check",
            "Check whether the account privileges of the source database meet the requirements",
            Status.SUCCESS,
            "",
        ),
        CheckItem(
            "targetDataSourceCheck",
            "Target Connection Check",
            "Check the status of the gateway of the target datasource, database connectable, and verify the username "
            "and password",
            Status.SUCCESS,
            "",
        ),
        request_id="Lu8t2KPM-eqqraVGnllse6BZdmnh5DQM",
    ),
    "failed.json": precheck(
        "Failed",
        CheckItem("srcDataSourceCheck", "Source Connection Check", "Check the connection", Status.SUCCESS, ""),
        CheckItem(
            "targetDataExistCheck",
            "Target Data Existence Check",
            "Check whether the target tables can be compared",
            Status.FAILED,
            "Target tables are missing _sign and _version columns. Add the columns and run the precheck again.",
        ),
    ),
    "unstarted.json": precheck("Unstarted", item("a", "Unstarted"), item("b", "Unstarted")),
    "running.json": precheck("Running", item("a", "Success"), item("b", "Running"), item("c", "Unstarted")),
    "no-items-yet.json": precheck("Unstarted"),
    "upper-case.json": precheck(
        "Failed", item("a", "Success"), item("b", "Failed", "B is broken."), item("c", "Running"), word="FAILED"
    ),
    "unknown-words.json": precheck("Unknown", item("a", "Unknown"), item("b", "Success"), word="Paused"),
    "warning-item.json": precheck(
        "Success", item("a", "Warning", "The tables have no primary key."), item("b", "Success")
    ),
    "nulls.json": precheck("Unknown", bare("a"), word="", request_id=""),
    "fields-missing.json": precheck("Unknown", bare("a"), bare("b", "Success"), word="", request_id=""),
    "data-empty.json": precheck("Unknown", word="", request_id=""),
    "items-null.json": precheck("Running"),
    "items-missing.json": precheck("Running"),
    "numbers-and-texts-swapped.json": precheck(
        "Failed",
        CheckItem("17", "3.5", "true", Status.FAILED, "first; second"),
        CheckItem("b", "", '{"en": "b"}', Status.UNKNOWN, '{"code": 5, "原因": "x"}'),
        request_id="4711",
    ),
    "success-is-text.json": precheck("Success"),
    "success-missing.json": precheck("Success"),
    "items-duplicate.json": precheck(
        "Success",
        item("a#2", "Success"),
        item("a", "Success"),
        CheckItem("a#3", "Name of a", "What a checks", Status.FAILED, "Second."),
        CheckItem("a#4", "Name of a", "What a checks", Status.RUNNING, ""),
        item("item_6", "Success"),
        bare("item_6#2", "Success"),
    ),
    "items-without-ids.json": precheck(
        "Failed",
        CheckItem("item_1", "First", "", Status.SUCCESS, ""),
        CheckItem("item_2", "Second", "", Status.FAILED, "In another key."),
        bare("item_3", "Failed", "The other one is blank."),
        bare("item_4"),
        bare("item_5"),
        bare("item_6"),
        bare("item_7"),
    ),
    "messages-of-passed-items.json": precheck(
        "Success", item("a", "Success"), item("b", "Success", "Passed with 3 tables.")
    ),
    "unknown-fields.json": precheck("Success", item("a", "Success")),
    "chinese.json": precheck(
        "Failed",
        CheckItem(
            "srcDataSourceCheck",
            "源数据源连接检查",
            "检查源数据源的连接",
            Status.FAILED,
            "无法连接 ninedata_ro@10.20.4.17:3306\uff0c请检查网络。😀",
        ),
    ),
    "credentials.json": precheck(
        "Failed",
        CheckItem(
            "a",
            "Check mysql://root:***@db:3306",
            "Connect with password=***",
            Status.FAILED,
            "Cannot connect to mysql://root:***@10.20.4.17:3306/orders: "
            "Access denied for user 'root'@'10.9.8.7' (using password: YES)",
        ),
    ),
    "surrogates.json": precheck(
        "Failed",
        CheckItem("a�", "half �", "whole 😀", Status.FAILED, "half � too"),
        bare("raw �", "Success"),
        request_id="r�",
    ),
    "control-characters.json": precheck(
        "Failed",
        CheckItem(
            "a� b",
            "tab bed�",
            "�[31mred�[0m",
            Status.FAILED,
            "line one\nline two\ttabbed�line three�evil�",
        ),
        request_id="r 1",
    ),
    "long-texts.json": precheck(
        "Failed",
        CheckItem("i" * 199 + "…", "n " * 99 + "n…", "d" * 3999 + "…", Status.FAILED, "e" * 3999 + "…"),
    ),
    "byte-order-mark.json": precheck("Success"),
    "utf-16.json": precheck("Success"),
    "keys-twice.json": precheck("Success", request_id=""),
}

REFUSED = {
    # by the API, in its own words
    "refused-permission.json": (Reason.AUTH, "the API refused the query: PERMISSION_DENY - no permission"),
    "refused-permission-chinese.json": (Reason.AUTH, "the API refused the query: 40301 - 没有权限访问该任务"),
    "refused-signature.json": (Reason.AUTH, "the API refused the query: SIGNATURE_WRONG - wrong signature"),
    "refused-signature-chinese.json": (Reason.AUTH, "the API refused the query: 签名错误"),
    "refused-timestamp.json": (Reason.AUTH, "the API refused the query: timestamp is expired"),
    "refused-not-found.json": (Reason.NOT_FOUND, "the API refused the query: precheck task not found"),
    "refused-not-found-chinese.json": (Reason.NOT_FOUND, "the API refused the query: 预检查任务不存在"),
    "refused-throttled.json": (
        Reason.RATE_LIMITED,
        "the API refused the query: Throttling.User - Request was denied due to user flow control.",
    ),
    "refused-throttled-chinese.json": (
        Reason.RATE_LIMITED,
        "the API refused the query: 请求过于频繁\uff0c请稍后再试",
    ),
    "refused-quota.json": (
        Reason.API_ERROR,
        "the API refused the query: COMMERCIAL_INSUFFICIENT_QUOTA - The quota is used up.",
    ),
    "refused-unknown-code.json": (Reason.API_ERROR, "the API refused the query: E-4711 - Something is odd."),
    "refused-success-text.json": (Reason.API_ERROR, "the API refused the query: Something is odd."),
    "refused-in-other-types.json": (
        Reason.API_ERROR,
        'the API refused the query: A; B - {"en": "Something is odd."}',
    ),
    "refused-without-a-word.json": (Reason.API_ERROR, "the API refused the query without a word"),
    "refused-nulls.json": (Reason.API_ERROR, "the API refused the query without a word"),
    "refused-success-null.json": (Reason.API_ERROR, "the API refused the query without a word"),
    "refused-with-credentials.json": (
        Reason.API_ERROR,
        "the API refused the query: Cannot open mysql://root:***@db:3306�",
    ),
    "refused-at-length.json": (Reason.API_ERROR, "the API refused the query: " + "x" * 499 + "…"),
    # by us: about another task
    "other-task.json": (Reason.INVALID_RESPONSE, "the answer is about taskId 'cd-another', not about 'cd-tg3isu1xgs'"),
    "other-task-in-another-type.json": (
        Reason.INVALID_RESPONSE,
        "the answer is about taskId '4711', not about 'cd-tg3isu1xgs'",
    ),
    "other-precheck.json": (
        Reason.INVALID_RESPONSE,
        "the answer is about precheckTaskId 'pcte-another', not about 'pcte-dj02vti9tabd'",
    ),
    # by us: not a precheck
    "data-null.json": (Reason.INVALID_RESPONSE, "the answer's data is null, not an object"),
    "data-missing.json": (Reason.INVALID_RESPONSE, "the answer's data is null, not an object"),
    "data-list.json": (Reason.INVALID_RESPONSE, "the answer's data is a list, not an object"),
    "data-text.json": (Reason.INVALID_RESPONSE, "the answer's data is a string, not an object"),
    "items-object.json": (Reason.INVALID_RESPONSE, "the check items are an object, not a list"),
    "items-text.json": (Reason.INVALID_RESPONSE, "the check items are a string, not a list"),
    "gateway.json": (Reason.INVALID_RESPONSE, "the answer's data is null, not an object"),
    "not-found.json": (Reason.INVALID_RESPONSE, "the answer's data is null, not an object"),
    # by us: not an object
    "list.json": (Reason.INVALID_RESPONSE, "the answer is a list, not an object"),
    "text.json": (Reason.INVALID_RESPONSE, "the answer is a string, not an object"),
    "number.json": (Reason.INVALID_RESPONSE, "the answer is a number, not an object"),
    "truth.json": (Reason.INVALID_RESPONSE, "the answer is a truth value, not an object"),
    "null.json": (Reason.INVALID_RESPONSE, "the answer is null, not an object"),
    # by us: not JSON
    "empty.json": (Reason.INVALID_RESPONSE, "the answer is empty"),
    "blank.json": (Reason.INVALID_RESPONSE, "the answer is empty"),
    "cut-off.json": (
        Reason.INVALID_RESPONSE,
        """the answer is not JSON; it starts with '{"success": true, "requestId": "r-1", "data": {"status": "S…'""",
    ),
    "two-documents.json": (
        Reason.INVALID_RESPONSE,
        """the answer is not JSON; it starts with '{"success": true}\\n{"success": true}'""",
    ),
    "gbk.json": (
        Reason.INVALID_RESPONSE,
        """the answer is not JSON; it starts with '{"success": true, "data": {"status": "�ɹ�", "precheckItems"…'""",
    ),
    "huge-number.json": (
        Reason.INVALID_RESPONSE,
        """the answer is not JSON; it starts with '{"success": true, "data": {"status": 9999999999999999999999…'""",
    ),
    "plain.txt": (
        Reason.INVALID_RESPONSE,
        "the answer is not JSON; it starts with 'upstream connect error: password=*** or disconnect/reset be…'",
    ),
    "binary.bin": (
        Reason.INVALID_RESPONSE,
        "the answer is not JSON; it starts with '"
        + "�" * 8
        + "\\t\\n"
        + "�" * 21
        + " !\"#$%&\\'()*+,-./0123456789:*…'",
    ),
    "login.html": (Reason.UNSUPPORTED, "a web page came instead of JSON"),
    "gateway.html": (Reason.UNSUPPORTED, "a web page came instead of JSON"),
}


def stored(name: str, status: int = 200, content_type: str = "application/json") -> httpx.Response:
    return reply((ANSWERS / name).read_bytes(), status, content_type=content_type)


def test_every_stored_answer_is_tested() -> None:
    """A file that nobody reads would claim what is not checked."""
    assert {path.name for path in ANSWERS.iterdir() if path.is_file()} == UNDERSTOOD.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", UNDERSTOOD)
async def test_an_answer_is_understood(api: FakeApi, name: str) -> None:
    """No item is dropped, each has an identifier of its own, every text is clean and bounded."""
    assert await api.query(stored(name)) == UNDERSTOOD[name]


@pytest.mark.parametrize("name", REFUSED)
async def test_an_answer_is_refused(api: FakeApi, name: str) -> None:
    """With a reason of the closed set and a message that is clean, bounded and to the point."""
    error = await failure_of(api.query(stored(name)))
    assert (error.reason, error.message) == REFUSED[name]
    assert len(error.message) < 600


@pytest.mark.parametrize(
    ("name", "request_id"),
    [
        *[(name, "r-9") for name in REFUSED if name.startswith("refused-")],
        ("data-null.json", "r-1"),
        ("data-missing.json", "r-1"),
    ],
)
async def test_a_refusal_carries_the_request_id(api: FakeApi, name: str, request_id: str) -> None:
    """NineData's support finds the query by it."""
    assert (await failure_of(api.query(stored(name)))).request_id == request_id


JSON, HTML = "application/json", "text/html;charset=utf-8"
LONG_QUOTA = "COMMERCIAL_INSUFFICIENT_QUOTA - The quota is used up."


@pytest.mark.parametrize(
    ("answer", "reason", "message"),
    [
        # not allowed
        ((401, "empty.json", ""), "auth", "HTTP 401"),
        ((401, "gateway.html", HTML), "auth", "HTTP 401"),
        ((401, "refused-signature.json", JSON), "auth", "HTTP 401: SIGNATURE_WRONG - wrong signature"),
        ((403, "refused-quota.json", JSON), "auth", f"HTTP 403: {LONG_QUOTA}"),
        ((403, "empty.json", ""), "auth", "HTTP 403"),
        # the path is not known: an older server
        ((404, "gateway.html", HTML), "unsupported", "HTTP 404: the server does not know this path"),
        ((404, "empty.json", ""), "unsupported", "HTTP 404: the server does not know this path"),
        ((404, "not-found.json", JSON), "unsupported", "HTTP 404: the server does not know this path"),
        ((405, "empty.json", ""), "unsupported", "HTTP 405: the server does not know this path"),
        ((501, "empty.json", ""), "unsupported", "HTTP 501: the server does not know this path"),
        # the path is known, the precheck is not
        ((404, "refused-not-found.json", JSON), "not_found", "the API refused the query: precheck task not found"),
        (
            (404, "refused-unknown-code.json", JSON),
            "not_found",
            "the API refused the query: E-4711 - Something is odd.",
        ),
        ((404, "refused-signature.json", JSON), "auth", "the API refused the query: SIGNATURE_WRONG - wrong signature"),
        # the API's own words with other statuses
        ((400, "refused-not-found.json", JSON), "not_found", "the API refused the query: precheck task not found"),
        (
            (400, "refused-unknown-code.json", JSON),
            "api_error",
            "the API refused the query: E-4711 - Something is odd.",
        ),
        ((400, "refused-quota.json", JSON), "api_error", f"the API refused the query: {LONG_QUOTA}"),
        # neither the API's words nor an answer
        ((400, "empty.json", ""), "http_error", "HTTP 400"),
        ((400, "gateway.html", HTML), "http_error", "HTTP 400"),
        ((407, "empty.json", ""), "http_error", "HTTP 407"),
        ((418, "plain.txt", "text/plain"), "http_error", "HTTP 418"),
        ((500, "empty.json", ""), "http_error", "HTTP 500"),
        ((500, "refused-quota.json", JSON), "http_error", f"HTTP 500: {LONG_QUOTA}"),
        ((500, "documented.json", JSON), "http_error", "HTTP 500"),
        ((500, "gateway.json", JSON), "http_error", "HTTP 500: no healthy upstream"),
        ((400, "documented.json", JSON), "http_error", "HTTP 400"),
        ((599, "gateway.html", HTML), "http_error", "HTTP 599"),
        # a web page in place of the API
        ((200, "login.html", HTML), "unsupported", "a web page came instead of JSON"),
        ((200, "login.html", ""), "unsupported", "a web page came instead of JSON"),
        ((200, "plain.txt", "TEXT/HTML"), "unsupported", "a web page came instead of JSON"),
        ((204, "empty.json", ""), "invalid_response", "the answer is empty"),
        ((200, "empty.json", HTML), "invalid_response", "the answer is empty"),
    ],
)
async def test_the_http_status_and_the_api_s_words_give_the_reason(
    api: FakeApi, answer: tuple[int, str, str], reason: str, message: str
) -> None:
    """A failure in the API's own words counts with any status; the status of a failure is undocumented."""
    status, name, content_type = answer
    error = await failure_of(api.query(stored(name, status, content_type)))
    assert (error.reason, error.message) == (reason, message)


@pytest.mark.parametrize(("status", "content_type"), [(200, ""), (200, "text/plain"), (200, HTML), (201, JSON)])
async def test_a_precheck_is_understood_whatever_its_content_type(api: FakeApi, status: int, content_type: str) -> None:
    """What counts is the body."""
    assert await api.query(stored("failed.json", status, content_type)) == UNDERSTOOD["failed.json"]


WHERE_VALUES_STAND = [
    "%s",
    '{"success": %s}',
    '{"success": true, "requestId": %s, "data": {}}',
    '{"success": true, "data": %s}',
    '{"success": true, "data": {"taskId": %s}}',
    '{"success": true, "data": {"status": %s}}',
    '{"success": true, "data": {"precheckItems": %s}}',
    '{"success": true, "data": {"precheckItems": [%s]}}',
    '{"success": true, "data": {"precheckItems": [{"precheckItem": %s}]}}',
    '{"success": true, "data": {"precheckItems": [{"itemName": %s}]}}',
    '{"success": true, "data": {"precheckItems": [{"status": %s}]}}',
    '{"success": true, "data": {"precheckItems": [{"errorMessage": %s}]}}',
    '{"success": false, "message": %s}',
    '{"success": false, "errorCode": %s}',
]


@pytest.mark.parametrize("place", WHERE_VALUES_STAND)
async def test_any_value_at_any_place_is_a_precheck_or_a_bounded_failure(api: FakeApi, place: str) -> None:
    """Never an error of the exporter's own."""
    values: list[object] = [
        None,
        True,
        False,
        0,
        -1.5,
        1e300,
        "",
        "x",
        "\ud800",
        "\0",
        [],
        [None],
        ["a", 1],
        [[[]]],
        {},
        {"a": {}},
    ]
    for text in [*map(json.dumps, values), "NaN", "-Infinity", "1e999", "9" * 4000, '"' + "x" * 100_000 + '"']:
        outcome = await outcome_of(api.query(reply((place % text).encode())))
        assert isinstance(outcome, Precheck) or outcome.reason in {Reason.INVALID_RESPONSE, Reason.API_ERROR}


CORE = r'"\/"'
"""A text that JSON can spell in two ways, which has an answer read twice."""


def deepest(opening: str, closing: str) -> int:
    """How deep the interpreter reads, from here."""

    def too_deep(depth: int) -> bool:
        try:
            json.loads(opening * depth + CORE + closing * depth)
        except RecursionError:
            return True
        return False

    return bisect_left(range(1_000_000), x=True, key=too_deep) - 1


@pytest.mark.parametrize("place", WHERE_VALUES_STAND)
@pytest.mark.parametrize(("opening", "closing"), ["[]", ('{"a":', "}")], ids=["lists", "objects"])
async def test_nesting_beyond_reason_is_a_precheck_or_a_bounded_failure(
    api: FakeApi, place: str, opening: str, closing: str
) -> None:
    """Where reading still works and handling does not, too: every depth around the interpreter's limit."""
    limit = deepest(opening, closing)
    for depth in [*range(limit - 40, limit + 1), 100_000]:
        text = opening * depth + CORE + closing * depth
        outcome = await outcome_of(api.query(reply((place % text).encode())))
        assert isinstance(outcome, Precheck) or outcome.reason in {
            Reason.INVALID_RESPONSE,
            Reason.API_ERROR,
            Reason.TOO_LARGE,
        }


async def test_a_thousand_items_are_kept(api: FakeApi) -> None:
    """All of them, in the order given, the repeated ones numbered."""
    items = [{"precheckItem": f"item{n % 250}", "status": "Success"} for n in range(1000)]
    found = await api.query(reply({"success": True, "data": {"status": "Success", "precheckItems": items}}))
    assert [check.item for check in found.items[:2]] == ["item0", "item1"]
    assert found.items[999].item == "item249#4"
    assert len({check.item for check in found.items}) == 1000


@pytest.mark.parametrize("items", ["[" + ",".join(["1"] * 99_000) + "]", "[" + ",".join(["{}"] * 1001) + "]"])
async def test_more_items_than_any_precheck_has_are_too_large(api: FakeApi, items: str) -> None:
    """Refused before any is looked at: a small answer of very many would take the time of all other tasks."""
    body = f'{{"success": true, "data": {{"status": "Success", "precheckItems": {items}}}}}'
    error = await failure_of(api.query(reply(body.encode())))
    assert error.reason == "too_large"
    assert "check items; at most 1000 are read" in error.message
