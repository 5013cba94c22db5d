"""Prechecks of schema comparisons and of replication tasks: the folders in `answers/`, and what becomes of them."""

import json
from pathlib import Path

import pytest

from exporter.ninedata import KINDS, CheckItem, Precheck, Reason, Status, TaskRef
from tests.ninedata.fake_api import FakeApi, failure_of, now, outcome_of, reply

pytestmark = pytest.mark.anyio

ANSWERS = Path(__file__).parent / "answers"

SCHEMA = TaskRef("schema_compare", "cc-th6j3fs58y", "pcte-dji009w2k499")
REPLICATION = TaskRef("replication", "rp-div0qqpbffio", "")
REFS = {ref.kind: ref for ref in (SCHEMA, REPLICATION)}


def item(name: str, status: str, message: str = "") -> CheckItem:
    """An item of the answers that are about something else than its texts."""
    return CheckItem(name, f"Name of {name}", f"What {name} checks", Status(status), message)


def precheck(status: str, *items: CheckItem, word: str | None = None, request_id: str = "r-1") -> Precheck:
    return Precheck(Status(status), items, status if word is None else word, request_id)


CONNECTION = (
    "Check the status of the gateway of the source datasource, database connectable, "
    "and verify the username and password"
)

UNDERSTOOD: dict[str, dict[str, Precheck]] = {
    "schema_compare": {
        "documented.json": precheck(
            "Success",
            CheckItem("srcDataSourceCheck", "Source Connection Check", CONNECTION, Status.SUCCESS, ""),
            request_id="Pc2k1HKI-CIJDvWQnEIIb9GFdDHg0IUT",
        ),
        "failed.json": precheck("Failed", item("a", "Failed", "Grant SHOW VIEW."), item("b", "Success")),
        "message-in-another-key.json": precheck("Failed", item("a", "Failed", "In the other key.")),
        "status-null.json": precheck("Unknown", word=""),
        "items-null.json": precheck("Running"),
        "upper-case.json": precheck("Unstarted", item("a", "Running"), word="UNSTARTED"),
    },
    "replication": {
        "documented.json": precheck(
            "Failed",
            CheckItem(
                "replBidirectionLoopExistCheck",
                "Cyclic replication check",
                "Check for replication loops",
                Status.SUCCESS,
                "",
            ),
            CheckItem(
                "srcDataSourceCheck",
                "Source datasource connection check",
                CONNECTION,
                Status.FAILED,
                "Failed to connect datasource orders: root@10.20.7.31:3306. Connection timed out.",
            ),
            word="failure",
            request_id="r",
        ),
        "success.json": precheck("Success", item("a", "Success"), item("b", "Success"), word="success"),
        "warning.json": precheck(
            "Warning", item("a", "Warning", "The log is kept for 6 hours only."), item("b", "Success"), word="warning"
        ),
        # before a precheck, or while it runs: not documented
        "status-null.json": precheck("Unknown", item("a", "Success"), word=""),
        "status-missing.json": precheck("Unknown", item("a", "Success"), word=""),
        "status-empty.json": precheck("Unknown", word=""),
        "status-number.json": precheck("Unknown", word="3"),
        "nothing-yet.json": precheck("Unknown", word=""),
        "items-null.json": precheck("Success", word="success"),
        "items-missing.json": precheck("Success", word="success"),
        "item-status-null.json": precheck("Unknown", item("a", "Unknown"), item("b", "Unknown"), word=""),
        # in other words
        "any-case.json": precheck(
            "Failed", item("a", "Success"), item("b", "Warning"), item("c", "Failed", "C is broken."), word="FAILURE"
        ),
        "words-of-comparisons.json": precheck(
            "Running", item("a", "Failed", "A is broken."), item("b", "Unstarted"), item("c", "Running")
        ),
        "unknown-words.json": precheck("Unknown", item("a", "Unknown"), word="checking"),
        "numbers-and-texts-swapped.json": precheck(
            "Failed",
            CheckItem("17", "3.5", "true", Status.FAILED, "first; second"),
            CheckItem("b", "", "", Status.UNKNOWN, '{"code": 5}'),
            word="failure",
            request_id="4711",
        ),
        # with other fields
        "id-missing.json": precheck("Success", item("a", "Success"), word="success"),
        "id-null.json": precheck("Success", item("a", "Success"), word="success"),
        "items-duplicate.json": precheck(
            "Failed",
            item("a", "Success"),
            CheckItem("a#2", "Name of a", "What a checks", Status.FAILED, "Second."),
            word="failure",
        ),
        "items-without-ids.json": precheck(
            "Success",
            CheckItem("item_1", "Name of None", "What None checks", Status.SUCCESS, ""),
            CheckItem("item_2", "Name of", "What  checks", Status.SUCCESS, ""),
            word="success",
        ),
        "message-in-another-key.json": precheck(
            "Failed", CheckItem("a", "", "", Status.FAILED, "In the other key."), word="failure"
        ),
        "credentials.json": precheck(
            "Failed",
            item("a", "Failed", "Cannot connect to mysql://root:***@10.20.7.31:3306/orders"),
            word="failure",
        ),
        "unknown-fields.json": precheck("Success", item("a", "Success"), word="success"),
    },
}

ABOUT_ANOTHER = "the answer is about {} {!r}, not about {!r}"

