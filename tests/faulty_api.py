"""A server that breaks HTTP itself in a chosen way: for what the sandbox, a well-behaved server, cannot do."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def half_answer(client: socket.socket) -> None:
    """Ends before the promised length."""
    client.sendall(_HEAD + b'Content-Length: 500\r\n\r\n{"success": true, "data"')


def garbage(client: socket.socket) -> None:
    """Is no HTTP."""
    client.sendall(b"\x16\x03\x01\x00\xffnot-http\r\n\r\n")


def reset(client: socket.socket) -> None:
    """Resets the connection instead of an answer."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def endless(client: socket.socket) -> None:
    """A body that never ends."""
    client.sendall(_HEAD + b"Content-Length: 100000000000\r\n\r\n")
    while True:
        client.sendall(b" " * 65536)


def web_page(client: socket.socket) -> None:
    """The page of a proxy, under a status of success."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>")


def redirect(client: socket.socket) -> None:
    """To another host."""
    client.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[str]:
    """The base URL of a server that treats every connection alike, and closes it."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        threading.Thread(target=_serve, args=(server, behaviour), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, behaviour: Behaviour) -> None:
    with suppress(OSError):
        while True:
            client, _ = server.accept()
            threading.Thread(target=_answer, args=(client, behaviour), daemon=True).start()


def _answer(client: socket.socket, behaviour: Behaviour) -> None:
    with client, suppress(OSError):
        client.settimeout(10)
        request = b""
        while b"\r\n\r\n" not in request:
            received = client.recv(65536)
            if not received:
                return
            request += received
        behaviour(client)
