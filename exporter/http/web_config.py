"""The web configuration: TLS, users and headers of the exporter's own server, in the format of exporter-toolkit."""

import ipaddress
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from exporter.config.document import compose
from exporter.config.reader import Reader
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

    def admits(self, certificate: Mapping[str, object] | None) -> bool:
        """Whether a client with this verified certificate (as `getpeercert` returns it) has an allowed name."""
        return self.allowed_sans is None or not self.allowed_sans.isdisjoint(_names_in(certificate or {}))


def _names_in(certificate: Mapping[str, object]) -> Iterator[str]:
    """The subject alternative names, addresses in their short form."""
    entries = certificate.get("subjectAltName", ())
    for kind, name in entries if isinstance(entries, tuple) else ():
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
    if root.usable and not [*root.names()]:
        root.fault("is empty")
    tls, allowed_sans, users, files = None, None, None, list[Path]()
    if "tls_server_config" in root.names():
        section = root.mapping("tls_server_config")
        tls = _load_tls(section, path.parent, files)
        allowed_sans = _load_allowed_sans(section, tls.verify_mode)
        keys = "cert_file, key_file, client_ca_file, client_auth_type, client_allowed_sans, min_version and max_version"
        section.done(f"is not supported; only {keys} are")
    if "basic_auth_users" in root.names():
        users = _load_users(root.mapping("basic_auth_users"))
    headers = _load_http(root.mapping("http_server_config"))
    root.done("is not supported; only tls_server_config, basic_auth_users and http_server_config are")
    if faults:
        raise ConfigError(faults)
    return WebConfig(tls, allowed_sans, users, headers, tuple(files))


def _load_tls(reader: Reader, folder: Path, files: list[Path]) -> ssl.SSLContext:
    context = ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    certificate, key = _file(reader, "cert_file", folder, files), _file(reader, "key_file", folder, files)
    for name in ("cert_file", "key_file"):
        if reader.usable and not reader.has(name):
            reader.fault("is missing", name)
    if certificate and key:
        try:
            context.load_cert_chain(certificate, key, password="")  # or OpenSSL asks for one at the terminal
        except ssl.SSLError as error:
            reason = error.reason.lower().replace("_", " ") if error.reason else "not PEM, or the key has a password"
            reader.fault(f"cannot be used with key_file: {reason}", "cert_file")
    issuers, mode = _file(reader, "client_ca_file", folder, files), _choice(reader, "client_auth_type", _CLIENT_AUTH)
    if issuers:
        try:
            context.load_verify_locations(issuers)
        except ssl.SSLError:
            reader.fault("holds no certificate in PEM form, or a broken one", "client_ca_file")
        # As in Go, a certificate in the file is trusted even if its issuer is not there.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if mode == ssl.CERT_NONE and issuers:
        reader.fault("has no effect without client_auth_type: RequireAndVerifyClientCert", "client_ca_file")
    elif mode and not reader.has("client_ca_file"):
        reader.fault("needs the issuers of the certificates: give client_ca_file", "client_auth_type")
    context.verify_mode = mode or ssl.CERT_NONE
    lowest = _choice(reader, "min_version", _VERSIONS) or ssl.TLSVersion.TLSv1_2
    highest = _choice(reader, "max_version", dict(reversed(_VERSIONS.items()))) or ssl.TLSVersion.TLSv1_3
    if lowest > highest:
        reader.fault("is higher than max_version", "min_version")
    context.minimum_version, context.maximum_version = lowest, highest
    return context


def _load_allowed_sans(reader: Reader, mode: ssl.VerifyMode) -> frozenset[str] | None:
    name = "client_allowed_sans"
    names = reader.texts(name)
    if name not in reader.names():
        return None
    if mode != ssl.CERT_REQUIRED:
        reader.fault("needs client_auth_type: RequireAndVerifyClientCert", name)
    elif not names:
        reader.fault("has no names: leave it out to take every certificate of the issuers", name)
    return frozenset(names)


def _choice(reader: Reader, name: str, choices: Mapping[str, T]) -> T | None:
    """One of a few words, by default the first; None for any other."""
    value = reader.text(name) if reader.has(name) else next(iter(choices))
    if value is not None and value not in choices:
        reader.fault(f"must be one of {', '.join(choices)}", name)
    return choices.get(value or "")


def _file(reader: Reader, name: str, folder: Path, files: list[Path]) -> Path | None:
    """The path of a file that can be read; `files` gets every path."""
    value = reader.text(name)
    if value is None:
        return None
    path = folder / value
    files.append(path)
    try:
        read_file(path, 1024 * 1024)
    except OSError as error:
        # Someone may have pasted the key itself in place of a file name: do not show it.
        shown = "the file" if name == "key_file" else str(path)
        reader.fault(f"{shown} cannot be read: {error.strerror}", name)
        return None
    return path


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
