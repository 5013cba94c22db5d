"""What is sent: a signed GET to the configured address, and nothing more."""

import asyncio
from hashlib import sha256

import pytest

from exporter.credentials import Secret
from exporter.ninedata import TaskRef
from tests.ninedata.fake_api import PASSED, TASK, FakeApi, after, failure_of, now, reply
from tests.secrecy import ACCESS_KEY_ID, SECRET_KEY

pytestmark = pytest.mark.anyio

STATUS = "/openapi/v1/comparedata/precheck/status"


def signed(timestamp: str, secret_key: str = SECRET_KEY) -> str:
    return sha256(f"{STATUS}/{secret_key}&{timestamp}".encode()).hexdigest()


async def test_a_query_is_one_signed_get(api: FakeApi) -> None:
    """With exactly these headers: none that a proxy, a cookie or a compressed answer could come by."""
    await api.query(reply())
    (request,) = api.requests
    assert request.method == "GET"
    assert str(request.url) == (
        f"https://console.ninedata.cloud{STATUS}?taskId=cd-tg3isu1xgs&precheckTaskId=pcte-dj02vti9tabd"
    )
    assert await request.aread() == b""
    assert dict(request.headers) == {
        "host": "console.ninedata.cloud",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "ninedata-exporter/test",
        "access-key-id": ACCESS_KEY_ID,
        "timestamp": "2026-01-02T03:04:05Z",
        "signature": signed("2026-01-02T03:04:05Z"),
    }


@pytest.mark.parametrize(
    ("base_url", "asked"),
    [
        ("https://console.ninedata.cloud", f"https://console.ninedata.cloud{STATUS}"),
        ("https://console.ninedata.cloud/", f"https://console.ninedata.cloud{STATUS}"),
        ("http://10.1.2.3:9999", f"http://10.1.2.3:9999{STATUS}"),
        ("http://[::1]:9999", f"http://[::1]:9999{STATUS}"),
        ("https://proxy.example.com/ninedata", f"https://proxy.example.com/ninedata{STATUS}"),
        ("https://proxy.example.com/a/b/", f"https://proxy.example.com/a/b{STATUS}"),
    ],
)
async def test_a_path_prefix_is_asked_for_and_not_signed(api: FakeApi, base_url: str, asked: str) -> None:
    """The signature is over the `/openapi/...` path alone: the proxy takes the prefix off."""
    await api.client(base_url).query(TASK, now() + 10)
    (request,) = api.requests
    assert str(request.url.copy_with(query=None)) == asked
    assert request.headers["signature"] == signed("2026-01-02T03:04:05Z")


@pytest.mark.parametrize(
    "task_id", ["cd-1&precheckTaskId=x", "a=b", "a#b", "a/../b", "a b", "a%2Fb", "a+b", "中", "é?"]
)
async def test_an_id_is_one_parameter_whatever_its_characters(api: FakeApi, task_id: str) -> None:
    """It cannot add parameters or lead to another path."""
    api.answers(reply({"success": True, "data": {}}))
    await api.client().query(TaskRef("data_compare", task_id, "pcte-1"), now() + 10)
    (request,) = api.requests
    assert request.url.path == STATUS
    assert request.url.params.multi_items() == [("taskId", task_id), ("precheckTaskId", "pcte-1")]


async def test_every_request_is_signed_anew(api: FakeApi) -> None:
    """With the time at which it leaves: a signature is good for ten minutes only."""
    client = api.client()
    for _ in range(2):
        await api.query(client=client)
        await asyncio.sleep(3600)
    assert [request.headers["timestamp"] for request in api.requests] == [
        "2026-01-02T03:04:05Z",
        "2026-01-02T04:04:05Z",
    ]
    assert [request.headers["signature"] for request in api.requests] == [
        signed("2026-01-02T03:04:05Z"),
        signed("2026-01-02T04:04:05Z"),
    ]


async def test_a_retry_is_signed_anew(api: FakeApi) -> None:
    """The first try may have taken its time."""
    api.answers(after(2, reply(status=503)), reply())
    await api.query()
    assert [request.headers["timestamp"] for request in api.requests] == [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:07Z",
    ]
    assert api.requests[1].headers["signature"] == signed("2026-01-02T03:04:07Z")


class Rotating:
    """A secret that is another one at each look."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._looks = 0

    def current(self) -> Secret:
        self._looks += 1
        return Secret(f"{self._name}-{self._looks}")


async def test_every_request_uses_the_present_credentials(api: FakeApi) -> None:
    """A rotated key works without a restart."""
    client = api.client(access_key_id=Rotating("id"), secret_key=Rotating("key"))
    await api.query(client=client)
    await api.query(client=client)
    first, second = api.requests
    assert (first.headers["access-key-id"], second.headers["access-key-id"]) == ("id-1", "id-2")
    assert first.headers["signature"] == signed(first.headers["timestamp"], "key-1")
    assert second.headers["signature"] == signed(second.headers["timestamp"], "key-2")


async def test_the_secret_key_is_not_sent(api: FakeApi) -> None:
    """It is in the signature only."""
    await api.query()
    (request,) = api.requests
    assert SECRET_KEY not in f"{request.url} {request.headers.multi_items()}"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_no_redirect_is_followed(api: FakeApi, status: int) -> None:
    """The signature must not go to another host."""
    error = await failure_of(api.query(reply(PASSED, status, location="https://evil.example.com/openapi")))
    assert error.reason == "http_error"
    assert error.message == (
        f"HTTP {status}: redirected to https://evil.example.com/openapi, which is not followed because the signature "
        "must not go to another host; put the final address in api.base_url"
    )
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("//evil.example.com/", "//evil.example.com/"),
        ("/login", "/login"),
        ("https://user:hunter2@sso.example.com/login?token=hunter2#hunter2", "https://sso.example.com/login"),
        ("x\x1b[31m", "x�[31m"),
    ],
)
async def test_a_redirect_is_shown_without_what_may_be_secret(api: FakeApi, location: str, shown: str) -> None:
    """The message says where the answer would be."""
    error = await failure_of(api.query(reply(PASSED, 302, location=location)))
    assert error.message.startswith(f"HTTP 302: redirected to {shown}, which is not followed")


@pytest.mark.parametrize(("status", "headers"), [(302, {}), (304, {}), (302, {"location": "https://[broken"})])
async def test_a_redirect_to_nowhere_is_no_answer(api: FakeApi, status: int, headers: dict[str, str]) -> None:
    """There is no address to advise."""
    error = await failure_of(api.query(reply(b"", status, **headers)))
    assert (error.reason, error.message) == ("http_error", f"HTTP {status}: not an answer to this request")


async def test_a_cookie_is_not_kept(api: FakeApi) -> None:
    """No answer can make a later request another one."""
    client = api.client()
    api.answers(then=reply(PASSED, set_cookie="session=1; Path=/"))
    await api.query(client=client)
    await api.query(client=client)
    assert "cookie" not in api.requests[1].headers
