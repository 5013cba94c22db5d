"""The first steps to the API, where a program as a whole cannot show them."""

import asyncio
import socket
import time

import pytest

from exporter.doctor.finding import Level
from exporter.doctor.network import Limit, check_name, check_tcp, endpoint_of, is_loopback
from exporter.threads import UnawaitedThreads

pytestmark = pytest.mark.anyio


def limit(seconds: float = 5.0, all_seconds: float = 60.0) -> Limit:
    return Limit(seconds, asyncio.get_running_loop().time() + all_seconds)


@pytest.mark.parametrize(
    ("url", "shown", "secure"),
    [
        ("https://console.ninedata.cloud", "console.ninedata.cloud:443", True),
        ("http://10.1.2.3:9999/prefix", "10.1.2.3:9999", False),
        ("http://user:hush@proxy.example:3128", "proxy.example:3128", False),
        ("https://[2001:db8::1]", "[2001:db8::1]:443", True),
        ("http://ninedata.example", "ninedata.example:80", False),
    ],
)
async def test_where_a_url_leads(url: str, shown: str, secure: bool) -> None:  # noqa: FBT001 - a column of the table
    """Host and port, without what may be secret."""
    endpoint = endpoint_of(url, "api.base_url")
    assert (str(endpoint), endpoint.secure) == (shown, secure)
    assert "hush" not in repr(endpoint)


async def test_a_resolver_that_hangs_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait for half a minute."""

    def hang(*_arguments: object, **_named: object) -> list[object]:
        time.sleep(2)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    asyncio.get_running_loop().set_default_executor(UnawaitedThreads())
    began = time.monotonic()
    (found,), addresses = await check_name(endpoint_of("http://ninedata.example", "api.base_url"), limit(0.1))
    assert time.monotonic() - began < 1
    assert (found.level, found.what, addresses) == (Level.FAULT, "does not resolve within 0.1 s", ())


async def test_the_end_of_all_time_counts_as_well() -> None:
    """A step does not begin a time of its own when that of the whole examination is over."""
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = endpoint_of(f"http://127.0.0.1:{server.getsockname()[1]}", "api.base_url")
        _, addresses = await check_tcp(endpoint, ["127.0.0.1"], limit(60, -1))
    assert (time.monotonic() - began < 1, addresses) == (True, ())


async def test_the_addresses_of_a_name() -> None:
    """Each once."""
    (found,), addresses = await check_name(endpoint_of("http://localhost", "api.base_url"), limit())
    assert (found.level, found.what) == (Level.OK, f"resolves to {', '.join(addresses)}")
    assert len(set(addresses)) == len(addresses) > 0


async def test_a_name_that_cannot_be_one() -> None:
    """A part of more than 63 characters is refused before anybody is asked."""
    (found,), addresses = await check_name(endpoint_of(f"http://{'x' * 64}.example", "api.base_url"), limit())
    assert (found.level, found.what, addresses) == (Level.FAULT, "does not resolve: no name can be like that", ())


async def test_one_address_of_several_is_enough() -> None:
    """Those that cannot be connected to are a warning."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = endpoint_of(f"http://ninedata.example:{server.getsockname()[1]}", "api.base_url")
        found, good = await check_tcp(endpoint, ["127.0.0.2", "127.0.0.1"], limit())
    assert [each.level for each in found] == [Level.WARNING, Level.OK]
    assert (found[0].subject, good) == (f"127.0.0.2:{endpoint.port}", ("127.0.0.1",))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.8.8.8", True), ("::1", True), ("10.0.0.1", False), ("localhost.example", False)],
)
async def test_what_does_not_leave_the_machine(host: str, loopback: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_loopback(host) is loopback
