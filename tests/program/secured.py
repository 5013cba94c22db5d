"""An exporter with a web configuration, and clients of every kind."""

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path

import bcrypt

from tests.program.process import Exporter
from tests.program.scrape import Answer
from tests.secrecy import CANARY, Watch
from tests.web_config.certificates import Identity, Issuer, new_issuer
from tests.web_config.handshake import client_context

PASSWORD = f"{CANARY}-password"
ALICE = ("alice", PASSWORD)
SERVER_NAMES = "IP:127.0.0.1,DNS:localhost"


def hash_of(password: str, cost: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


class Site:
    """A folder with a web configuration, and the certificates that it names."""

    def __init__(self, folder: Path, secrecy: Watch) -> None:
        self.folder = folder
        self.path = folder / "web.yaml"
        self.issuer = new_issuer(folder, "issuer")
        self._secrecy = secrecy
        self.renew()

    @property
    def flag(self) -> str:
        return f"--web.config.file={self.path}"

    def renew(self) -> None:
        """A new certificate for the server."""
        identity = self.issuer.issue("server", SERVER_NAMES)
        self._secrecy.hide(identity.key.read_text().splitlines()[1])

    def write(self, *, users: Mapping[str, str] | None = None, tls: bool = True, **more: object) -> None:
        """Write the configuration; `users` are names and hashes, and `more` further keys of TLS."""
        config: dict[str, object] = {"http_server_config": {"headers": {"X-Frame-Options": "deny"}}}
        if tls:
            config["tls_server_config"] = {"cert_file": "server.crt", "key_file": "server.key", **more}
        if users:
            config["basic_auth_users"] = dict(users)
            for hashed in users.values():
                self._secrecy.hide(hashed)
        self.path.write_text(json.dumps(config))

    def client(self, identity: Identity | None = None) -> ssl.SSLContext:
        """One that trusts the server."""
        return client_context(self.issuer.own.certificate, identity)

    def identity(self, name: str, issuer: Issuer | None = None) -> Identity:
        """A client's certificate with its name."""
        return (issuer or self.issuer).issue(name, f"DNS:{name}")


def ask(
    exporter: Exporter,
    path: str = "/-/healthy",
    *,
    client: ssl.SSLContext | None = None,
    user: tuple[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """What the exporter answers to a client on a connection of its own. Raises OSError where it has none."""
    connection = (
        http.client.HTTPConnection(exporter.host, exporter.port, timeout=30)
        if client is None
        else http.client.HTTPSConnection(exporter.host, exporter.port, timeout=30, context=client)
    )
    sent = dict(headers or {})
    if user is not None:
        sent["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    try:
        connection.request("GET", path, headers=sent)
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    finally:
        connection.close()
    exporter.secrecy.look(f"GET {path}", f"{answer.headers}")
    exporter.secrecy.look(f"GET {path}", answer.content)
    return answer
