"""bcrypt, off the event loop and few at once."""

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import bcrypt

from exporter.credentials import Secret

AT_ONCE = 2
"""Passwords that are hashed at the same time; each takes a processor."""
MAX_WAITING = 50
"""Passwords under way, before further ones are turned away."""


class TooManyWaitingError(Exception):
    """So many passwords wait to be checked that this one is not."""


class Hashing:
    """Checks passwords against hashes."""

    def __init__(self) -> None:
        # Threads of its own, for which the end of the process waits: bcrypt aborts it if it ends under its hands.
        self._threads = ThreadPoolExecutor(AT_ONCE, "bcrypt")
        self._answers: set[asyncio.Future[bool]] = set()
        self._closed = False

    async def matches(self, password: Secret, hashed: Secret) -> bool:
        """Whether the hash is the password's. Raises TooManyWaitingError."""
        if self._closed:
            return False
        if len(self._answers) >= MAX_WAITING:
            raise TooManyWaitingError
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._answers.add(answer)
        try:
            self._threads.submit(_check, password, hashed, answer)
            return await answer
        finally:
            self._answers.discard(answer)

    def close(self) -> None:
        """Let nobody wait any longer: what is not answered yet is answered with no."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for answer in self._answers:
            _settle(answer, matches=False)


def _check(password: Secret, hashed: Secret, answer: asyncio.Future[bool]) -> None:
    matches = False
    try:
        matches = bcrypt.checkpw(password.reveal().encode(), hashed.reveal().encode())
    except ValueError:
        pass  # what bcrypt cannot take is nobody's password
    finally:
        # By now the loop may be closed.
        with contextlib.suppress(RuntimeError):
            answer.get_loop().call_soon_threadsafe(lambda: _settle(answer, matches=matches))


def _settle(answer: asyncio.Future[bool], *, matches: bool) -> None:
    if not answer.done():
        answer.set_result(matches)
