"""What each key of the web configuration means and what it may hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from exporter.config.document import ConfigError, Fault, compose
from exporter.config.reader import Reader
from exporter.web_config.files import Files
from exporter.web_config.tls import Tls, load_tls
from exporter.web_config.users import Users, load_users

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that may be set, and the values of those that have few."""


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A whole web configuration."""

    tls: Tls | None = None
    users: Users | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """What it asks for, in words."""
        tls = f"TLS, client certificates {self.tls.client_certificates}" if self.tls else "no TLS"
        number = len(self.users) if self.users else 0
        users = f"basic authentication of {number} user{'' if number == 1 else 's'}" if number else "no authentication"
        return f"{tls}, {users}"


def load_web_config(path: Path, files: Files | None = None) -> WebConfig:
    """The web configuration in a file; `files` is told of every file that is read for it.

    Raises ConfigError with every fault at once; none shows a hash or a key. Files named in it are found from where it
    stands. What could be a slip that leaves the listener open, such as an empty section, is a fault as well.
    """
    files = files or Files()
    files.note(path)
    node = compose(path)
    faults: list[Fault] = []
    root = Reader(node, str(path), faults)
    if root.usable and not [*root.names()]:
        raise ConfigError([Fault(str(path), None, "", "is empty")])
    tls = users = None
    section = _guarding_section(root, "tls_server_config")
    if section is not None:
        tls = load_tls(section, path.parent, files)
    section = _guarding_section(root, "basic_auth_users")
    if section is not None:
        users = load_users(section)
    headers = _load_http(root.mapping("http_server_config"))
    if root.has("rate_limit") and root.mapping("rate_limit").usable:
        root.fault("is not supported; limit requests in front of the exporter", "rate_limit")
    root.done()
    if faults:
        raise ConfigError(sorted(faults, key=lambda fault: fault.line or 0))
    return WebConfig(tls, users, headers)


def _guarding_section(root: Reader, name: str) -> Reader | None:
    """A section that has something to guard with; None where it is left out, or with a fault."""
    section = root.mapping(name)
    if name not in root.names() or not section.usable:
        return None
    if not [*section.names()]:
        root.fault("is empty: leave it out if that is meant", name)
        return None
    return section


def _load_http(reader: Reader) -> dict[str, str]:
    if reader.boolean("http2", default=False):
        reader.fault("is not supported: the exporter speaks HTTP/1.1; leave it out or say false", "http2")
    headers = reader.mapping("headers")
    values: dict[str, str] = {}
    for name, allowed in _HEADERS.items():
        value = headers.text(name)
        if value is None:
            continue
        if allowed and value not in allowed:
            headers.fault(f"must be {' or '.join(allowed)}", name)
        elif not value.isascii():
            headers.fault("has characters that a header cannot have", name)
        values[name] = value.strip()
    headers.done(f"cannot be set; those that can are {', '.join(_HEADERS)}")
    reader.done()
    return values
