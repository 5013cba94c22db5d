"""The life of the process: listen, serve, stop."""

import asyncio
import contextlib
import errno
import logging
import re
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from exporter.logs import event

_log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 120
"""Longer than the usual scrape intervals, so that Prometheus keeps its connection."""

_ADDRESS = re.compile(r"(?:\[([\w.%-]*:[\w.%:-]*)\]|([\w.-]*)):(\d{1,9})", re.ASCII)


class StartError(Exception):
    """The process cannot start; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. An empty host means every address, IPv4 and IPv6."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        return f"http://{Address(self.host or 'localhost', self.port)}"


def parse_address(text: str) -> Address:
    """`host:port`, `:port` or `[::1]:port`. Raises StartError for anything else."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise StartError(f"{text!r} is not host:port, :port or [address]:port")
    bracketed, host, port = match.groups()
    if int(port) > 65535:  # noqa: PLR2004 - TCP's highest port
        raise StartError(f"{port} is not a port; the highest is 65535")
    return Address(bracketed or host, int(port))


def listen(address: Address) -> socket.socket:
    """A listening socket. Raises StartError where there can be none."""
    try:
        if not address.host:
            return _listen_everywhere(address.port)
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server((address.host, address.port), family=family, backlog=512)
    except OSError as error:
        hint = "; choose another with --web.listen-address" if error.errno == errno.EADDRINUSE else ""
        # The library adds the address once more, as it sees it.
        why = (error.strerror or str(error)).partition(" (while attempting")[0]
        raise StartError(f"cannot listen on {address}: {why}{hint}") from None


def _listen_everywhere(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
        except OSError as error:
            # IPv6 may be known to the kernel and yet switched off.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
    return socket.create_server(("", port), backlog=512)


async def serve(app: Starlette, listener: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, then stop at once: what is under way is cancelled.

    `ready` is called when requests are answered. SIGHUP is taken and answered in the log.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        http="h11",
        ws="none",
        timeout_keep_alive=KEEPALIVE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, ready)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop, number)
    loop.add_signal_handler(
        signal.SIGHUP,
        event,
        _log,
        logging.WARNING,
        "SIGHUP ignored: this version reads its configuration only at start",
    )
    await server.serve(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, with signals that end the process as a success, as supervisors expect of a service."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

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
