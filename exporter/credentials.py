"""Secrets that do not print themselves, and where they come from; certificates with their keys."""

import ssl
from pathlib import Path
from typing import Protocol

from exporter.files import WatchedFile, read_file

_MAX_SECRET_BYTES = 64 * 1024


class Secret:
    """A secret text that only `reveal()` shows: not `str`, `repr`, formatting or a traceback."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The secret text. Call this where it is used, and do not store the result."""
        return self.__value

    def current(self) -> "Secret":
        """Itself: a secret that does not change is its own source."""
        return self

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"


class SecretSource(Protocol):
    """Where a secret comes from."""

    def current(self) -> Secret:
        """The secret to use now. Never blocks."""
        ...


class SecretFile(WatchedFile[Secret]):
    """A secret in a file, read at once and again when the file changes.

    Raises OSError or ValueError if the file cannot be read at first.
    """

    def __init__(self, path: Path, *, header: bool = False) -> None:
        """`header`: the secret is sent in an HTTP header."""
        super().__init__(path, lambda path: _read_secret(path, header=header), description="secret file")
        self.load()


def checked_secret(text: str, *, header: bool = False) -> Secret:
    """The text without surrounding white space, as a secret.

    One that is sent in a header must be printable ASCII. Raises ValueError, whose message does not show the text.
    """
    text = text.strip()
    if not text:
        raise ValueError("is empty")
    if header and not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError("has characters that an access key id must not have")
    if not text.isprintable():
        raise ValueError("has line breaks or control characters")
    return Secret(text)


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Have the context present a certificate. Raises ValueError, whose message is about the certificate's file."""
    try:
        context.load_cert_chain(certificate, key, password="")  # or OpenSSL asks for one at the terminal
    except ssl.SSLError as error:
        reason = error.reason.lower().replace("_", " ") if error.reason else "not PEM, or the key has a password"
        raise ValueError(f"cannot be used with key_file: {reason}") from None


def _read_secret(path: Path, *, header: bool) -> Secret:
    try:
        return checked_secret(read_file(path, _MAX_SECRET_BYTES).decode("utf-8-sig"), header=header)
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
