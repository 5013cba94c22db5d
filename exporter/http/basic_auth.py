"""Basic authentication: users with bcrypt hashes."""

import asyncio
import base64
import hmac
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence

import bcrypt

_Digested = tuple[str, bytes]
"""A user and the digest of a password."""


class Users:
    """The users and their hashes. Remembers the last good password of each as a keyed digest."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = dict(hashes)
        self._costs = sorted(hash_cost(hashed) for hashed in hashes.values())
        self._key = secrets.token_bytes(32)
        self._good: dict[str, bytes] = {}
        self._checks: dict[_Digested, asyncio.Task[bool]] = {}
        self._waiting: Counter[_Digested] = Counter()

    def __len__(self) -> int:
        return len(self._hashes)

    async def admit(self, authorization: Sequence[str], processors: asyncio.Semaphore) -> bool:
        """Whether the Authorization headers of a request name a user and the right password.

        An unknown name takes as long as a known one. bcrypt is computed on one of `processors`, once for requests with
        the same password at the same time.
        """
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        user, password = credentials
        digested = user, self._digest(password)
        if hmac.compare_digest(self._good.get(user, b""), digested[1]):
            return True
        if digested not in self._checks:
            self._checks[digested] = asyncio.create_task(self._check(digested, password, processors))
        self._waiting[digested] += 1
        try:
            return await asyncio.shield(self._checks[digested])
        finally:
            self._waiting[digested] -= 1
            if not self._waiting[digested]:
                del self._waiting[digested]

    async def _check(self, digested: _Digested, password: str, processors: asyncio.Semaphore) -> bool:
        user, digest = digested
        hashed = self._hashes.get(user) or self._hash_of_nobody(user)
        try:
            async with processors:
                # Not if every client that asked is gone.
                matches = digested in self._waiting and await asyncio.to_thread(
                    bcrypt.checkpw, password.encode(), hashed.encode()
                )
        finally:
            del self._checks[digested]
        if not matches or user not in self._hashes:
            return False
        self._good[user] = digest
        return True

    def _hash_of_nobody(self, user: str) -> str:
        """A hash that matches no password, with a cost in use: always the same one for the same name."""
        number = int.from_bytes(self._digest(user), "big")
        return f"$2b${self._costs[number % len(self._costs)]:02}${'.' * 53}"

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(), "sha256")  # Pythons in FIPS mode have it, and no blake2


def hash_cost(hashed: str) -> int:
    """The cost in a bcrypt hash: checking takes 2 ** cost rounds."""
    return int(hashed[4:6])


def _credentials(authorization: Sequence[str]) -> tuple[str, str] | None:
    """User and password; None if no password could be right."""
    scheme, _, encoded = (authorization[0] if len(authorization) == 1 else "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    # bcrypt reads 72 bytes, and older versions of it stop at a zero byte.
    if not colon or "\0" in password or len(password.encode()) > 72:  # noqa: PLR2004
        return None
    return user, password
