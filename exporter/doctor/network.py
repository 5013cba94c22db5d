"""The first steps to the API: its host's name, and a connection to each of its addresses."""

import asyncio
import ipaddress
import os
import socket
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.doctor.finding import Check, Finding, Level

MAX_ADDRESSES = 8
"""More of one name are not tried."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host to connect to, from a URL of the configuration."""

    key: str
    """The key that names it."""
    host: str
    port: int
    secure: bool
    """Whether the URL is one of https."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Limit:
    """How long one step may take, in seconds, and when all must be over, by the running loop's clock."""

    seconds: float
    deadline: float

    def begin(self) -> asyncio.Timeout:
        """Of one step that begins now."""
        return asyncio.timeout_at(min(asyncio.get_running_loop().time() + self.seconds, self.deadline))


def endpoint_of(url: str, key: str) -> Endpoint:
    """The host in a URL that the configuration has taken; user and password stay behind."""
    parts = urllib.parse.urlsplit(url)
    secure = parts.scheme == "https"
    return Endpoint(key, parts.hostname or "", parts.port or (443 if secure else 80), secure)


async def check_name(endpoint: Endpoint, limit: Limit) -> tuple[list[Finding], tuple[str, ...]]:
    """Whether the host has addresses, and which."""
    if _is_address(endpoint.host):
        what = "is an address, there is no name to resolve"
        return [Finding(Check.NAME, endpoint.host, Level.OK, what)], (endpoint.host,)
    try:
        async with limit.begin():
            addresses = await _resolve(endpoint.host, endpoint.port)
    except TimeoutError:
        what = f"does not resolve within {limit.seconds:g} s"
    except (OSError, UnicodeError) as error:
        what = f"does not resolve: {why(error)}"
    else:
        return [Finding(Check.NAME, endpoint.host, Level.OK, f"resolves to {', '.join(addresses)}")], addresses
    advice = f"See whether the name in {endpoint.key} is right and this machine's resolver works and knows it."
    return [Finding(Check.NAME, endpoint.host, Level.FAULT, what, advice)], ()


async def check_tcp(
    endpoint: Endpoint, addresses: Iterable[str], limit: Limit
) -> tuple[list[Finding], tuple[str, ...]]:
    """Which addresses accept a connection. One that does is enough; that others do not is a warning."""
    tried = [Endpoint(endpoint.key, address, endpoint.port, endpoint.secure) for address in addresses]
    findings = await asyncio.gather(*(_connect(each, limit) for each in tried))
    good = tuple(each.host for each, found in zip(tried, findings, strict=True) if found.level is Level.OK)
    if good:
        findings = [found if found.level is Level.OK else replace(found, level=Level.WARNING) for found in findings]
    return findings, good


def is_loopback(host: str) -> bool:
    """Whether nothing that is sent to a host leaves this machine."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def why(error: Exception) -> str:
    """An error of the system or of the resolver, in words."""
    if isinstance(error, socket.gaierror):
        return error.strerror or "no such name"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return "no name can be like that" if isinstance(error, UnicodeError) else "the connection failed"


async def _connect(endpoint: Endpoint, limit: Limit) -> Finding:
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with limit.begin():
            _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except TimeoutError:
        what = f"no connection within {limit.seconds:g} s"
        advice = (
            "A firewall swallows the connection, or the host is not there. See whether this machine may reach it: some "
            f"sites allow only listed addresses. See whether {endpoint.key} is right."
        )
    except OSError as error:
        what = f"cannot connect: {why(error)}"
        advice = (
            f"See whether {endpoint.key} has the right host and port, whether the server runs, and whether this "
            "machine may reach it: some sites allow only listed addresses."
        )
    else:
        writer.transport.abort()
        return Finding(Check.TCP, str(endpoint), Level.OK, f"connected in {(clock() - began) * 1000:.0f} ms")
    return Finding(Check.TCP, str(endpoint), Level.FAULT, what, advice)


async def _resolve(host: str, port: int) -> tuple[str, ...]:
    """The addresses of a name, as the client of the API looks them up. Raises OSError or UnicodeError."""
    look_up = asyncio.get_running_loop().getaddrinfo
    infos = await look_up(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return tuple(dict.fromkeys(str(info[4][0]) for info in infos))[:MAX_ADDRESSES]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
