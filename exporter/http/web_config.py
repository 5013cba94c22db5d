"""The web configuration: TLS, users and headers of the exporter's own server, in the format of exporter-toolkit."""

import ipaddress
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from exporter.config.document import compose
from exporter.config.reader import Reader
from exporter.credentials import load_certificate
from exporter.faults import ConfigError, Fault
from exporter.files import read_file
from exporter.http.basic_auth import Users, hash_cost
from exporter.http.server_tls import ServerContext

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that can be set, and their allowed values if these are few."""

_OTHER_TLS_KEYS = "client_auth_type, client_allowed_sans, min_version and max_version"
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A whole web configuration."""

    tls: ssl.SSLContext | None = None
    allowed_sans: frozenset[str] | None = None
    """A client's certificate must have one of these names; None: any verified certificate is good."""
    users: Users | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    """The other files that were read for it."""

    @property
    def summary(self) -> str:
        """What protects the server, for people."""
        mode = self.tls.verify_mode.name.removeprefix("CERT_").lower() if self.tls else ""
        tls = f"TLS, client certificates {mode}" if self.tls else "no TLS"
        return f"{tls}, {f'basic authentication, users: {len(self.users)}' if self.users else 'no authentication'}"

    def admits(self, certificate: Mapping[str, Any] | None) -> bool:
        """Whether a client with this verified certificate (as `getpeercert` returns it) has an allowed name."""
        return self.allowed_sans is None or not self.allowed_sans.isdisjoint(_names_in(certificate or {}))


def _names_in(certificate: Mapping[str, Any]) -> Iterator[str]:
    """The subject alternative names, addresses in their short form."""
    for kind, name in certificate.get("subjectAltName", ()):
        if kind in ("DNS", "email", "URI"):
            yield name
        elif kind == "IP Address":
            yield str(ipaddress.ip_address(name.strip()))


def load_web_config(path: Path) -> WebConfig:
    """Read a web configuration. Raises ConfigError with all faults; none shows a hash or a key.

    File names in it are relative to its own folder. An empty section is a fault: it could leave the server open.
    """
    faults: list[Fault] = []
    root = Reader(compose(path), str(path), faults)
    names = [*root.names()]
    if root.usable and not names:
        root.fault("is empty")
    config = WebConfig()
    if "tls_server_config" in names:
        config = _load_tls(root.mapping("tls_server_config"), path.parent)
    users = _load_users(root.mapping("basic_auth_users")) if "basic_auth_users" in names else None
    headers = _load_http(root.mapping("http_server_config"))
    root.done("is not supported; only tls_server_config, basic_auth_users and http_server_config are")
    if faults:
        raise ConfigError(faults)
    return replace(config, users=users, headers=headers)


def _load_tls(reader: Reader, folder: Path) -> WebConfig:
    """What the section about TLS says."""
    names = ("cert_file", "key_file", "client_ca_file")
    files = {name: folder / text for name in names if (text := reader.text(name))}
    readable = {name: path for name, path in files.items() if _is_readable(reader, name, path)}
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    for name in ("cert_file", "key_file"):
        if reader.usable and not reader.has(name):
            reader.fault("is missing", name)
    if {"cert_file", "key_file"} <= readable.keys():
        try:
            load_certificate(context, readable["cert_file"], readable["key_file"])
        except ValueError as error:
            reader.fault(str(error), "cert_file")
    context.verify_mode = _choice(reader, "client_auth_type", _CLIENT_AUTH, ssl.CERT_NONE)
    if issuers := readable.get("client_ca_file"):
        try:
            context.load_verify_locations(issuers)
        except ssl.SSLError:
            reader.fault("holds no certificate in PEM form, or a broken one", "client_ca_file")
        # As in Go, a certificate in the file is trusted even if its issuer is not there.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if reader.text("client_auth_type") in (None, "NoClientCert"):
            reader.fault("has no effect without client_auth_type: RequireAndVerifyClientCert", "client_ca_file")
    elif context.verify_mode and not reader.has("client_ca_file"):
        reader.fault("needs the issuers of the certificates: give client_ca_file", "client_auth_type")
    context.minimum_version = _choice(reader, "min_version", _VERSIONS, ssl.TLSVersion.TLSv1_2)
    context.maximum_version = _choice(reader, "max_version", _VERSIONS, ssl.TLSVersion.TLSv1_3)
    if context.minimum_version > context.maximum_version:
        reader.fault("is higher than max_version", "min_version")
    allowed_sans = _load_allowed_sans(reader, context.verify_mode)
    reader.done(f"is not supported; only {', '.join(names)}, {_OTHER_TLS_KEYS} are")
    return WebConfig(context, allowed_sans, files=tuple(files.values()))


def _load_allowed_sans(reader: Reader, mode: ssl.VerifyMode) -> frozenset[str] | None:
    name = "client_allowed_sans"
    if name not in reader.names():
        return None
    allowed = reader.texts(name)
    if mode != ssl.CERT_REQUIRED:
        reader.fault("needs client_auth_type: RequireAndVerifyClientCert", name)
    elif not allowed:
        reader.fault("has no names: leave it out to take every certificate of the issuers", name)
    return frozenset(allowed)


def _choice(reader: Reader, name: str, choices: Mapping[str, T], default: T) -> T:
    """One of a few words."""
    word = reader.text(name)
    if word is not None and word not in choices:
        reader.fault(f"must be one of {', '.join(choices)}", name)
    return choices.get(word or "", default)


def _is_readable(reader: Reader, name: str, path: Path) -> bool:
    try:
        read_file(path, 1024 * 1024)
    except OSError as error:
        # Someone may have pasted the key itself in place of a file name: do not show it.
        shown = "the file" if name == "key_file" else str(path)
        reader.fault(f"{shown} cannot be read: {error.strerror}", name)
        return False
    return True


def _load_users(reader: Reader) -> Users:
    hashes: dict[str, str] = {}
    for name in reader.names():
        hashed = reader.text(name) or ""
        if not _BCRYPT.fullmatch(hashed):
            reader.fault("is not a bcrypt hash, such as $2y$10$ and 53 more characters", name)
        elif hash_cost(hashed) > 14:  # noqa: PLR2004 - about a second for one check
            reader.fault(f"has a cost of {hash_cost(hashed)}, so that each check takes too long; at most 14", name)
        elif ":" in name:
            reader.fault("user names must not contain ':'", name)
        else:
            hashes[name] = hashed
    if reader.usable and not [*reader.names()]:
        reader.fault("is empty: leave it out if no password is wanted")
    return Users(hashes)


def _load_http(reader: Reader) -> dict[str, str]:
    if reader.boolean("http2", default=False):
        reader.fault("is not supported: the exporter speaks HTTP/1.1; leave it out or write false", "http2")
    headers = reader.mapping("headers")
    values: dict[str, str] = {}
    for name, allowed in _HEADERS.items():
        value = headers.text(name)
        if value is None:
            continue
        if allowed and value not in allowed:
            headers.fault(f"must be {' or '.join(allowed)}", name)
        values[name] = value.strip()
    headers.done(f"cannot be set; only these can: {', '.join(_HEADERS)}")
    reader.done("is not supported; only headers and http2: false are")
    return values
