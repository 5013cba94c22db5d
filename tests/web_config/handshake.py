"""A TLS handshake in memory, to see what a context really agrees to."""

import contextlib
import socket
import ssl
from pathlib import Path

from tests.web_config.certificates import Identity


def client_context(issuer: Path, identity: Identity | None = None) -> ssl.SSLContext:
    """Of a client that trusts an issuer, and has a certificate of its own or none."""
    context = ssl.create_default_context(cafile=issuer)
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Both sides after it. Raises ssl.SSLError where either refuses."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    )
    waiting = list(sides)
    while waiting:
        for side in tuple(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    return sides


def ask_with_the_handshake(port: int, client: ssl.SSLContext, request: bytes) -> bytes:
    """The first bytes of an answer to a request that is sent together with the last bytes of the handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    side = client.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        while True:
            try:
                side.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(65536))
        side.write(request)
        connection.sendall(outgoing.read())
        with contextlib.suppress(ConnectionError):
            while received := connection.recv(65536):
                incoming.write(received)
                with contextlib.suppress(ssl.SSLWantReadError):
                    return side.read(65536)
    return b""
