"""The sandbox: the API, its misbehaviour and its journal, served as real HTTP on loopback."""

import asyncio
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from exporter.sandbox.access import Access
from exporter.sandbox.api import Api
from exporter.sandbox.catalogue import ACCESS_KEY_ID, SECRET_KEY, demo_tasks
from exporter.sandbox.clock import Clock
from exporter.sandbox.connection import Connection, GoneError
from exporter.sandbox.control import PREFIX, control
from exporter.sandbox.families import KINDS, names_of
from exporter.sandbox.faults.board import Board
from exporter.sandbox.journal import Journal
from exporter.sandbox.messages import Request
from exporter.sandbox.tasks import Task


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox while it serves."""

    sandbox: "Sandbox"
    base_url: str


class Sandbox:
    """A NineData server that obeys its caller. Not safe between threads: see `run_in_thread`.

    `latency_seconds` is what every answer of the API takes, `path_prefix` (such as "/nd") that of a proxy before it,
    `clock` tells seconds since the epoch. An old server lacks some of the `families`, and answers their paths with a
    page. `max_page_size` is the most entries that a page of a list has, whatever is asked for.

    Raises:
        ValueError: a task, or one of `families`, is of a kind that there is not.
    """

    def __init__(  # noqa: PLR0913 - each has a default that suits most
        self,
        tasks: Iterable[Task] | None = None,
        *,
        access_key_id: str = ACCESS_KEY_ID,
        secret_key: str = SECRET_KEY,
        families: Iterable[str] = KINDS,
        latency_seconds: float = 0.0,
        auth_failure_status: int = 401,
        max_page_size: int = 100,
        path_prefix: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.tasks = demo_tasks() if tasks is None else tuple(tasks)
        self.access = Access(access_key_id, secret_key)
        self.clock = Clock(clock)
        self.api = Api(
            self.tasks,
            self.access,
            self.clock,
            families=families,
            auth_failure_status=auth_failure_status,
            max_page_size=max_page_size,
        )
        self.journal = Journal()
        self.faults = Board()
        self._latency_seconds = latency_seconds
        self._path_prefix = path_prefix

    @asynccontextmanager
    async def serve(
        self, host: str = "127.0.0.1", port: int = 0, ssl_context: ssl.SSLContext | None = None
    ) -> AsyncIterator[Running]:
        """Serve while the context lasts; port 0 takes a free one.

        Raises:
            ValueError: `host` is not an address of loopback.
            OSError: the port is taken.
        """
        tasks: set[asyncio.Task[None]] = set()

        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.journal.connected()
            task = asyncio.create_task(self._converse(Connection(reader, writer, self.clock)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accepted, _loopback(host), port, ssl=ssl_context, backlog=1024)
        try:
            address, bound = server.sockets[0].getsockname()[:2]
            scheme, name = "https" if ssl_context else "http", f"[{address}]" if ":" in address else address
            yield Running(self, f"{scheme}://{name}:{bound}{self._path_prefix}")
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def reset(self) -> None:
        """As at the start: no faults, no skew, an empty journal, and all prechecks begin again."""
        self.faults.clear()
        self.clock.skew_seconds = 0.0
        self.journal.reset()
        self.api.reset()

    async def _converse(self, connection: Connection) -> None:
        """All exchanges of one connection."""
        try:
            while True:
                await self._exchange(connection, await connection.request())
        except (GoneError, OSError):
            await connection.close()
        finally:
            connection.abort()

    async def _exchange(self, connection: Connection, request: Request) -> None:
        if request.path.startswith(PREFIX):
            await connection.send(control(self, request))
            return
        if self._path_prefix:
            request = replace(request, path=self._proxied(request.path))
        names = names_of(request)
        with self.journal.exchange(request, names[-1] if names else None):
            fault = self.faults.take(*names)
            delay = self._latency_seconds + (fault.delay_seconds if fault else 0.0)
            if delay:
                await connection.pause(delay)
            answer = self.api.answer(request)
            if fault:
                await fault.show(answer, connection)
            else:
                await connection.send(answer)

    def _proxied(self, path: str) -> str:
        """The path that the API sees behind a proxy which knows it under a prefix, and nothing else."""
        return path.removeprefix(self._path_prefix) if path.startswith(self._path_prefix) else "/"


def _loopback(host: str) -> str:
    """One address, also for the name that commonly has two."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass  # a name, which could be anyone's
    raise ValueError(f"the sandbox listens on loopback only, not on {host}")
