"""Where notifications arrive: one HTTP server stands for the chats and for PagerDuty, another is a mail server."""

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Sinks:
    """What arrived, and where."""

    web: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    mail: list[EmailMessage] = field(default_factory=list)
    url: str = ""
    mail_address: str = ""

    def posts(self, path: str) -> list[dict[str, Any]]:
        """The JSON posted to a path."""
        return [payload for place, payload in self.web if place == path]

    @property
    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for message in self.mail]


def body(message: EmailMessage) -> str:
    """The text of a message that has nothing but text."""
    (part,) = [part for part in message.walk() if not part.is_multipart()]
    assert part.get_content_type() == "text/plain"
    return str(part.get_content()).replace("\r\n", "\n")


@contextmanager
def listening() -> Iterator[Sinks]:
    """Both servers, as long as the context lasts."""
    sinks = Sinks()

    class Web(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sinks.web.append((self.path.partition("?")[0], content))
            answers = {"/slack": (200, b"ok"), "/pagerduty": (202, b"{}")}
            self._answer(*answers.get(self.path, (200, b'{"errcode": 0}')))

        def do_GET(self) -> None:
            self._answer(200, b'{"access_token": "token of the application"}')

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    smtp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Smtp)
    smtp.mail = sinks.mail
    smtp.daemon_threads = True
    sinks.url = f"http://127.0.0.1:{web.server_address[1]}"
    sinks.mail_address = f"127.0.0.1:{smtp.server_address[1]}"
    with web, smtp:
        threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in (web, smtp)]
        for thread in threads:
            thread.start()
        try:
            yield sinks
        finally:
            for server in (web, smtp):
                server.shutdown()
            for thread in threads:
                thread.join()


class _Smtp(socketserver.StreamRequestHandler):
    """A mail server that takes everything."""

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline().strip().upper():
            if line.startswith(b"EHLO"):
                self.wfile.write(b"250-sink\r\n250 AUTH PLAIN\r\n")
            elif line.startswith(b"AUTH"):
                self.wfile.write(b"235 welcome\r\n")
            elif line == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                data = b"".join(line.removeprefix(b".") for line in iter(self.rfile.readline, b".\r\n"))
                self.server.mail.append(email.message_from_bytes(data, policy=email.policy.default))
                self.wfile.write(b"250 taken\r\n")
            else:
                self.wfile.write(b"250 ok\r\n")
