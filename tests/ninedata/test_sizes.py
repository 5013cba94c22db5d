"""An answer is read up to a megabyte and no further, compressed or not."""

import gzip
import itertools
import tracemalloc
import zlib
from collections.abc import Callable

import httpx
import pytest

from exporter.ninedata import Precheck
from exporter.ninedata.responses import MAX_ANSWER_BYTES
from tests.ninedata.fake_api import Body, FakeApi, failure_of, reply

pytestmark = pytest.mark.anyio

PASSED = b'{"success": true, "data": {"status": "Success", "precheckItems": []}}'
CHUNK = 16 * 1024
TOO_LARGE = ("too_large", "the answer is larger than 1024 KiB; not read further")


def padded(size: int) -> bytes:
    """An answer of so many bytes."""
    return PASSED.rjust(size)


def pieces(content: bytes) -> Body:
    """The content as the network delivers it."""
    return Body([content[start : start + CHUNK] for start in range(0, len(content), CHUNK)])


def encoded(content: bytes | Body, encoding: str) -> httpx.Response:
    return reply(content, content_encoding=encoding)


async def test_an_answer_of_the_largest_size_is_read(api: FakeApi) -> None:
    """Whether its length is told or not."""
    content = padded(MAX_ANSWER_BYTES)
    assert isinstance(await api.query(reply(pieces(content))), Precheck)
    assert isinstance(await api.query(reply(pieces(content), content_length=str(len(content)))), Precheck)


@pytest.mark.parametrize("length", [str(MAX_ANSWER_BYTES + 1), " 9999999 ", "9" * 30])
async def test_an_answer_that_says_it_is_too_large_is_not_read_at_all(api: FakeApi, length: str) -> None:
    """Its header decides."""
    body = pieces(padded(MAX_ANSWER_BYTES + 1))
    error = await failure_of(api.query(reply(body, content_length=length)))
    assert (error.reason, error.message) == TOO_LARGE
    assert body.bytes_read == 0
    assert body.closed


async def test_an_answer_that_turns_out_too_large_is_not_read_further(api: FakeApi) -> None:
    """Even one that never ends."""
    body = Body(itertools.repeat(b" " * CHUNK))
    error = await failure_of(api.query(reply(body)))
    assert (error.reason, error.message) == TOO_LARGE
    assert body.bytes_read == MAX_ANSWER_BYTES + CHUNK
    assert body.closed


@pytest.mark.parametrize("length", ["", "many", "-1", "1.5", "²", "0x10", "12345678a"])
async def test_a_length_that_is_no_number_says_nothing(api: FakeApi, length: str) -> None:
    """What counts is what comes."""
    assert isinstance(await api.query(reply(PASSED, content_length=length)), Precheck)


@pytest.mark.parametrize("status", [200, 401, 404, 500])
async def test_the_size_is_bounded_whatever_the_status(api: FakeApi, status: int) -> None:
    """An error's page may be endless too."""
    error = await failure_of(api.query(reply(Body(itertools.repeat(b"<p>" * 5000)), status), within=1))
    assert error.reason == "too_large"


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("gzip", gzip.compress(PASSED)),
        ("GZIP", gzip.compress(PASSED)),
        ("x-gzip", gzip.compress(PASSED)),
        ("deflate", zlib.compress(PASSED)),
        ("identity", PASSED),
        (" Identity ", PASSED),
        ("", PASSED),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_a_compressed_answer_is_understood(api: FakeApi, encoding: str, content: bytes, size: int) -> None:
    """Although none was asked for: some proxies compress regardless. In chunks of any size."""
    body = Body([content[start : start + size] for start in range(0, len(content), size)])
    assert isinstance(await api.query(encoded(body, encoding)), Precheck)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@pytest.mark.parametrize("arrive", [lambda content: Body([content]), pieces], ids=["at once", "in pieces"])
async def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_unpacked(
    api: FakeApi, encoding: str, pack: Callable[[bytes], bytes], arrive: Callable[[bytes], Body]
) -> None:
    """Never more than the largest answer is held, however little comes."""
    body = arrive(pack(bytes(16 * MAX_ANSWER_BYTES)))
    tracemalloc.start()
    try:
        error = await failure_of(api.query(encoded(body, encoding)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (error.reason, error.message) == TOO_LARGE
    assert peak < 4 * MAX_ANSWER_BYTES


async def test_compressed_data_that_unpack_to_nothing_are_not_read_for_ever(api: FakeApi) -> None:
    """What comes is counted as well as what it unpacks to."""
    start = gzip.compress(b"")[:10]
    empty_block = b"\x00\x00\x00\xff\xff"
    body = Body(itertools.chain([start], itertools.repeat(empty_block * 3000)))
    error = await failure_of(api.query(encoded(body, "gzip")))
    assert (error.reason, error.message) == TOO_LARGE
    assert body.bytes_read < 2 * MAX_ANSWER_BYTES


async def test_what_follows_compressed_data_is_not_read_for_ever(api: FakeApi) -> None:
    """The end of the data need not be the end of the answer."""
    body = Body(itertools.chain([gzip.compress(PASSED)], itertools.repeat(b"x" * CHUNK)))
    error = await failure_of(api.query(encoded(body, "gzip")))
    assert (error.reason, error.message) == TOO_LARGE
    assert body.bytes_read < 2 * MAX_ANSWER_BYTES


@pytest.mark.parametrize(
    ("encoding", "content", "message"),
    [
        ("gzip", PASSED, "the answer's compressed data is broken"),
        ("deflate", PASSED, "the answer's compressed data is broken"),
        ("gzip", gzip.compress(PASSED)[:30] + b"x" * 50, "the answer's compressed data is broken"),
        ("gzip", gzip.compress(PASSED)[:-9] + b"x" * 9, "the answer's compressed data is broken"),
        ("gzip", gzip.compress(PASSED)[:-1], "the answer's compressed data ends too early"),
        ("gzip", gzip.compress(PASSED)[:40], "the answer's compressed data ends too early"),
        ("gzip", gzip.compress(PASSED)[:10], "the answer's compressed data ends too early"),
        ("deflate", zlib.compress(PASSED)[:1], "the answer's compressed data ends too early"),
        ("gzip", b"", "the answer is empty"),
        ("gzip", gzip.compress(b""), "the answer is empty"),
        ("br", b"\x0b\x02\x80{}\x03", "the answer is encoded as br"),
        ("gzip, br", PASSED, "the answer is encoded as gzip, br"),
        ("gzip, gzip", gzip.compress(gzip.compress(PASSED)), "the answer is encoded as gzip, gzip"),
        ("x\x1b[31m" + "y" * 1000, PASSED, "the answer is encoded as x�[31m" + "y" * 193 + "…"),
    ],
    ids=range(14),
)
async def test_a_compressed_answer_that_cannot_be_unpacked_is_refused(
    api: FakeApi, encoding: str, content: bytes, message: str
) -> None:
    """With the reason, so that a proxy in the way can be found."""
    error = await failure_of(api.query(encoded(content, encoding)))
    assert (error.reason, error.message) == ("invalid_response", message)
