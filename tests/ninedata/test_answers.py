"""Answers of the API, bytes in: a precheck, or a QueryError with a reason of the closed set."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from exporter.ninedata import KINDS, CheckItem, Precheck, QueryError, Reason, Status
from exporter.ninedata.answers import MAX_ENTRIES, read_envelope, read_precheck
from tests.ninedata.fake_api import TASKS

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)

Answer = tuple[int, dict[str, str], bytes]


def answer(body: bytes | object = b"", status: int = 200, **headers: str) -> Answer:
    """Status, headers and body of a response; anything but bytes is its JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, content


def read(body: bytes | object, kind: str = "data_compare", status: int = 200, **headers: str) -> Precheck:
    envelope = read_envelope(*answer(body, status, **headers), NOON)
    return read_precheck(envelope, KINDS[kind], TASKS[kind])


def failure(body: bytes | object, kind: str = "data_compare", status: int = 200, **headers: str) -> QueryError:
    with pytest.raises(QueryError) as caught:
        read(body, kind, status, **headers)
    return caught.value


def with_data(kind: str = "data_compare", **fields: object) -> dict[str, object]:
    """A successful answer about the task of a kind."""
    return {"success": True, "requestId": "r-1", "data": dict(KINDS[kind].parameters(TASKS[kind])) | fields}


def with_items(*items: object) -> dict[str, object]:
    return with_data(status="Failed", precheckItems=list(items))


def refusal(**fields: object) -> dict[str, object]:
    """A failure in the API's own words."""
    return {"success": False, "requestId": "r-9"} | fields


MESSAGE = "Failed to connect datasource orders: root@10.20.7.31:3306. Check the network."


def documented(item_key: str, message_key: str, failed: str) -> list[dict[str, str]]:
    """Check items as the vendor documents them for a kind."""
    passed = {"itemName": "Source Check", "itemDescription": "Check the source", "status": "Success"}
    other = {"itemName": "Target Check", "itemDescription": "Check the target", "status": failed}
    return [{item_key: "srcCheck"} | passed, {item_key: "targetCheck", message_key: MESSAGE} | other]


COMPARED, REPLICATED = documented("precheckItem", "errorMessage", "Failed"), documented("itemId", "message", "failure")
DOCUMENTED = {
    "data_compare": ({"status": "Failed", "precheckItems": COMPARED}, Status.FAILED, "Failed"),
    "schema_compare": ({"status": "Running", "precheckItems": COMPARED}, Status.RUNNING, "Running"),
    "replication": ({"precheckStatus": "warning", "items": REPLICATED}, Status.WARNING, "warning"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_answer_of_each_kind_is_understood(kind: str) -> None:
    fields, status, word = DOCUMENTED[kind]
    items = (
        CheckItem("srcCheck", "Source Check", "Check the source", Status.SUCCESS, ""),
        CheckItem("targetCheck", "Target Check", "Check the target", Status.FAILED, MESSAGE),
    )
    assert read(with_data(kind, **fields), kind) == Precheck(status, items, word, "r-1")


@pytest.mark.parametrize(
    "fields",
    [{}, {"replicationId": None, "precheckStatus": None, "items": None}, {"precheckStatus": " ", "items": []}],
    ids=["no data", "nulls", "empty"],
)
def test_before_a_precheck_its_status_is_unknown_and_it_has_no_items(fields: dict[str, object]) -> None:
    """What the API answers then is not documented."""
    precheck = read({"success": True, "data": fields}, "replication")
    assert (precheck.status, precheck.items) == (Status.UNKNOWN, ())


def test_an_unknown_status_word_is_kept_for_people() -> None:
    assert read(with_data(status="Paused", requestId="r-1")) == Precheck(Status.UNKNOWN, (), "Paused", "r-1")
    assert read(with_data(status=" uNSTARTED\n")).status is Status.UNSTARTED


def test_numbers_and_texts_may_be_swapped() -> None:
    """So may lists and objects stand where a text is documented."""
    item = {"precheckItem": 17, "itemName": 3.5, "itemDescription": True, "errorMessage": ["first", {"code": 5}]}
    precheck = read({"success": "true", "requestId": 4711, "data": {"status": ["Failed"], "precheckItems": [item]}})
    assert precheck == Precheck(
        Status.FAILED, (CheckItem("17", "3.5", "true", Status.UNKNOWN, '["first", {"code": 5}]'),), "Failed", "4711"
    )


def test_the_reason_of_a_failure_may_be_in_either_key() -> None:
    """A blank one counts as missing."""
    items = [{"errorMessage": "A."}, {"message": "B."}, {"errorMessage": " \n", "message": "C."}, {}]
    assert [item.message for item in read(with_items(*items)).items] == ["A.", "B.", "C.", ""]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["a", "a", "a"], ["a", "a#2", "a#3"]),
        (["a#2", "a", "a"], ["a#2", "a", "a#3"]),
        ([None, "", " \n"], ["item_1", "item_2", "item_3"]),
        (["item_2", None], ["item_2", "item_2#2"]),
    ],
    ids=str,
)
def test_every_item_has_an_identifier_of_its_own(given: list[object], expected: list[str]) -> None:
    items = [{"precheckItem": name, "status": "Success"} for name in given]
    assert [item.item for item in read(with_items(*items)).items] == expected


