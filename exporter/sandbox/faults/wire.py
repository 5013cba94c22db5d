"""Faults of how it is said: the bytes come late, for ever, in part, or not at all."""

from dataclasses import dataclass
from typing import NoReturn

from exporter.sandbox.connection import Connection, GoneError
from exporter.sandbox.faults.fault import Fault
from exporter.sandbox.messages import CHUNK_BYTES, Answer, blanks


@dataclass(frozen=True, kw_only=True)
class Hang(Fault):
    """Never answers."""

    kind = "hang"

    async def show(self, answer: Answer, connection: Connection) -> None:
        """Wait until the client gives up."""
        del answer
        await connection.pause(None)


@dataclass(frozen=True, kw_only=True)
class Drip(Fault):
    """The well-behaved answer, a byte of its body each `seconds`."""

    kind = "drip"
    seconds: float

    async def show(self, answer: Answer, connection: Connection) -> None:
        """Send the head at once, then drip."""
        connection.start(answer, len(answer.body))
        for byte in answer.body:
            connection.continue_(bytes([byte]))
            await connection.drain()
            await connection.pause(self.seconds)
        await connection.finish()


@dataclass(frozen=True, kw_only=True)
class Huge(Fault):
    """The well-behaved answer after `size` spaces: valid JSON, if one reads so far."""

    kind = "huge"
    size: int

    async def show(self, answer: Answer, connection: Connection) -> None:
        """Send as fast as the client reads."""
        connection.start(answer, self.size + len(answer.body))
        for spaces in blanks(self.size):
            connection.continue_(spaces)
            await connection.drain()
            await connection.pause(0)  # others get their turn although the client keeps up
        connection.continue_(answer.body)
        await connection.finish()


@dataclass(frozen=True, kw_only=True)
class Endless(Fault):
    """A body of spaces without a known length that goes on until the client goes away."""

    kind = "endless"

    async def show(self, answer: Answer, connection: Connection) -> NoReturn:
        """Send as fast as the client reads."""
        connection.start(answer, None)
        spaces = b" " * CHUNK_BYTES
        while True:
            connection.continue_(spaces)
            await connection.drain()
            await connection.pause(0)


@dataclass(frozen=True, kw_only=True)
class CutOff(Fault):
    """The well-behaved answer, of which half the body is sent before the connection is closed."""

    kind = "cut_off"

    async def show(self, answer: Answer, connection: Connection) -> NoReturn:
        """Promise the whole length in its head."""
        connection.start(answer, len(answer.body))
        connection.continue_(answer.body[: len(answer.body) // 2])
        await connection.drain()
        raise GoneError


@dataclass(frozen=True, kw_only=True)
class CloseAfter(Fault):
    """The well-behaved answer, after which the connection is closed although it was to be kept."""

    kind = "close_after"

    async def show(self, answer: Answer, connection: Connection) -> NoReturn:
        """Say nothing of it in the answer."""
        await connection.send(answer)
        raise GoneError


@dataclass(frozen=True, kw_only=True)
class Drop(Fault):
    """The connection is closed in place of an answer."""

    kind = "drop"

    async def show(self, answer: Answer, connection: Connection) -> NoReturn:
        """Send nothing."""
        del answer, connection
        raise GoneError


@dataclass(frozen=True, kw_only=True)
class Reset(Fault):
    """The connection is reset in place of an answer."""

    kind = "reset"

    async def show(self, answer: Answer, connection: Connection) -> NoReturn:
        """Send nothing."""
        del answer
        connection.reset()
        raise GoneError


@dataclass(frozen=True, kw_only=True)
class Garbage(Fault):
    """Bytes that are not HTTP in place of an answer, after which the connection is closed."""

    kind = "garbage"
    content: bytes = b"\x16\x03\x01\x00\xffnot-http\r\n\r\n"

    async def show(self, answer: Answer, connection: Connection) -> NoReturn:
        """Send the bytes as they are."""
        del answer
        connection.raw(self.content)
        await connection.drain()
        raise GoneError
