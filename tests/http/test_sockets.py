"""The sockets on which the exporter listens."""

import socket

import pytest

from exporter.faults import StartError
from exporter.http.sockets import Address, listen, parse_address


@pytest.mark.parametrize(
    ("text", "host", "url"),
    [
        (":1", "", "http://localhost:1"),
        ("[::]:1", "::", "http://localhost:1"),
        ("[0::0]:1", "0::0", "http://localhost:1"),
        ("0.0.0.0:1", "0.0.0.0", "http://localhost:1"),
        ("[::1]:1", "::1", "http://[::1]:1"),
        ("exporter.example:1", "exporter.example", "http://exporter.example:1"),
    ],
)
def test_addresses(text: str, host: str, url: str) -> None:
    """A browser on the same machine gets one that it can open."""
    address = parse_address(text)
    assert (address, str(address), address.url("http")) == (Address(host, 1), text, url)


@pytest.mark.parametrize("text", ["", "10199", "host", "host:", "::1:80", "[host]:80", "host:65536", "http://host:80"])
def test_what_is_not_an_address(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_address(text)


@pytest.mark.parametrize("host", ["", "::", "0:0:0:0:0:0:0:0", "127.0.0.1"])
def test_a_free_port(host: str) -> None:
    with listen(Address(host, 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert client.getpeername() == ("127.0.0.1", port)


def test_a_port_that_is_in_use() -> None:
    with listen(Address("127.0.0.1", 0)) as listening, pytest.raises(StartError) as caught:
        listen(Address("127.0.0.1", listening.getsockname()[1]))
    assert str(caught.value).endswith("Address already in use; choose another with --web.listen-address")
