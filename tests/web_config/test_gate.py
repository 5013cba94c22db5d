"""What stands before the application."""

import base64
import logging

import bcrypt
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.credentials import Secret
from exporter.web_config import WebConfig
from exporter.web_config.gate import Gate
from exporter.web_config.hashing import TooManyWaitingError
from exporter.web_config.users import Credentials, Users

pytestmark = pytest.mark.anyio

HASH = Secret(bcrypt.hashpw(b"hush", bcrypt.gensalt(4)).decode())
HEADERS = {"X-Frame-Options": "deny", "Content-Security-Policy": "default-src 'none'"}


class Site:
    """An application behind a gate whose configuration can be changed."""

    def __init__(self, config: WebConfig) -> None:
        self.config = config
        self.requests = 0
        routes = [Route("/", self._home), Route("/-/healthy", self._home), Route("/broken", self._broken)]
        self.gate = Gate(Starlette(routes=routes), self._latest)

    async def _latest(self) -> WebConfig:
        return self.config

    async def _home(self, _: Request) -> Response:
        self.requests += 1
        return PlainTextResponse("here", headers={"content-security-policy": "own", "cache-control": "no-store"})

    async def _broken(self, _: Request) -> Response:
        raise ValueError("something of the inside")

    async def get(
        self, path: str = "/", authorization: str | bytes | None = None, method: str = "GET"
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.gate, raise_app_exceptions=False)
        headers = {} if authorization is None else {"Authorization": authorization}
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            return await client.request(method, path, headers=headers)


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.fixture
def guarded() -> Site:
    """Lets alice in, and sets two headers."""
    return Site(WebConfig(users=Users({"alice": HASH}), headers=HEADERS))


async def test_without_users_anybody_may_ask() -> None:
    """A header with credentials is not looked at."""
    site = Site(WebConfig())
    assert (await site.get()).text == "here"
    assert (await site.get(authorization="Basic !!!!")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/-/healthy", "/no-such-page", "/broken"])
async def test_every_path_wants_a_user(guarded: Site, path: str) -> None:
    """Which pages there are is nobody else's to know; the application is not asked."""
    answer = await guarded.get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Basic")
    assert guarded.requests == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS", "TRACE"])
async def test_every_method_wants_a_user(guarded: Site, method: str) -> None:
    assert (await guarded.get(method=method)).status_code == 401


async def test_the_right_user_is_let_in(guarded: Site) -> None:
    assert (await guarded.get(authorization=basic("alice", "hush"))).text == "here"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Basic",
        "Basic !!!!",
        "Bearer hush",
        b"Basic \xff\xfe",
        basic("alice", "wrong"),
        basic("nobody", "hush"),
        basic("alice", "hush" * 100),
        "Basic " + "A" * 60_000,
    ],
)
async def test_all_others_get_the_same_answer(guarded: Site, authorization: str | bytes | None) -> None:
    """Nothing in it tells what was wrong."""
    answer, missing = await guarded.get(authorization=authorization), await guarded.get()
    assert (answer.status_code, answer.text) == (401, "Unauthorized\n")
    assert answer.headers == missing.headers
    assert guarded.requests == 0


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/no-such-page", 404), ("/broken", 500)])
async def test_the_configured_headers_are_on_every_answer(guarded: Site, path: str, status: int) -> None:
    """Once, in place of the application's own; its others stay."""
    for authorization, expected in ((None, 401), (basic("alice", "hush"), status)):
        answer = await guarded.get(path, authorization)
        assert answer.status_code == expected
        assert answer.headers.get_list("x-frame-options") == ["deny"]
        assert answer.headers.get_list("content-security-policy") == ["default-src 'none'"]
    assert (await guarded.get(authorization=basic("alice", "hush"))).headers["cache-control"] == "no-store"


async def test_a_change_counts_from_the_next_request(guarded: Site) -> None:
    """New users, new headers; an old password that was good is not any more."""
    assert (await guarded.get(authorization=basic("alice", "hush"))).status_code == 200
    guarded.config = WebConfig(users=Users({"bob": HASH}))
    refused = await guarded.get(authorization=basic("alice", "hush"))
    assert (refused.status_code, "x-frame-options" in refused.headers) == (401, False)
    assert (await guarded.get(authorization=basic("bob", "hush"))).status_code == 200


async def test_too_many_logins_are_told_to_wait(guarded: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the headers of any other answer."""

    async def full(_users: Users, _claimed: Credentials, _hashing: object) -> bool:
        raise TooManyWaitingError

    monkeypatch.setattr(Users, "admit", full)
    answer = await guarded.get(authorization=basic("alice", "hush"))
    assert (answer.status_code, answer.headers["retry-after"], answer.headers["x-frame-options"]) == (503, "5", "deny")
    assert guarded.requests == 0


async def test_nothing_that_was_sent_is_logged(guarded: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A password is easily typed where the name belongs."""
    caplog.set_level(logging.DEBUG)
    for user, password in (("alice", "hush-wrong"), ("hush-typed", "x"), ("alice", "hush")):
        await guarded.get(authorization=basic(user, password))
    assert "hush" not in caplog.text