REFUSED: dict[str, dict[str, tuple[Reason, str]]] = {
    "schema_compare": {
        "other-task.json": (
            Reason.INVALID_RESPONSE,
            ABOUT_ANOTHER.format("taskId", "cc-another", "cc-th6j3fs58y"),
        ),
        "other-precheck.json": (
            Reason.INVALID_RESPONSE,
            ABOUT_ANOTHER.format("precheckTaskId", "pcte-another", "pcte-dji009w2k499"),
        ),
        "refused-not-found.json": (Reason.NOT_FOUND, "the API refused the query: precheck task not found"),
    },
    "replication": {
        "other-task.json": (
            Reason.INVALID_RESPONSE,
            ABOUT_ANOTHER.format("replicationId", "rp-another", "rp-div0qqpbffio"),
        ),
        "other-task-in-another-type.json": (
            Reason.INVALID_RESPONSE,
            ABOUT_ANOTHER.format("replicationId", "4711", "rp-div0qqpbffio"),
        ),
        "data-null.json": (Reason.INVALID_RESPONSE, "the answer's data is null, not an object"),
        "data-list.json": (Reason.INVALID_RESPONSE, "the answer's data is a list, not an object"),
        "items-object.json": (Reason.INVALID_RESPONSE, "the check items are an object, not a list"),
        "refused-not-found.json": (
            Reason.NOT_FOUND,
            "the API refused the query: replication rp-div0qqpbffio not found",
        ),
        "refused-without-a-word.json": (Reason.API_ERROR, "the API refused the query without a word"),
    },
}


def cases(table: dict[str, dict[str, object]]) -> list[tuple[str, str]]:
    return [(kind, name) for kind, names in table.items() for name in names]


async def asked(api: FakeApi, kind: str, content: bytes) -> Precheck:
    """What a client makes of a stored answer about the task of a kind."""
    api.answers(reply(content))
    return await api.client().query(REFS[kind], now() + 10)


@pytest.mark.parametrize("kind", REFS)
def test_every_stored_answer_is_tested(kind: str) -> None:
    """A file that nobody reads would claim what is not checked."""
    assert {path.name for path in (ANSWERS / kind).iterdir()} == UNDERSTOOD[kind].keys() | REFUSED[kind].keys()


@pytest.mark.parametrize(("kind", "name"), cases(UNDERSTOOD))
async def test_an_answer_is_understood(api: FakeApi, kind: str, name: str) -> None:
    """As an answer about a data comparison is: no item is dropped, every text is clean."""
    assert await asked(api, kind, (ANSWERS / kind / name).read_bytes()) == UNDERSTOOD[kind][name]


@pytest.mark.parametrize(("kind", "name"), cases(REFUSED))
async def test_an_answer_is_refused(api: FakeApi, kind: str, name: str) -> None:
    """With a reason of the closed set and a message that is to the point."""
    error = await failure_of(asked(api, kind, (ANSWERS / kind / name).read_bytes()))
    assert (error.reason, error.message) == REFUSED[kind][name]


@pytest.mark.parametrize(
    ("ref", "path", "query"),
    [
        (
            SCHEMA,
            "/openapi/v1/compareschema/precheck/status",
            {"taskId": "cc-th6j3fs58y", "precheckTaskId": "pcte-dji009w2k499"},
        ),
        (REPLICATION, "/openapi/v1/replication/precheck/status", {"replicationId": "rp-div0qqpbffio"}),
    ],
)
async def test_the_request_is_the_documented_one(api: FakeApi, ref: TaskRef, path: str, query: dict[str, str]) -> None:
    """A GET of the kind's path with the kind's ids, in the books under the kind's name."""
    await outcome_of(api.client().query(ref, now() + 10))
    (request,) = api.requests
    assert (request.method, request.url.path, dict(request.url.params)) == ("GET", path, query)
    assert api.books.sent == [ref.kind]
    assert [kind for kind, _, _ in api.books.ended] == [ref.kind]


@pytest.mark.parametrize("ref", REFS.values(), ids=REFS)
@pytest.mark.parametrize(
    ("status", "content"), [(404, b"<html>404</html>"), (404, b""), (200, b"<!doctype html>"), (501, b"")]
)
async def test_a_server_without_the_kind_is_told_from_one_without_the_task(
    api: FakeApi, ref: TaskRef, status: int, content: bytes
) -> None:
    """What an older server answers for a path that it does not know."""
    api.answers(reply(content, status))
    error = await failure_of(api.client().query(ref, now() + 10))
    assert error.reason is Reason.UNSUPPORTED


WHERE_VALUES_STAND = [
    '{"success": true, "data": {"replicationId": %s}}',
    '{"success": true, "data": {"precheckStatus": %s}}',
    '{"success": true, "data": {"items": %s}}',
    '{"success": true, "data": {"items": [%s]}}',
    '{"success": true, "data": {"items": [{"itemId": %s}]}}',
    '{"success": true, "data": {"items": [{"status": %s}]}}',
    '{"success": true, "data": {"items": [{"message": %s}]}}',
]


@pytest.mark.parametrize("place", WHERE_VALUES_STAND)
async def test_any_value_at_any_place_is_a_precheck_or_a_bounded_failure(api: FakeApi, place: str) -> None:
    """Never an error of the exporter's own."""
    values: list[object] = [None, True, 0, -1.5, "", "x", "\ud800", "\0", [], [None], [[[]]], {}, {"a": {}}]
    for text in [*map(json.dumps, values), "NaN", "1e999", "9" * 4000]:
        outcome = await outcome_of(asked(api, "replication", (place % text).encode()))
        assert isinstance(outcome, Precheck) or outcome.reason is Reason.INVALID_RESPONSE


def test_the_kinds() -> None:
    """Their names are those of the interface, the default first; only replication has no precheck id."""
    assert list(KINDS) == ["data_compare", "schema_compare", "replication"]
    assert [kind.has_precheck_id for kind in KINDS.values()] == [True, True, False]
