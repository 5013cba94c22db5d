"""What an answer repeats of a request's secrets never gets into a precheck or an error."""

import itertools
import json
import traceback
from collections.abc import Callable
from hashlib import sha256

import aiohttp
import httpx
import pytest

from exporter.credentials import FixedSecret, Secret
from exporter.ninedata import Precheck, QueryError
from tests.ninedata.fake_api import TASK, FakeApi, Handler, failure_of, now, outcome_of, reply
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

pytestmark = pytest.mark.anyio

SIGNATURE = sha256(f"/openapi/v1/comparedata/precheck/status/{SECRET_KEY}&2026-01-02T03:04:05Z".encode()).hexdigest()
SECRETS = {"access key id": ACCESS_KEY_ID, "secret key": SECRET_KEY, "signature": SIGNATURE}


def shown(outcome: Precheck | QueryError) -> str:
    """All that an outcome could ever show."""
    if isinstance(outcome, Precheck):
        return repr(outcome)
    return "".join(traceback.format_exception(outcome)) + repr(vars(outcome)) + repr(outcome.args)


def escaped(text: str) -> str:
    """As JSON may spell it: with every character escaped."""
    return "".join(f"\\u{ord(character):04x}" for character in text)


def path_until(length: int) -> str:
    """The beginning of a location, of so many characters."""
    return "https://sso.example.com/".ljust(length, "x")


