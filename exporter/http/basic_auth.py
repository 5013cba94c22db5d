"""Basic authentication: users with bcrypt hashes."""

import asyncio
import base64
import hmac
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import bcrypt


class Users:
    """The users and their hashes. Remembers the last good password of each as a keyed digest."""

    def __init__(self, hashes: Mapping[str, str]) -> None:
        self._hashes = dict(hashes)
        # For unknown names: matches no password.
        self._hash_of_nobody = f"$2b${max(map(hash_cost, hashes.values()), default=4):02}${'.' * 53}"
        self._key = secrets.token_bytes(32)
        self._good: dict[str, bytes] = {}
        self._threads = ThreadPoolExecutor(2)  # each check takes a processor

    def __len__(self) -> int:
        return len(self._hashes)

    async def admit(self, authorization: Sequence[str]) -> bool:
        """Whether the Authorization headers of a request name a user and the right password.

        An unknown name takes as long as the slowest known one. If the request ends first, a queued check is dropped.
        """
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        if self._remembers(*credentials):
            return True
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._check, *credentials)

    def _remembers(self, user: str, password: str) -> bool:
        return hmac.compare_digest(self._good.get(user, b""), self._digest(password))

    def _check(self, user: str, password: str) -> bool:
        # A request with the same password may have been checked while this one waited.
        if self._remembers(user, password):
            return True
        hashed = self._hashes.get(user) or self._hash_of_nobody
        if not bcrypt.checkpw(password.encode(), hashed.encode()) or user not in self._hashes:
            return False
        self._good[user] = self._digest(password)
        return True

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