def test_an_entry_that_is_no_object_is_an_item_too() -> None:
    """None is dropped: the number of items stays right."""
    assert read(with_items(None, "text", 7, [])).items == tuple(
        CheckItem(f"item_{place}", "", "", Status.UNKNOWN, "") for place in range(1, 5)
    )


def test_every_text_is_clean() -> None:
    """Printable, bounded, and without credentials."""
    item = {
        "precheckItem": "a\nb\ud800",
        "itemName": "mysql://root:hunter2@db",
        "itemDescription": "\x1b[31mred",
        "status": "Failed",
        "errorMessage": "line one\r\nline two: password=hunter2 " + "x" * 5000,
    }
    (found,) = read(with_items(item)).items
    assert (found.item, found.name, found.description) == ("a b�", "mysql://root:***@db", "�[31mred")
    assert found.message.startswith("line one\nline two: password=*** xxx")
    assert len(found.message) == 4000


def test_1000_items_are_read_and_no_more() -> None:
    items = [{"precheckItem": f"i{number}"} for number in range(MAX_ENTRIES)]
    assert len(read(with_items(*items)).items) == MAX_ENTRIES
    error = failure(with_items(*items, {}))
    assert (error.reason, error.message) == ("too_large", "the answer has 1001 check items; at most 1000 are read")


@pytest.mark.parametrize(("kind", "key"), [("data_compare", "taskId"), ("schema_compare", "precheckTaskId")])
@pytest.mark.parametrize("other", ["cd-1", 4711])
def test_an_answer_about_another_task_is_refused(kind: str, key: str, other: object) -> None:
    """A confused cache or proxy must not turn a dashboard green."""
    error, own = failure(with_data(kind, **{key: other}), kind), dict(KINDS[kind].parameters(TASKS[kind]))[key]
    assert error.reason is Reason.INVALID_RESPONSE
    assert error.message == f"the answer is about {key} '{other}', not about '{own}'"


HTML = "text/html;charset=utf-8"
PAGE = b"<!doctype html><html>Sign in</html>"
GATEWAY = {"code": 502, "message": "no healthy upstream"}
ODD = refusal(errorCode="E-4711", message="Something is odd.")
NOT_FOUND = refusal(message="precheck task not found")
SIGNATURE = refusal(errorCode="SIGNATURE_WRONG", message="wrong signature")
QUOTA = refusal(errorCode="COMMERCIAL_INSUFFICIENT_QUOTA", message="The quota is used up.")
NO_PATH = "the server does not know this path"
REFUSED = "the API refused the query"
NOT_AN_OBJECT = "the answer is not a JSON object; it starts with"

