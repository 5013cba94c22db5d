"""The sockets on which the exporter listens, and the open files that the process may have."""

import logging
import resource
import socket

import pytest

from exporter.http.sockets import Address, StartError, allow_open_files, listen, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":10199", Address("", 10199)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("exporter.example:80", Address("exporter.example", 80)),
        ("[::1]:10199", Address("::1", 10199)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "10199", "host", "host:", "::1:80", "[host]:80", "host:65536", "http://host:80"])
def test_what_is_not_an_address(text: str) -> None:
    with pytest.raises(StartError):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("[::]:1", "http://localhost:1"),
        ("[0::0]:1", "http://localhost:1"),
        ("0.0.0.0:1", "http://localhost:1"),
        ("[::1]:1", "http://[::1]:1"),
    ],
)
def test_a_browser_gets_an_address_that_it_can_open(text: str, url: str) -> None:
    assert parse_address(text).url("http") == url


@pytest.mark.parametrize("host", ["", "::", "0:0:0:0:0:0:0:0", "127.0.0.1"])
def test_a_free_port(host: str) -> None:
    with listen(Address(host, 0)) as listening, socket.create_connection(("127.0.0.1", listening.getsockname()[1])):
        pass


def test_a_port_that_is_in_use() -> None:
    with listen(Address("127.0.0.1", 0)) as listening, pytest.raises(StartError) as caught:
        listen(Address("127.0.0.1", listening.getsockname()[1]))
    assert str(caught.value).endswith("Address already in use; choose another with --web.listen-address")


def test_the_soft_limit_of_open_files_is_raised(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """To the hard limit; the log says if that is too low."""
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    with caplog.at_level(logging.WARNING):
        allow_open_files(100)
        assert caplog.text == ""
        allow_open_files(1000)
    assert raised == [(1024, 1024)] * 2
    assert "lower it or raise the limit (LimitNOFILE)" in caplog.text
