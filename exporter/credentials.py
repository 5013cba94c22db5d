"""Secrets that cannot print themselves, and where they come from."""

import hmac
import logging
from pathlib import Path
from typing import NoReturn, Protocol

from exporter.file_state import file_state
from exporter.logs import event

_log = logging.getLogger(__name__)

MAX_SECRET_BYTES = 64 * 1024


class Secret:
    """A secret text. Only `reveal()` shows it: not `str`, `repr`, formatting, pickling or a traceback."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The secret itself. Call it where it is used, and keep it nowhere."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not to be stored")


class SecretSource(Protocol):
    """Gives the present secret, at any time."""

    def current(self) -> Secret:
        """The secret to use now."""
        ...


class FixedSecret:
    """A secret that stays the same for the life of the process: a value or a variable of the environment."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def current(self) -> Secret:
        """The secret."""
        return self._secret


class SecretFile:
    """A secret kept in a file, read again when the file changed since the last look.

    Raises ValueError or OSError, with a message for people, when it cannot be read at first. Later it keeps the last
    good content and says so in the log, once: a rotation that goes wrong must not end a working exporter.
    """

    def __init__(self, path: Path, *, header: bool = False) -> None:
        self._path = path
        self._header = header
        self._seen = file_state(path)
        self._secret = read_secret(path, header=header)
        self._failing = False

    def current(self) -> Secret:
        """The secret as the last look found it."""
        return self._secret

    def look(self) -> None:
        """Look at the file; may block, and never raises. Costs one `stat` where it is as it was."""
        try:
            state = file_state(self._path)
            if state != self._seen:
                self._secret = read_secret(self._path, header=self._header)
                self._seen = state
                event(_log, logging.INFO, "secret file read again", file=str(self._path))
            self._failing = False
        except (OSError, ValueError) as error:
            if not self._failing:
                self._failing = True
                why = error.strerror if isinstance(error, OSError) else str(error)
                event(
                    _log,
                    logging.WARNING,
                    "secret file cannot be read; the last good secret stays in use",
                    file=str(self._path),
                    error=why,
                )


def read_secret(path: Path, *, header: bool = False) -> Secret:
    """The content of a file without the white space around it. Raises ValueError or OSError."""
    with path.open("rb") as file:
        content = file.read(MAX_SECRET_BYTES + 1)
    if len(content) > MAX_SECRET_BYTES:
        raise ValueError(f"is larger than {MAX_SECRET_BYTES} bytes; that is no secret")
    try:
        return checked_secret(content.decode("utf-8-sig"), header=header)
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None


def checked_secret(text: str, *, header: bool = False) -> Secret:
    """The text as a secret, without white space around it.

    One that is sent in a header (`header`) must be printable ASCII, or it could add headers of its own. Raises
    ValueError, which does not show the text.
    """
    text = text.strip()
    if not text:
        raise ValueError("is empty")
    if header and not (text.isascii() and text.isprintable() and " " not in text):
        raise ValueError("has characters that an access key id cannot have")
    if not text.isprintable():
        raise ValueError("has line breaks or control characters within")
    return Secret(text)
