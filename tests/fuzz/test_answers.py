"""Whatever the API answers is understood, or fails for one of the known reasons."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
from hypothesis import given
from hypothesis import strategies as st

from exporter.credentials import Secret
from exporter.ninedata import KINDS, Call, QueryError, Reason, Replication, TaskRef, list_replications
from exporter.ninedata.calls import T
from exporter.ninedata.echo import without
from exporter.ninedata.payloads import MAX_ITEMS, read_envelope
from exporter.ninedata.replication_list import MAX_TASKS, parse
from exporter.ninedata.responses import date_of, read_body, refuse_by_headers
from exporter.ninedata.text import MAX_NAME, MAX_TEXT, is_printable
from exporter.ninedata.throttle import MAX_HOLD_SECONDS
from tests.fuzz.inputs import bodies, header_texts, headers, listings, secrets_in, statuses, texts
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

SECRETS = (Secret(ACCESS_KEY_ID), Secret(SECRET_KEY))
TASK = TaskRef("data_compare", "cd-1", "pcte-1")


def assert_clean(text: str, limit: int) -> None:
    """It can be stored, shown and exported as it is."""
    assert len(text) <= limit
    assert is_printable(text.replace("\n", "").replace("\t", ""))
    text.encode()


@given(bodies, statuses, header_texts, st.sampled_from(sorted(KINDS)))
def test_any_answer_about_a_precheck(body: bytes, status: int, content_type: str, kind: str) -> None:
    """A precheck whose items can be told apart and whose texts are clean, or a failure with a clean message."""
    try:
        found = KINDS[kind].parse(read_envelope(status, content_type, body), TASK)
    except QueryError as error:
        assert_clean(error.message, 2000)
        assert_clean(error.request_id, MAX_NAME)
        return
    names = [item.item for item in found.items]
    assert len(set(names)) == len(names) <= MAX_ITEMS
    for item in found.items:
        assert_clean(item.item, MAX_NAME + 10)
        assert_clean(item.name, MAX_NAME)
        assert_clean(item.description, MAX_TEXT)
        assert_clean(item.message, MAX_TEXT)
    assert_clean(found.status_word, MAX_NAME)
    assert_clean(found.request_id, MAX_NAME)


@given(bodies)
def test_no_answer_tells_a_secret(body: bytes) -> None:
    """However its JSON spells what was sent: after the masking nothing that can be read in it is secret."""
    masked = without(body, *SECRETS)
    try:
        document: object = json.loads(masked)
    except (ValueError, RecursionError):
        document = None
    assert not secrets_in(json.dumps(document, ensure_ascii=False, default=str))


def assert_known(error: QueryError) -> None:
    """It is one of the failures that a head of an answer can be, and asks for no long pause."""
    assert 0 <= error.hold_seconds <= MAX_HOLD_SECONDS
    assert error.reason in (Reason.RATE_LIMITED, Reason.HTTP_ERROR, Reason.TOO_LARGE, Reason.INVALID_RESPONSE)


async def received(response: httpx.Response) -> bytes:
    refuse_by_headers(response, datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
    return await read_body(response)


@given(statuses, headers, bodies)
def test_any_head_of_an_answer(status: int, named: list[tuple[str, str]], body: bytes) -> None:
    """Its headers are read, or refused for a known reason; the pause after a 429 is bounded."""

    async def chunks() -> bytes:
        raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in named]
        return await received(httpx.Response(status, headers=raw, stream=httpx.ByteStream(body)))

    try:
        assert len(asyncio.run(chunks())) <= 2**20
    except QueryError as error:
        assert_clean(error.message, 2000)
        assert_known(error)


@given(texts)
def test_any_date(text: str) -> None:
    """Is a moment with a zone, or none."""
    moment = date_of(text)
    assert moment is None or moment.tzinfo is not None


class Pages:
    """An API whose list is as bent as may be, and goes on as it likes."""

    def __init__(self, envelopes: list[Mapping[str, object]]) -> None:
        self._envelopes = envelopes
        self.asked = 0

    async def fetch(self, call: Call[T], deadline: float) -> T:
        del deadline
        self.asked += 1
        number = int(call.parameters["current"])
        return call.parse(self._envelopes[number % len(self._envelopes)])


@given(st.lists(listings, min_size=1, max_size=5), st.integers(1, 8))
def test_any_list_ends(envelopes: list[Mapping[str, object]], at_once: int) -> None:
    """Whatever its pages and totals say: after few requests, with tasks that have ids, or for a known reason."""
    pages, found = Pages(envelopes), dict[str, Replication]()
    try:
        asyncio.run(list_replications(pages, 0.0, found, at_once=at_once))
    except QueryError as error:
        assert_clean(error.message, 2000)
    assert pages.asked <= 2 * (sum(len(_entries(envelope)) for envelope in envelopes) + 2) * at_once
    assert len(found) <= MAX_TASKS
    for task_id, replication in found.items():
        assert task_id == replication.task_id
        assert_clean(replication.name, MAX_NAME)
        assert_clean(replication.status, MAX_NAME)


def _entries(envelope: Mapping[str, object]) -> object:
    try:
        return parse(envelope).entries
    except QueryError:
        return ()