# HTTP status, content type, body; the reason and the message
FAILURES: list[tuple[int, str, bytes | object, str, str]] = [
    # in the API's own words, whatever the HTTP status
    (200, "", NOT_FOUND, "not_found", f"{REFUSED}: precheck task not found"),
    (404, "", NOT_FOUND, "not_found", f"{REFUSED}: precheck task not found"),
    (404, "", ODD, "not_found", f"{REFUSED}: E-4711 - Something is odd."),
    (200, "", SIGNATURE, "auth", f"{REFUSED}: SIGNATURE_WRONG - wrong signature"),
    (200, "", refusal(errorCode=40301, message="没有权限"), "api_error", f"{REFUSED}: 40301 - 没有权限"),
    (400, "", ODD, "api_error", f"{REFUSED}: E-4711 - Something is odd."),
    (200, "", refusal(success="False", message="Odd."), "api_error", f"{REFUSED}: Odd."),
    (200, "", refusal(success=None), "api_error", f"{REFUSED} without a reason"),
    (200, "", refusal(errorCode=None, message=None), "api_error", f"{REFUSED} without a reason"),
    (200, "", refusal(errorCode=["A", "B"], message={"原因": "C"}), "api_error", f'{REFUSED}: A; B - {{"原因": "C"}}'),
    (200, "", refusal(message="mysql://root:x@db\x07"), "api_error", f"{REFUSED}: mysql://root:***@db�"),
    (200, "", refusal(message="x" * 9000), "api_error", f"{REFUSED}: {'x' * 499}…"),
    # not allowed
    (401, "", b"", "auth", "HTTP 401"),
    (403, "", QUOTA, "auth", "HTTP 403: COMMERCIAL_INSUFFICIENT_QUOTA - The quota is used up."),
    # the path is not known: an older server
    (404, HTML, PAGE, "unsupported", f"HTTP 404: {NO_PATH}"),
    (404, "", b"", "unsupported", f"HTTP 404: {NO_PATH}"),
    (405, "", b"", "unsupported", f"HTTP 405: {NO_PATH}"),
    (200, HTML, b"Sign in", "unsupported", "a web page came instead of JSON"),
    (200, "", PAGE, "unsupported", "a web page came instead of JSON"),
    # errors of HTTP
    (400, "", b"", "http_error", "HTTP 400"),
    (500, "", with_data(), "http_error", "HTTP 500"),
    (500, "", SIGNATURE, "http_error", "HTTP 500: SIGNATURE_WRONG - wrong signature"),
    (502, "", GATEWAY, "http_error", "HTTP 502: no healthy upstream"),
    # not an envelope
    (200, "", GATEWAY, "invalid_response", "the answer's data is not an object"),
    (200, "", {"success": True, "data": []}, "invalid_response", "the answer's data is not an object"),
    (200, "", with_data(precheckItems={}), "invalid_response", "the check items are not a list"),
    (200, "", [], "invalid_response", f"{NOT_AN_OBJECT} '[]'"),
    (200, "", b" null ", "invalid_response", f"{NOT_AN_OBJECT} 'null'"),
    # not JSON
    (204, HTML, b" \n", "invalid_response", "the answer is empty"),
    (200, "", b"lost: password=x1 in", "invalid_response", f"{NOT_AN_OBJECT} 'lost: password=*** in'"),
    (200, "", b'{"a":1}{"a":1}', "invalid_response", f"""{NOT_AN_OBJECT} '{{"a":1}}{{"a":1}}'"""),
    (200, "", "{状".encode("gbk"), "invalid_response", f"{NOT_AN_OBJECT} '{{״'"),
    (200, "", b"x" * 999, "invalid_response", f"{NOT_AN_OBJECT} '{'x' * 59}…'"),
    (200, "", b"[" * 200_000, "invalid_response", f"{NOT_AN_OBJECT} '{'[' * 59}…'"),
]


@pytest.mark.parametrize(
    ("status", "content_type", "body", "reason", "message"),
    FAILURES,
    ids=[str(number) for number in range(len(FAILURES))],
)
def test_every_other_answer_is_a_failure_with_a_reason(
    status: int, content_type: str, body: bytes | object, reason: str, message: str
) -> None:
    """In which HTTP status and words the API refuses a query is not documented."""
    error = failure(body, status=status, content_type=content_type)
    assert (error.reason, error.message) == (reason, message)


