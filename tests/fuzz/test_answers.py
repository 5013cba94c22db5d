"""Whatever the API answers is understood, or fails for one of the known reasons."""

import asyncio
import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime

import httpx
import pytest
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
from tests.fuzz.extent import costly
from tests.fuzz.inputs import (
    bodies,
    compressed,
    header_texts,
    headers,
    listings,
    secrets_in,
    statuses,
    telling,
    texts,
    wire_bytes,
)
from tests.ninedata.fake_api import Body
from tests.ninedata.peers import Asker, Talk, serving
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
    """After the masking nothing that can be read in it is secret."""
    assert not secrets_in(json.dumps(read(without(body, *SECRETS)), ensure_ascii=False))


@given(telling)
def test_no_spelling_tells_a_secret(body: bytes) -> None:
    """What tells one before the masking, with characters escaped in any way, tells something else after it."""
    assert secrets_in(json.dumps(read(body), ensure_ascii=False))
    masked = json.dumps(read(without(body, *SECRETS)), ensure_ascii=False)
    assert "***" in masked
    assert not secrets_in(masked)


def assert_silent(text: str) -> None:
    """It tells no secret."""
    assert not secrets_in(text)


def read(body: bytes) -> object:
    """The JSON in a body, or None where there is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def assert_known(error: QueryError) -> None:
    """It is one of the failures that a head of an answer can be, and asks for no long pause."""
    assert 0 <= error.hold_seconds <= MAX_HOLD_SECONDS
    assert error.reason in (Reason.RATE_LIMITED, Reason.HTTP_ERROR, Reason.TOO_LARGE, Reason.INVALID_RESPONSE)


async def received(response: httpx.Response) -> bytes:
    refuse_by_headers(response, datetime(2026, 11, 24, 12, 0, tzinfo=UTC), *SECRETS)
    return await read_body(response, *SECRETS)


def answer(status: int, named: list[tuple[str, str]], body: bytes, times: int) -> httpx.Response:
    """An answer whose body comes in so many pieces, or one more."""
    size = max(len(body) // times, 1)
    raw = [(name.encode(), value.encode("latin-1", "replace")) for name, value in named]
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    return httpx.Response(status, headers=raw, stream=Body(chunks))


pieces = st.integers(1, 50)


@given(statuses, headers, bodies, pieces)
def test_any_head_of_an_answer(status: int, named: list[tuple[str, str]], body: bytes, times: int) -> None:
    """Its headers are read, or refused for a known reason without a secret; the pause after a 429 is bounded."""
    try:
        assert len(asyncio.run(received(answer(status, named, body, times)))) <= 2**20
    except QueryError as error:
        assert_clean(error.message, 2000)
        assert_known(error)
        assert_silent(error.message)


@given(compressed, pieces)
def test_any_compressed_body(encoded: tuple[str, bytes], times: int) -> None:
    """Is unpacked, in whatever pieces it comes; cut off, it is refused."""
    encoding, packed = encoded
    named = [("content-encoding", encoding)]
    assert asyncio.run(received(answer(200, named, packed, times))) == zlib.decompress(packed, 47)
    with pytest.raises(QueryError, match="ends too early"):
        asyncio.run(received(answer(200, named, packed[:-1], times)))


@costly
@given(st.lists(wire_bytes, min_size=2, max_size=6))
def test_any_bytes_on_the_wire(answers: list[bytes]) -> None:
    """Over a real connection: a precheck, or one of the failures; the connection's task fails with nothing else."""
    unexpected: list[dict[str, object]] = []

    async def play(talk: Talk) -> None:
        await talk.hear()
        await talk.say(waiting.pop() if waiting else b"")

    waiting = answers[:]

    async def ask() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unexpected.append(context))
        async with serving(play) as peer, Asker(peer.url, request_timeout=0.1) as asker:
            while waiting:
                try:
                    await asker.query()
                except QueryError as error:
                    assert_clean(error.message, 2000)
                    assert_silent(error.message)
                asker.client.hold(0)

    asyncio.run(ask())
    assert not unexpected


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
