"""Serve the application until a signal, and stop at once."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from starlette.applications import Starlette

from exporter.connection import KEEPALIVE_SECONDS, Connection, sweep
from exporter.logs import event
from exporter.web_config import WebConfigFile
from exporter.web_config.acceptor import Acceptor
from exporter.web_config.connection import GuardedConnection
from exporter.web_config.gate import Gate
from exporter.web_config.tls import Tls

_log = logging.getLogger(__name__)


async def serve(
    app: Starlette,
    listener: socket.socket,
    ready: Callable[[], None] = lambda: None,
    *,
    web: WebConfigFile | None = None,
    hangup: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then stop at once: what is under way is cancelled.

    `web` is asked for TLS and users at each connection and request. `ready` is called when requests are answered.
    SIGHUP calls `hangup`, or without one stops as well. Once serving is over, a further signal ends the process at
    once.
    """
    gate = None if web is None else Gate(app, web.latest)
    config = uvicorn.Config(
        gate or app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http=Connection,
        ws="none",
        timeout_keep_alive=int(KEEPALIVE_SECONDS),
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, ready) if web is None or gate is None else _GuardedServer(config, ready, web, gate)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop, number)
    reloads: set[asyncio.Future[object]] = set()

    def hung_up() -> None:
        if hangup is None:
            server.stop(signal.SIGHUP)
            return
        reload = asyncio.ensure_future(hangup())
        reloads.add(reload)
        reload.add_done_callback(reloads.discard)

    loop.add_signal_handler(signal.SIGHUP, hung_up)
    try:
        await server.serve(sockets=[listener])
    finally:
        for reload in reloads:
            reload.cancel()
        # A further signal ends the process at once, instead of meeting a loop that is closing.
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)


class _Server(uvicorn.Server):
    """uvicorn, with signals that end the process as a success, as supervisors expect of a service."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:  # about every second
            sweep(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def stop(self, number: int) -> None:
        event(_log, logging.INFO, "stopping", signal=signal.Signals(number).name)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # A request whose connection is gone ends by itself. uvicorn's own way, to wait and then to cancel, takes time
        # and logs as an error what is none.
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn would raise the signal again after the shutdown, and so end the process as killed.
        yield


class _GuardedServer(_Server):
    """Takes each connection with the TLS settings of its moment, which uvicorn would fix at the start."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], web: WebConfigFile, gate: Gate) -> None:
        super().__init__(config, ready)
        self._web = web
        self._gate = gate
        self._acceptors: list[Acceptor] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        async def latest() -> Tls | None:
            return (await self._web.latest()).tls

        def connect(tls: Tls | None) -> GuardedConnection:
            return GuardedConnection(self.config, self.server_state, tls)

        self._acceptors = [Acceptor(listener, latest, connect) for listener in sockets or []]
        await super().startup([])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for acceptor in self._acceptors:
            await acceptor.close()
        self._gate.close()
        await super().shutdown(sockets)
