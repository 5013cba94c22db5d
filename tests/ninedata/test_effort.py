"""No answer, whatever it is filled with, keeps the process from its other work for long."""

import asyncio
import json
import re
import time
from collections.abc import Callable

import pytest

from exporter.ninedata import Precheck
from exporter.ninedata.payloads import MAX_CHARACTERS
from exporter.ninedata.responses import MAX_ANSWER_BYTES, MAX_BRACKETS, MAX_COMMAS
from tests.ninedata.fake_api import TASK, FakeApi, failure_of, now, outcome_of, reply
from tests.ninedata.virtual_time import VirtualTimeLoop

pytestmark = pytest.mark.anyio

EVERYTHING = (
    "@ mysql akia eyj identified set password --pass key=:// signature authorization bearer private key- sqlplus "
)
"""For each pattern that looks for credentials what a text must have for it to be tried."""
PROSE = "The account lacks SELECT on 3 schemas: stock. Grant it and run the precheck again. "
TIMES = 20
"""So many times as long as it takes to go over the words of a large answer its reading may take."""


def precheck(text: Callable[[int], str], items: int = 900) -> bytes:
    """A precheck of so many failed items, each with a text of its own."""
    entries = [{"precheckItem": f"i{n}", "status": "Failed", "errorMessage": text(n)} for n in range(items)]
    return json.dumps(
        {"success": True, "data": {"status": "Failed", "precheckItems": entries}}, ensure_ascii=False
    ).encode()


def filled(piece: str, length: int) -> Callable[[int], str]:
    """Texts of that length, no two the same, and all of them with something for each pattern.

    From 400 characters on the text of an item is not remembered from one answer to the next.
    """
    return lambda n: f"{n} {EVERYTHING}{piece * length}"[:length]


TEXTS = {
    "a user and passwords": "a:",
    "letters": "a",
    "ats": "a@",
    "passwords up to an at": "a:b@ ",
    "long passwords": "://a:" + "b" * 250 + " ",
    "schemes": "://a",
    "oracle": "oracle:a:b/",
    "dotted users": "$+-.a:",
    "keywords": "secret-",
    "long keywords": "access_key" + "a" * 30,
    "keys and values": "pwd=a,",
    "keywords and spaces": "password    ",
    "statements": "identified with a by ",
    "commands": "mysql ",
    "options": "mysql - p -q ",
    "web tokens": "eyJaaaaaaaa-",
    "cloud keys": "AKIA ",
    "set passwords": "set password to ",
    "dollars": "password $$ ",
    "signatures": "signature=a",
    "authorizations": "authorization:a",
    "bearers": "bearer a",
    "private keys": "-----BEGIN PRIVATE KEY-----",
    "logins": "sqlplus a/ ",
    "identified": "identified by a ",
    "unprintable": "\x7f",
    "hard to tell": "@aaaaaaaaaaaaaaaaaaassecret-eyJaaaaaaaa",
}