def test_a_refusal_carries_the_request_id() -> None:
    """NineData's support finds the query by it."""
    bodies = (refusal(message="no"), refusal(success=True, data=None), refusal(success=True, data={"taskId": "cd-1"}))
    assert [failure(body).request_id for body in bodies] == ["r-9"] * 3
    assert failure(refusal(), status=403).request_id == "r-9"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": " 7 "}, 7),
        ({"retry_after": "0"}, 1),
        ({"retry_after": "Fri, 02 Jan 2026 12:00:30 GMT"}, 30),
        ({"retry_after": "Thu, 01 Jan 2026 00:00:00 GMT"}, 1),
        ({}, 5),
        ({"retry_after": "soon"}, 5),
        ({"retry_after": "Fri, 99 Jan 2026 03:04:35 GMT"}, 5),
        ({"retry_after": "86400"}, 300),
        ({"retry_after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 300),
    ],
    ids=str,
)
def test_a_429_holds_all_requests_until_retry_after(headers: dict[str, str], seconds: float) -> None:
    """Seconds or a date; 5 seconds if it does not say, never more than 5 minutes."""
    error = failure(b"", status=429, **headers)
    assert (error.reason, error.hold_seconds) == (Reason.RATE_LIMITED, seconds)
    assert error.message == f"HTTP 429: the API wants fewer requests; none are sent for {seconds} s"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://evil.example.com/openapi", "https://evil.example.com/openapi"),
        ("/login", "/login"),
        ("https://user:hunter2@sso.example.com/login?token=hunter2#hunter2", "https://sso.example.com/login"),
        ("x\x1b[31m", "x�[31m"),
        ("", "no address"),
    ],
)
def test_a_redirect_is_a_failure_that_says_where_it_leads(location: str, shown: str) -> None:
    """Without what may be secret in the address."""
    error = failure(with_data(), status=302, location=location)
    assert error.reason is Reason.HTTP_ERROR
    assert error.message == (
        f"HTTP 302: redirected to {shown}, which is not followed because the signature must not go to another host; "
        "put the final address in api.base_url"
    )


def test_only_a_gateway_s_error_is_worth_retrying() -> None:
    statuses = (400, 401, 404, 429, 500, 502, 503, 504, 505)
    assert [status for status in statuses if failure(b"", status=status).worth_retrying] == [502, 503, 504]


SECRET = "sk-Canary4E1c7b-key"


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


ECHOES: dict[str, Callable[[str], Answer]] = {
    "message": lambda s: answer(refusal(message=f"unknown key {s}")),
    "error code": lambda s: answer(refusal(errorCode=s)),
    "request id": lambda s: answer(refusal(requestId=s), 401),
    "key": lambda s: answer(refusal(message={s: [s]})),
    "item": lambda s: answer(with_items({"precheckItem": s, "itemName": s, "status": s, "errorMessage": s})),
    "escaped": lambda s: answer(f'{{"success": false, "message": "{escaped(s)}"}}'.encode()),
    "not JSON": lambda s: answer(f"bad {s}".encode()),
    "redirect": lambda s: answer(b"", 302, location=f"https://sso.example.com/{s}/?{s}"),
}


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
def test_a_secret_that_the_answer_repeats_is_masked(echo: Callable[[str], Answer]) -> None:
    """However the answer spells it, and before a text is cut."""
    try:
        envelope = read_envelope(*echo(SECRET), NOON, ["ak-1234", SECRET])
        shown = repr(read_precheck(envelope, KINDS["data_compare"], TASKS["data_compare"]))
    except QueryError as error:
        shown = repr(vars(error))
    assert not any(SECRET[start : start + 6] in shown for start in range(len(SECRET) - 5))


def test_a_secret_that_json_escapes_is_masked() -> None:
    body = json.dumps(refusal(message='the key a"\\b is not active')).encode()
    with pytest.raises(QueryError, match=r"the key \*\*\* is not active"):
        read_envelope(200, {}, body, NOON, ['a"\\b'])


def test_a_secret_of_digits_breaks_no_number() -> None:
    envelope = read_envelope(200, {}, b'{"data": {"rows": 41235, "text": "key 123"}}', NOON, ["123"])
    assert envelope["data"] == {"rows": 41235, "text": "key ***"}