WHERE: dict[str, Callable[[str], httpx.Response]] = {
    "message": lambda s: reply({"success": False, "message": f"unknown key {s}"}),
    "message of an error": lambda s: reply({"success": False, "message": f"path/{s}&time"}, 401),
    "message, in capitals": lambda s: reply(
        {"success": False, "message": f"wrong {s.upper() if s == SIGNATURE else s}"}
    ),
    "error code": lambda s: reply({"success": False, "errorCode": s}),
    "request id": lambda s: reply({"success": False, "requestId": s}),
    "text that is no JSON": lambda s: reply(f"bad {s}".encode()),
    "text of an error": lambda s: reply(f"bad {s}".encode(), 500),
    "web page": lambda s: reply(f"<html>{s}</html>".encode(), content_type="text/html"),
    "task id": lambda s: reply({"success": True, "data": {"taskId": s}}),
    "status": lambda s: reply({"success": True, "requestId": s, "data": {"status": s}}),
    "item": lambda s: reply(
        {
            "success": True,
            "data": {
                "status": "Failed",
                "precheckItems": [
                    {"precheckItem": s, "itemName": s, "itemDescription": s, "status": s, "errorMessage": f"by {s}!"}
                ],
            },
        }
    ),
    "nested value": lambda s: reply({"success": False, "message": {"headers": [{"value": s}]}}),
    "key": lambda s: reply({"success": False, "message": {s: 1}}),
    "escaped": lambda s: reply(f'{{"success": false, "message": "{escaped(s)}"}}'.encode()),
    "half escaped": lambda s: reply(f'{{"success": false, "message": "\\"{s[:5]}{escaped(s[5:])}"}}'.encode()),
    "another encoding": lambda s: reply(json.dumps({"success": False, "message": s}).encode("utf-16")),
    "another encoding, in part": lambda s: reply(f'{{"success": fal{s}'.encode("utf-32")),
    "query of a redirect": lambda s: reply(b"", 302, location=f"https://sso.example.com/?key={s}"),
    "path of a redirect": lambda s: reply(b"", 302, location=f"https://sso.example.com/{s}/"),
    "encoding": lambda s: reply(b"", content_encoding=s),
    "path of a redirect, cut within": lambda s: reply(b"", 302, location=path_until(200 - len(s) + 2) + s),
    "path of a redirect, cut in its middle": lambda s: reply(b"", 302, location=path_until(200 - len(s) // 2) + s),
    "scheme of a redirect": lambda s: reply(b"", 302, location=f"{s}://sso.example.com/"),
    "encoding, cut within": lambda s: reply(b"", content_encoding="x" * (202 - len(s)) + s),
    "message, cut within": lambda s: reply({"success": False, "message": "x " * ((502 - len(s)) // 2) + s}),
    "error code, cut within": lambda s: reply({"success": False, "errorCode": "x" * (202 - len(s)) + s}),
    "text that is no JSON, cut within": lambda s: reply(("bad" + "x" * (61 - 3 - len(s)) + s).encode()),
    "user of a redirect": lambda s: reply(b"", 302, location=f"https://a:{s}@sso.example.com/"),
}


@pytest.mark.parametrize("where", WHERE.values(), ids=WHERE.keys())
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
async def test_a_secret_that_an_answer_repeats_is_masked(
    api: FakeApi, secret: str, where: Callable[[str], httpx.Response]
) -> None:
    """However the answer spells it."""
    text = shown(await outcome_of(api.query(where(secret))))
    assert api.requests[0].headers["signature"] == SIGNATURE
    assert not any(secret[start : start + 6].lower() in text.lower() for start in range(len(secret) - 5))


async def test_the_words_around_a_masked_secret_stay(api: FakeApi) -> None:
    """They say what is wrong."""
    error = await failure_of(api.query(reply({"success": False, "message": f"'{ACCESS_KEY_ID}' is not active"})))
    assert error.message == "the API refused the query: '***' is not active"


@pytest.mark.parametrize(
    "secret", ["sk/with+base=64==", 'sk"with\\quotes', "密钥-密钥-密钥", "sk&<with>html'", "sk😀😀😀😀", "a" * 3000]
)
@pytest.mark.parametrize(
    "write",
    [json.dumps, lambda text: json.dumps(text, ensure_ascii=False), lambda text: json.dumps(text).replace("/", "\\/")],
    ids=["ascii", "unicode", "slashes"],
)
async def test_a_secret_is_masked_in_every_spelling_of_json(
    api: FakeApi, secret: str, write: Callable[[str], str]
) -> None:
    """Writers of JSON differ in what they escape."""
    api.answers(reply(f'{{"success": false, "message": {write("<" + secret + ">")}}}'.encode()))
    client = api.client(secret_key=FixedSecret(Secret(secret)))
    error = await failure_of(client.query(TASK, now() + 10))
    assert error.message == "the API refused the query: <***>"


async def test_an_escaped_answer_is_otherwise_understood_as_it_is(api: FakeApi) -> None:
    """Masking changes nothing else."""
    text = 'quote " backslash \\ slash / newline \n 中 😀 \u2028'
    items = [{"precheckItem": "a", "status": "Failed", "errorMessage": text}]
    content = json.dumps({"success": True, "data": {"status": "Failed", "n": 1e400, "precheckItems": items}})
    (item,) = (await api.query(reply(content.encode()))).items
    assert item.message == text.replace("\u2028", "�")


async def test_a_very_short_secret_does_not_garble_answers(api: FakeApi) -> None:
    """It would be found everywhere by chance."""
    client = api.client(secret_key=FixedSecret(Secret("cc")), access_key_id=FixedSecret(Secret("tru")))
    assert (await api.query(client=client)).status == "Success"


FAILURES: dict[str, Exception] = {
    "proxy": httpx.ProxyError(f"407 from http://u:{SECRET_KEY}@proxy"),
    "connect": httpx.ConnectError(f"cannot connect with {ACCESS_KEY_ID}"),
    "system": OSError(5, "Input/output error", f"/{SECRET_KEY}"),
    "session": aiohttp.ClientError(f"request with {SECRET_KEY}"),
    "connection": aiohttp.ClientConnectionError(f"request with {SECRET_KEY}"),
    "payload": aiohttp.ClientPayloadError(f"request with {SECRET_KEY}"),
    "http": aiohttp.http_exceptions.BadHttpMessage(f"bad line {SECRET_KEY}"),
    "unicode": UnicodeEncodeError("idna", SECRET_KEY, 0, 1, "label too long"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
async def test_the_text_of_a_network_s_error_is_not_passed_on(api: FakeApi, failure: Exception) -> None:
    """It may name what the request was sent with; not even a traceback shows it."""
    text = shown(await failure_of(api.query(failure)))
    assert SECRET_KEY not in text
    assert ACCESS_KEY_ID not in text


async def test_an_error_raised_from_others_shows_none_of_their_secrets(api: FakeApi) -> None:
    """The chain of causes included."""

    def answer(request: httpx.Request) -> Exception:
        info = aiohttp.RequestInfo(
            "https://x",  # type: ignore[arg-type]
            "GET",
            request.headers,  # type: ignore[arg-type]
            "https://x",  # type: ignore[arg-type]
        )
        return aiohttp.ClientResponseError(info, (), status=400, message="bad status line")

    def failing() -> Handler:
        async def handle(request: httpx.Request) -> httpx.Response:
            raise answer(request)

        return handle

    text = shown(await failure_of(api.query(failing())))
    assert not any(secret in text for secret in SECRETS.values())


def test_secrets_do_not_overlap() -> None:
    """Or one that is masked could hide that another one is not."""
    assert not any(one in other for one, other in itertools.permutations(SECRETS.values(), 2))
