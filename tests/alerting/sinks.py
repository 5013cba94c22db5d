"""Where notifications arrive: a chat's incoming webhook, and a mail server."""

import base64
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


@dataclass(frozen=True)
class Chat:
    """A message as the webhook has it."""

    payload: dict[str, Any]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """A field of its only attachment."""
        (attachment,) = self.payload["attachments"]
        return attachment[name]


@dataclass(frozen=True)
class Mail:
    """A message as the mail server has it."""

    message: EmailMessage
    recipients: tuple[str, ...]

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self._body("plain")

    @property
    def html(self) -> str:
        return self._body("html")

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part is not None, kind
        return str(part.get_content()).replace("\r\n", "\n")


@dataclass
class Sinks:
    """Both, with what has arrived so far."""

    chat: list[Chat] = field(default_factory=list)
    mail: list[Mail] = field(default_factory=list)
    logins: set[str] = field(default_factory=set)
    chat_url: str = ""
    mail_address: str = ""

    @property
    def titles(self) -> list[str]:
        """Of the messages in chat, in order."""
        return [chat.title for chat in self.chat]

    @property
    def subjects(self) -> list[str]:
        """Of the e-mails, in order."""
        return [mail.subject for mail in self.mail]

    def forget(self) -> None:
        """Nothing has arrived."""
        self.chat.clear()
        self.mail.clear()


@contextmanager
def listening() -> Iterator[Sinks]:
    """Both listen as long as the context lasts."""
    sinks = Sinks()

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sinks.chat.append(Chat(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    class Smtp(_Smtp):
        sink = sinks

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Webhook) as web,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as smtp,
    ):
        smtp.daemon_threads = True
        sinks.chat_url = f"http://127.0.0.1:{web.server_address[1]}/hooks/sink"
        sinks.mail_address = f"127.0.0.1:{smtp.server_address[1]}"
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
    """A mail server that takes everything of whoever logs in."""

    sink: Sinks

    def handle(self) -> None:
        self._say("220 sink")
        recipients: list[str] = []
        while line := self.rfile.readline().decode().strip():
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO":
                    self._say("250-sink", "250 AUTH PLAIN")
                case "AUTH":
                    _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                    self.sink.logins.add(f"{user} {password}")
                    self._say("235 welcome")
                case "RCPT":
                    recipients.append(rest.partition("<")[2].partition(">")[0])
                    self._say("250 ok")
                case "DATA":
                    self._say("354 go on")
                    message = email.message_from_bytes(self._data(), policy=email.policy.default)
                    assert isinstance(message, EmailMessage)
                    self.sink.mail.append(Mail(message, tuple(recipients)))
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 ok")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)
