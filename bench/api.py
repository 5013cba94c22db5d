"""The sandbox's answers on a quick wire: `python -m bench.api --tasks 1000 --latency-seconds 0.05`.

The sandbox reads byte by byte, so that it can misbehave on any of them, and takes as long for a request as the exporter
does. Here a well-behaved client is taken for granted. What is answered, and who may ask, is the sandbox's own; but for
the texts of items that fail (`--failing 3`), of which no two are alike.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

from exporter.sandbox import ACCESS_KEY_ID, SECRET_KEY, Task, fleet
from exporter.sandbox.access import Access
from exporter.sandbox.api import Api
from exporter.sandbox.checks import items as passed
from exporter.sandbox.clock import Clock
from exporter.sandbox.messages import Answer, Request
from exporter.sandbox.prechecks import Run, Script, Status

_END_OF_HEAD = b"\r\n\r\n"


class Connection(asyncio.Protocol):
    """One client's connection, with keep-alive; the client waits for each answer before it asks again."""

    def __init__(self, api: Api, clock: Clock, latency_seconds: float) -> None:
        self._api = api
        self._clock = clock
        self._latency_seconds = latency_seconds
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A part of a request, or a whole one, which is answered after the latency."""
        self._received += data
        head, end, rest = self._received.partition(_END_OF_HEAD)
        if not end:
            return
        self._received = rest
        if self._latency_seconds:
            asyncio.get_running_loop().call_later(self._latency_seconds, self._answer, head)
        else:
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        request = read_request(head)
        self._transport.write(written(self._api.answer(request), self._clock.http_date()))
        if request.headers.get("connection", "").lower() == "close":
            self._transport.close()


def read_request(head: bytes) -> Request:
    """A request from its head, which is all that a GET has."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Request(method, path, dict(parse_qsl(query)), headers)


def written(answer: Answer, date: str) -> bytes:
    """An answer as HTTP."""
    head = (
        f"HTTP/1.1 {answer.status} -\r\nDate: {date}\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\n\r\n"
    )
    return head.encode("latin-1") + answer.body


def served(count: int, items: int, failing: int) -> Sequence[Task]:
    """The fleet, whose tasks all have the same items; so many of each fail, with texts of their own."""
    tasks = fleet(count, items)
    return [replace(task, script=_failing(task.name, items, failing)) for task in tasks] if failing else tasks


def _failing(name: str, items: int, failing: int) -> Script:
    checks = passed(items)
    failed = [replace(item, outcome=Status.FAILED, error_message=_reason(name, item.item)) for item in checks[:failing]]
    return Script((Run((*failed, *checks[failing:])),))


def _reason(name: str, item: str) -> str:
    """A text as long as the API's longer ones, which no other task or item has."""
    tables = ", ".join(f"`{name}`.`{item}_{number}`" for number in range(1, 5))
    return (
        f"{item} of {name} failed: the account ninedata_ro@{name}.db.example:3306 lacks SELECT on the tables {tables}. "
        "Grant it on the source and on the target, see that the gateway's address is allowed, and run the check again."
    )


async def serve(tasks: Sequence[Task], latency_seconds: float) -> None:
    """Serve until SIGTERM; the first line of standard output is the base URL."""
    clock = Clock(time.time)
    api = Api(tasks, Access(ACCESS_KEY_ID, SECRET_KEY), clock)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: Connection(api, clock, latency_seconds), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stopped.wait()
    server.close()


def main() -> None:
    """Read the flags and serve."""
    parser = argparse.ArgumentParser(prog="python -m bench.api", allow_abbrev=False)
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--items", type=int, default=12)
    parser.add_argument("--failing", type=int, default=0)
    parser.add_argument("--latency-seconds", type=float, default=0.0)
    flags = parser.parse_args()
    asyncio.run(serve(served(flags.tasks, flags.items, flags.failing), flags.latency_seconds))


if __name__ == "__main__":
    main()
