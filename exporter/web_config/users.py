"""The section `basic_auth_users`, and who of them somebody is."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exporter.config.reader import Reader
from exporter.credentials import Secret
from exporter.web_config.hashing import Hashing

MAX_COST = 14
"""About a second for one password. It can hold up the end of the process by as much."""
MAX_PASSWORD_BYTES = 72
"""bcrypt takes no more."""
MAX_HEADER_BYTES = 2048

_HASH = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII)
"""The fourth last bits of a salt are not used, and must be 0."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody claims."""

    user: str
    password: Secret


def credentials_of(headers: Sequence[bytes]) -> Credentials | None:
    """What the Authorization headers of a request claim; None where that is nothing that could be right."""
    if len(headers) != 1 or len(headers[0]) > MAX_HEADER_BYTES:
        return None
    scheme, _, encoded = headers[0].partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    # To bcrypt the byte 0 ends a password, and what follows starts another way to write the same.
    if not colon or "\0" in password or len(password.encode()) > MAX_PASSWORD_BYTES:
        return None
    return Credentials(user, Secret(password))


class Users:
    """The users and their bcrypt hashes. Remembers each one's last good password, as a digest with a key of its own."""

    def __init__(self, hashes: Mapping[str, Secret]) -> None:
        self._hashes = dict(hashes)
        self._costs = sorted(_cost(hashed.reveal()) for hashed in hashes.values())
        self._key = secrets.token_bytes(32)
        self._good: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._hashes)

    async def admit(self, claimed: Credentials, hashing: Hashing) -> bool:
        """Whether the claim is true. For a name that nobody has, it takes as long as for one that somebody has.

        Raises TooManyWaitingError.
        """
        digest = self._digest(claimed.password.reveal())
        if hmac.compare_digest(self._good.get(claimed.user, b""), digest):
            return True
        known = self._hashes.get(claimed.user)
        matches = await hashing.matches(claimed.password, known or self._nobodys_hash(claimed.user))
        if known is None or not matches:
            return False
        self._good[claimed.user] = digest
        return True

    def _nobodys_hash(self, user: str) -> Secret:
        """A hash of no password, of a cost that is in use; for the same name always of the same cost."""
        number = int.from_bytes(self._digest(user), "big")
        return Secret(f"$2b${self._costs[number % len(self._costs)]:02}${'.' * 53}")

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode(), key=self._key).digest()


def load_users(reader: Reader) -> Users | None:
    """The section; every fault is in the reader's list."""
    hashes: dict[str, Secret] = {}
    for name in reader.names():
        hashed = reader.text(name)
        if hashed is None:
            if not reader.has(name):
                reader.fault("has no hash", name)
        elif not _HASH.fullmatch(hashed):
            reader.fault("is not a bcrypt hash, such as $2y$10$ and 53 characters more", name)
        elif _cost(hashed) > MAX_COST:
            reader.fault(f"has a cost of {_cost(hashed)}, with which each try takes too long; at most {MAX_COST}", name)
        elif ":" in name:
            reader.fault("is a name with a colon, which cannot be sent", name)
        else:
            hashes[name] = Secret(hashed)
    return Users(hashes) if hashes else None


def _cost(hashed: str) -> int:
    return int(hashed[4:6])
