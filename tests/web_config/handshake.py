"""A TLS handshake in memory, to see what a context really agrees to."""

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
