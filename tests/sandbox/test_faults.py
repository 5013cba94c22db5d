"""Faults are data: what each kind needs, its JSON form, and for which requests it holds."""

import base64

import pytest

from exporter.sandbox.faults import (
    ApiError,
    Board,
    Body,
    Delay,
    Drifting,
    Fault,
    FaultError,
    HttpStatus,
    PageSize,
    Patch,
    PatchEnvelope,
    RateLimited,
)
from exporter.sandbox.faults.form import KINDS, read_fault
from exporter.sandbox.faults.lists import ListFault


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ({"kind": "delay", "delay_seconds": 2, "times": 3}, Delay(delay_seconds=2, times=3)),
        ({"kind": "http_status", "status": 503}, HttpStatus(status=503, body="json")),
        ({"kind": "rate_limited", "retry_after": 3, "as_date": True}, RateLimited(retry_after=3, as_date=True)),
        ({"kind": "api_error", "message": "no"}, ApiError(message="no")),
        ({"kind": "body", "content": "ü"}, Body(content="ü".encode())),
        ({"kind": "body", "content_base64": base64.b64encode(b"\xff").decode()}, Body(content=b"\xff")),
        ({"kind": "patch", "data": {"status": None}, "omit": ["x"]}, Patch(data={"status": None}, omit=("x",))),
        (
            {"kind": "patch_envelope", "fields": {"total": "7"}, "omit": ["current"]},
            PatchEnvelope(fields={"total": "7"}, omit=("current",)),
        ),
        ({"kind": "drifting", "inserted": 2}, Drifting(inserted=2, removed=0)),
        ({"kind": "page_size", "entries": 3, "honest": True}, PageSize(entries=3, honest=True)),
    ],
)
def test_a_fault_has_a_json_form(form: object, fault: Fault) -> None:
    """An object with its kind and its fields."""
    assert read_fault(form) == fault


def test_every_kind_has_a_name_of_its_own() -> None:
    """By which the JSON form tells them apart."""
    single = {kind for kind in Fault.__subclasses__() if kind is not ListFault}
    assert set(KINDS) == {*single, *ListFault.__subclasses__()}
    assert len({kind.kind for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([], "a fault must be an object"),
        ({}, "kind must be one of api_error, body, close_after"),
        ({"kind": "other"}, "kind must be one of"),
        ({"kind": ["drop"]}, "kind must be one of"),
        ({"kind": "drop", "often": 1}, "drop: unknown field often"),
        ({"kind": "http_status"}, "http_status: status is missing"),
        ({"kind": "http_status", "status": 600}, "http_status: status must be an HTTP status from 200 to 599"),
        ({"kind": "http_status", "status": "503"}, "http_status: status must be"),
        ({"kind": "http_status", "status": 503, "body": "xml"}, "http_status: body must be json, html or empty"),
        ({"kind": "delay", "delay_seconds": -1}, "delay: delay_seconds must be a number of seconds, 0 or more"),
        ({"kind": "delay", "delay_seconds": True}, "delay: delay_seconds must be"),
        ({"kind": "delay", "times": 0}, "delay: times must be a whole number, 1 or more, or null"),
        ({"kind": "drip", "seconds": float("inf")}, "drip: seconds must be"),
        ({"kind": "huge", "size": 1.5}, "huge: size must be a whole number of bytes, 1 or more"),
        ({"kind": "redirect", "location": "http://a\r\nX: y"}, "redirect: location must be printable ASCII text"),
        ({"kind": "rate_limited", "as_date": 1}, "rate_limited: as_date must be true or false"),
        ({"kind": "rate_limited", "as_date": True}, "rate_limited: as_date needs retry_after in seconds"),
        ({"kind": "rate_limited", "retry_after": []}, "rate_limited: retry_after must be a number"),
        ({"kind": "api_error", "message": 1}, "api_error: message must be text or null"),
        ({"kind": "body"}, "body: content is missing"),
        ({"kind": "body", "content": 1}, "body: either content or content_base64 must be given, as text"),
        ({"kind": "body", "content": "a", "content_base64": "YQ=="}, "body: either content or content_base64"),
        ({"kind": "body", "content_base64": "?"}, "body: content_base64 is no base64"),
        ({"kind": "body", "content": "", "content_encoding": 1}, "body: content_encoding must be"),
        ({"kind": "patch", "data": []}, "patch: data must be an object"),
        ({"kind": "patch", "omit": [1]}, "patch: omit must be a list of keys"),
        ({"kind": "patch", "omit": "status"}, "patch: omit must be a list of keys"),
        ({"kind": "patch_envelope", "fields": []}, "patch_envelope: fields must be an object"),
        ({"kind": "repeated"}, "repeated: entries is missing"),
        ({"kind": "repeated", "entries": 0}, "repeated: entries must be a whole number, 1 or more"),
        ({"kind": "drifting", "removed": -1}, "drifting: removed must be a whole number, 0 or more"),
        ({"kind": "page_size", "entries": 3, "honest": 1}, "page_size: honest must be true or false"),
    ],
)
def test_a_wrong_form_is_refused_with_its_place(form: object, message: str) -> None:
    """The message names the kind, the field, and what it must be."""
    with pytest.raises(FaultError, match=message.replace(".", r"\.")):
        read_fault(form)


def test_a_fault_holds_until_it_is_cleared() -> None:
    """For all requests, or one task's, whose own goes first."""
    board, everyone, own = Board(), Delay(), HttpStatus(status=500)
    board.set(everyone)
    board.set(own, "cd-1")
    assert board.take("cd-1") is own
    assert board.take("cd-2") is everyone
    assert board.take() is everyone
    board.clear("cd-1")
    assert board.take("cd-1") is everyone
    board.clear()
    assert board.take("cd-1") is None


def test_the_most_special_fault_goes_first() -> None:
    """One for a page of the list before one for the whole list, and that before one for all requests."""
    board = Board()
    for name in (None, "replication/list", "replication/list/2"):
        board.set(ApiError(message=f"{name}"), name)
    taken = [board.take(f"replication/list/{page}", "replication/list") for page in (1, 2)]
    assert taken == [ApiError(message="replication/list"), ApiError(message="replication/list/2")]


def test_a_fault_holds_for_as_many_requests_as_it_says() -> None:
    """Then all is well again."""
    board = Board()
    board.set(Delay(times=2), "cd-1")
    assert [bool(board.take("cd-1")) for _ in range(4)] == [True, True, False, False]


def test_clearing_what_is_not_there_is_no_error() -> None:
    """So that it can be done to be sure."""
    Board().clear("cd-1")
