"""Where the exporter listens, and the open files that it may have."""

import errno
import logging
import re
import resource
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.logs import event

if TYPE_CHECKING:
    from exporter.web_config import WebConfigFile

_log = logging.getLogger(__name__)

SPARE_FILES = 600
"""Open files beside the connections to the API: those of scrapers and people, and a few of the process itself."""

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
        listening = _listen_on(address.host, address.port) if address.host else _listen_everywhere(address.port)
    except OSError as error:
        hint = "; choose another with --web.listen-address" if error.errno == errno.EADDRINUSE else ""
        # The library adds the address once more, as it sees it.
        why = (error.strerror or str(error)).partition(" (while attempting")[0]
        raise StartError(f"cannot listen on {address}: {why}{hint}") from None
    # For its connections, which asyncio takes care of only where it opened the socket itself: the kernel would hold the
    # second part of an answer back until the first is acknowledged, which takes a scraper 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _listen_on(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=512)


def _listen_everywhere(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
        except OSError as error:
            # IPv6 may be known to the kernel and yet switched off.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
    return socket.create_server(("", port), backlog=512)


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the exporter is to be found."""

    address: Address
    socket: socket.socket
    telemetry_path: str = "/metrics"
    timeout_offset: float = 0.5
    """Seconds kept back from a scraper's timeout."""
    lifecycle: bool = False
    """Whether /-/reload is open."""
    web: "WebConfigFile | None" = None
    """TLS and authentication, where they are asked for."""

    @property
    def bound(self) -> Address:
        """The address with the port that was really taken."""
        return Address(self.address.host, self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the exporter."""
        tls = self.web is not None and self.web.current().tls is not None
        return self.bound.url.replace("http:", "https:", 1) if tls else self.bound.url

    @property
    def metrics_url(self) -> str:
        """Where a browser on this machine finds the metrics."""
        return f"{self.url}{self.telemetry_path}"


def allow_open_files(connections: int) -> None:
    """Let the process open as many files as `connections` to the API and everything else need, if it may.

    The usual soft limit of 1024 is for programs of another time; the hard limit is what counts. Where that is too
    low the log says so, and what does not fit fails as queries that cannot connect.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        if raised < needed:
            event(
                _log,
                logging.WARNING,
                "the process may open too few files for api.concurrency; lower it or raise the limit (LimitNOFILE)",
                limit=raised,
                needed=needed,
            )