def full(piece: str, *, at_most: int = MAX_ANSWER_BYTES) -> str:
    return piece * min((MAX_ANSWER_BYTES - 300) // len(piece), at_most)


VALUES = {
    "lists": "[" + full("[],") + "1]",
    "as many lists as are read": "[" + full("[],", at_most=MAX_BRACKETS - 20) + "1]",
    "lists in lists": "[" + full("[[[[[[[[1]]]]]]]],") + "1]",
    "numbers": "[" + full("1e5,") + "1]",
    "as many numbers as are read": "[" + full("1.234e5,", at_most=MAX_COMMAS - 20) + "1]",
    "texts": "[" + full('"",') + "1]",
    "keys": "{" + ",".join(f'"{n}":{n}' for n in range(MAX_COMMAS - 2_000))[: MAX_ANSWER_BYTES - 300] + '":1}',
    "escapes": '"' + full("\\u0061") + '"',
    "backslashes": '"' + full("\\\\") + '"',
    "quotes": '"' + full('\\"') + '"',
}
PLACES = {
    "beside": '{{"success": true, "x": {}, "y": "\\u0041", "data": {{"status": "Success"}}}}',
    "message": '{{"success": false, "message": {}, "y": "\\u0041"}}',
    "item": '{{"success": true, "y": "\\u0041", "data": {{"precheckItems": [{{"itemName": {}}}]}}}}',
}
LABORIOUS = (
    {f"items of {name}": precheck(filled(piece, 420)) for name, piece in TEXTS.items()}
    | {f"full of {name}": precheck(filled(piece, 970)) for name, piece in TEXTS.items()}
    | {f"long texts of {name}": precheck(filled(piece, 9_500), 40) for name, piece in TEXTS.items()}
    | {
        f"{name} in place of {place}": frame.format(value).encode()
        for name, value in VALUES.items()
        for place, frame in PLACES.items()
    }
)


async def seconds(api: FakeApi, body: bytes) -> float:
    """The CPU time that an answer takes."""
    api.answers(reply(body))
    began = time.process_time()
    await outcome_of(api.client().query(TASK, now() + 10))
    return time.process_time() - began


def seconds_over_words() -> float:
    """The CPU time of the simplest that can be done with so much text."""
    text = (PROSE * MAX_CHARACTERS)[:MAX_CHARACTERS]
    began = time.process_time()
    re.sub(r"\w", "x", text)
    return time.process_time() - began


@pytest.mark.parametrize("body", LABORIOUS.values(), ids=LABORIOUS.keys())
async def test_no_answer_is_laborious(api: FakeApi, body: bytes) -> None:
    """Not with what the patterns like least, nor with many values: in comparison with the same moment's pace."""
    assert len(body) <= MAX_ANSWER_BYTES
    spent = [(await seconds(api, body), seconds_over_words()) for _ in range(2)]
    assert min(read for read, _ in spent) < TIMES * min(words for _, words in spent)


async def test_answers_that_come_together_are_not_read_past_the_deadline(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is read the others wait; those whose time is up meanwhile are not read any more."""
    read: list[bytes] = []

    def laborious(body: bytes, *_: object) -> bytes:
        read.append(body)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        loop.advance(6.0)
        return body

    monkeypatch.setattr("exporter.ninedata.client.without", laborious)
    api.answers(then=reply())
    client = api.client()
    outcomes = await asyncio.gather(*(outcome_of(client.query(TASK, now() + 10)) for _ in range(5)))
    assert len(read) == 2
    assert [getattr(outcome, "reason", None) for outcome in outcomes] == [None, None, *["deadline"] * 3]


async def test_a_thousand_items_with_long_reasons_are_read_whole(api: FakeApi) -> None:
    """The bounds are far beyond what there is."""
    found = await api.query(reply(precheck(lambda n: f"{n} {PROSE * 9}"[:300], 1000)))
    assert isinstance(found, Precheck)
    assert [item.message for item in found.items] == [f"{n} {PROSE * 9}"[:300].strip() for n in range(1000)]


async def test_more_text_than_any_precheck_has_is_too_large(api: FakeApi) -> None:
    """It would take the time of all other tasks."""
    error = await failure_of(api.query(reply(precheck(lambda n: f"{n} {PROSE * 9}"[:500]))))
    assert error.reason == "too_large"
    assert str(MAX_CHARACTERS) in error.message


async def test_of_a_very_long_text_only_its_beginning_counts(api: FakeApi) -> None:
    """The rest is not looked at."""
    (item,) = (await api.query(reply(precheck(lambda _: "x" * 1_000_000, 1)))).items
    assert len(item.message) == 4000


@pytest.mark.parametrize("values", ["[" + "[]," * MAX_BRACKETS + "1]", "[" + "1," * MAX_COMMAS + "1,1]"])
async def test_more_values_than_any_answer_has_are_too_large(api: FakeApi, values: str) -> None:
    """Wherever they stand, and before they are read."""
    error = await failure_of(api.query(reply(f'{{"success": true, "x": {values}}}'.encode())))
    assert (error.reason, error.message) == ("too_large", "the answer has more values than are read")
