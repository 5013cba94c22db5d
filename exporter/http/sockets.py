"""The sockets on which the exporter listens."""

import errno
import re
import socket
from dataclasses import dataclass

from exporter.faults import StartError

_ADDRESS = re.compile(r"(?:\[([\w.%-]*:[\w.%:-]*)\]|([\w.-]*)):(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int

    @property
    def everywhere(self) -> bool:
        """Whether this is every address, IPv4 and IPv6: `:port`, or `[::]:port` as in other exporters."""
        return not self.host or (":" in self.host and not self.host.strip(":0"))

    def url(self, scheme: str) -> str:
        """A URL for a browser on this machine."""
        local = self.everywhere or self.host == "0.0.0.0"
        return f"{scheme}://{Address('localhost', self.port) if local else self}"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """`host:port`, `:port` or `[::1]:port`. Raises ValueError for anything else."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not host:port, :port or [address]:port")
    bracketed, host, port = match.groups()
    if int(port) > 65535:  # noqa: PLR2004 - the highest TCP port
        raise ValueError(f"{port} is not a port; the highest is 65535")
    return Address(bracketed or host, int(port))


def listen(address: Address) -> socket.socket:
    """A listening socket. Raises StartError if the address cannot be used."""
    try:
        if not address.everywhere:
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
            listener = socket.create_server((address.host, address.port), family=family, backlog=512)
        else:
            listener = _listen_everywhere(address.port)
    except OSError as error:
        hint = "; choose another with --web.listen-address" if error.errno == errno.EADDRINUSE else ""
        # Python adds the address to the text a second time.
        reason = (error.strerror or str(error)).partition(" (while attempting")[0]
        raise StartError(f"cannot listen on {address}: {reason}{hint}") from None
    # What a client does not read waits here: by default the kernel would keep megabytes for each.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 128 * 1024)
    return listener


def _listen_everywhere(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
        except OSError as error:
            # The kernel can have IPv6 compiled in and switched off.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
    return socket.create_server(("", port), backlog=512)
