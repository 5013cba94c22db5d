"""Where people and Prometheus reach the exporter, and the prefix of its paths."""

import re
from dataclasses import dataclass

_HOST = r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9][A-Za-z0-9._-]{0,252}"
_PATH = r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._~-]+)*"  # no dot segments: clients resolve them
_URL = re.compile(rf"(https?)://({_HOST})(?::(\d{{1,5}}))?({_PATH})/?")
_PREFIX = re.compile(rf"({_PATH})/?")
_HOST_HEADER = re.compile(rf"(?:{_HOST})(?::\d{{1,5}})?")


@dataclass(frozen=True, slots=True)
class ExternalUrl:
    """The address of the exporter for everyone else, a reverse proxy's for example."""

    text: str
    """Without a slash at the end."""
    hosts: frozenset[str]
    """The Host headers of requests to it, in lower case: with and without a port that is its scheme's default."""
    path: str
    """Empty, or `/a/b`."""


def parse_external_url(text: str) -> ExternalUrl:
    """Raises ValueError for anything but `http[s]://host[:port][/path]`."""
    match = _URL.fullmatch(text)
    if match is None or int(match[3] or 0) > 65535:  # noqa: PLR2004 - the highest TCP port
        raise ValueError("must be http[s]://host[:port][/path], such as https://example.com/ninedata")
    scheme, host, port, path = match.groups()
    host, default = host.lower(), {"http": "80", "https": "443"}[scheme]
    hosts = {host, f"{host}:{default}"} if port in (None, default) else {f"{host}:{port}"}
    return ExternalUrl(text.rstrip("/"), frozenset(hosts), path)


def parse_route_prefix(text: str) -> str:
    """The prefix without a slash at the end; empty for `/`. Raises ValueError if it is no path."""
    match = _PREFIX.fullmatch(text)
    if match is None or not text:
        raise ValueError("must be a path, such as /ninedata, or / for none")
    return match[1]


def is_host_header(text: str) -> bool:
    """Whether a Host header is an address, perhaps with a port."""
    return _HOST_HEADER.fullmatch(text) is not None
