"""Addresses, sockets, and serving until a signal."""

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.listener import Address, StartError, listen, parse_address
from exporter.serve import serve


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":10199", Address("", 10199)),
        (":0", Address("", 0)),
        ("localhost:10199", Address("localhost", 10199)),
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        ("0.0.0.0:65535", Address("0.0.0.0", 65535)),
        ("exporter.example:1", Address("exporter.example", 1)),
        ("[::1]:10199", Address("::1", 10199)),
        ("[::]:0", Address("::", 0)),
        ("[fe80::1%eth0]:10199", Address("fe80::1%eth0", 10199)),
        (":0080", Address("", 80)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    """Host and port, a port alone, or an IPv6 address in brackets."""
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "10199", "localhost", "localhost:", "::1", "::1:10199", "[::1]", "[::1]:", "[::1", "::1]:10199"),
        *("[]:10199", "[[::1]]:10199", "[localhost]:10199", "a:b:c", "a:1:2", "http://localhost:10199", ":10199/"),
        *(
            "localhost:http",
            "localhost:-1",
            "localhost:+1",
            "localhost:1.5",
            "localhost: 80",
            "local host:80",
            ":\uff11",
        ),
        *(":80 ", " :80", ":80\n", "ä.example:80", "a/b:80", "*:80", "\x1b[31m:80", ":" + "9" * 5000),
    ],
)
def test_what_is_no_address(text: str) -> None:
    """The message has what was written, so that control characters cannot show, and the forms there are."""
    with pytest.raises(StartError) as caught:
        parse_address(text)
    assert str(caught.value) == f"{text!r} is not host:port, :port or [address]:port"


@pytest.mark.parametrize("port", ["65536", "70000", "999999999"])
def test_what_is_no_port(port: str) -> None:
    with pytest.raises(StartError, match=f"^{port} is not a port; the highest is 65535$"):
        parse_address(f"localhost:{port}")


@pytest.mark.parametrize(
    ("address", "text", "url"),
    [
        (Address("", 10199), ":10199", "http://localhost:10199"),
        (Address("exporter.example", 80), "exporter.example:80", "http://exporter.example:80"),
        (Address("::1", 80), "[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_address_in_text(address: Address, text: str, url: str) -> None:
    """As it is written, and as a browser on this machine takes it."""
    assert (str(address), address.url) == (text, url)
    assert parse_address(str(address)) == address


def reachable(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_port_0_takes_a_free_one(host: str) -> None:
    """It can be asked of the socket, and is reached."""
    with listen(Address(host, 0)) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        assert reachable("127.0.0.1", port)


def test_without_a_host_it_listens_everywhere() -> None:
    """On IPv4 and, where there is one, IPv6."""
    with listen(Address("", 0)) as listener:
        port = listener.getsockname()[1]
        assert reachable("127.0.0.1", port)
        assert reachable("::1", port) is has_ipv6()


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
def test_ipv6_that_is_switched_off_is_done_without(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The kernel knows IPv6, and no address of it can be had."""
    real = socket.create_server

    def create_server(address: tuple[str, int], *, family: int = socket.AF_INET, **options: object) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(number, os.strerror(number))
        return real(address, family=family, **options)

    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: True)
    monkeypatch.setattr(socket, "create_server", create_server)
    with listen(Address("", 0)) as listener:
        assert listener.family == socket.AF_INET
        assert reachable("127.0.0.1", listener.getsockname()[1])


def test_a_system_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listens on IPv4 alone."""
    monkeypatch.setattr(socket, "has_dualstack_ipv6", lambda: False)
    with listen(Address("", 0)) as listener:
        assert listener.family == socket.AF_INET


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_taken_port(host: str) -> None:
    """The message names the address and the flag that chooses another."""
    with listen(Address(host, 0)) as taken:
        address = Address(host, taken.getsockname()[1])
        with pytest.raises(StartError) as caught:
            listen(address)
    assert str(caught.value) == (
        f"cannot listen on {address}: Address already in use; choose another with --web.listen-address"
    )


def test_an_address_of_another_machine() -> None:
    """192.0.2.0/24 is for documentation: no machine has it."""
    with pytest.raises(StartError) as caught:
        listen(Address("192.0.2.1", 0))
    assert str(caught.value) == "cannot listen on 192.0.2.1:0: Cannot assign requested address"


@pytest.mark.parametrize("host", ["a..b", "x" * 300])
def test_a_host_that_does_not_exist(host: str) -> None:
    """The address is named, once."""
    with pytest.raises(StartError) as caught:
        listen(Address(host, 0))
    assert str(caught.value).startswith(f"cannot listen on {host}:0: ")
    assert str(caught.value).count(host) == 1


def serve_until(*signals: signal.Signals, hangup: Callable[[], Awaitable[object]] | None = None) -> list[int]:
    """Serve, ask for a page when ready, and send the signals to this process; the status of the answer."""
    statuses: list[int] = []

    async def home(_: Request) -> Response:
        return PlainTextResponse("here")

    async def run() -> None:
        with listen(Address("127.0.0.1", 0)) as listener:
            ready = asyncio.Event()
            app = Starlette(routes=[Route("/", home)])
            serving = asyncio.create_task(serve(app, listener, ready.set, hangup=hangup))
            await ready.wait()
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
                statuses.append(answer.status_code)
                for number in signals:
                    os.kill(os.getpid(), number)
                await serving

    asyncio.run(run())
    return statuses


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_a_signal(number: signal.Signals, caplog: pytest.LogCaptureFixture) -> None:
    """Requests are answered once it is ready; the signal ends it in good order, with a line in the log."""
    caplog.set_level(logging.INFO)
    assert serve_until(number) == [200]
    stops = [vars(entry)["fields"] for entry in caplog.records if entry.message == "stopping"]
    assert stops == [{"signal": number.name}]


def test_sighup_ends_it_where_it_means_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    """The demonstration ends with its terminal."""
    caplog.set_level(logging.INFO)
    assert serve_until(signal.SIGHUP) == [200]
    assert [vars(entry)["fields"] for entry in caplog.records if entry.message == "stopping"] == [{"signal": "SIGHUP"}]


def test_sighup_calls_what_it_is_given() -> None:
    """And does not end the serving, which the next signal does."""
    calls = []

    async def reload() -> None:
        calls.append("begun")
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)

    assert serve_until(signal.SIGHUP, hangup=reload) == [200]
    assert calls == ["begun"]
