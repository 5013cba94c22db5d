"""The section `tls_server_config`: the certificate, the clients' certificates, and what is negotiated."""

import ipaddress
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from exporter.config.document import Fault
from exporter.config.reader import Reader
from exporter.web_config.files import Files
from exporter.web_config.pem import is_given, load_identity, load_issuers, read_pem

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS = ("TLS10", "TLS11")

_CLIENT_AUTH = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_UNVERIFIED_CLIENT_AUTH = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")

_CIPHERS = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""The suites that Go's crypto/tls calls secure, by their IANA names, as OpenSSL calls them."""
_TLS13_CIPHERS = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""Always on with TLS 1.3 and not to be chosen among, in Go as in Python."""

_CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}


@dataclass(frozen=True, slots=True)
class Tls:
    """How connections are made; a further one of another object is made otherwise."""

    context: ssl.SSLContext = field(repr=False)
    allowed_sans: frozenset[str] | None = None
    """The names of which a client's certificate must have one; None: any verified certificate will do."""

    @property
    def client_certificates(self) -> str:
        """`none`, `optional` or `required`."""
        return self.context.verify_mode.name.removeprefix("CERT_").lower()

    def admits(self, certificate: Mapping[str, object] | None) -> bool:
        """Whether a client with this verified certificate, as `getpeercert` gives it, may ask."""
        return self.allowed_sans is None or not self.allowed_sans.isdisjoint(_names_in(certificate or {}))


def _names_in(certificate: Mapping[str, object]) -> Iterator[str]:
    """Its subject alternative names, as Go writes them."""
    entries = certificate.get("subjectAltName", ())
    for kind, name in entries if isinstance(entries, tuple) else ():
        if kind in ("DNS", "email", "URI"):
            yield name
        elif kind == "IP Address":
            try:
                address = ipaddress.ip_address(name.strip())
            except ValueError:
                continue
            yield str(getattr(address, "ipv4_mapped", None) or address)


def load_tls(reader: Reader, folder: Path, files: Files) -> Tls | None:
    """The section; every fault is in the reader's list, and None is given where no certificate can be shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    certificate, key = read_pem(reader, "cert", folder, files), read_pem(reader, "key", folder, files, secret=True)
    for name in ("cert", "key"):
        if not is_given(reader, name):
            reader.fault(f"is missing: give {name} or {name}_file", name)
    if certificate is not None and key is not None:
        load_identity(context, reader, certificate, key)
    allowed = _load_clients(context, reader, folder, files)
    _load_versions(context, reader)
    _load_ciphers(context, reader)
    _load_curve(context, reader)
    reader.done()
    return Tls(context, allowed) if certificate is not None and key is not None else None


def _load_clients(context: ssl.SSLContext, reader: Reader, folder: Path, files: Files) -> frozenset[str] | None:
    """The client certificates that are asked for. Gives the names of which one is needed, or None."""
    issuers = read_pem(reader, "client_ca", folder, files)
    if issuers is not None:
        load_issuers(context, reader, issuers)
        # A certificate in the file is trusted as it is, whether or not its own issuer is there, as in Go.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    mode = _load_mode(reader)
    if mode is not None:
        context.verify_mode = mode
    if mode == ssl.CERT_NONE and issuers is not None:
        reader.fault("has no effect without client_auth_type: RequireAndVerifyClientCert", issuers.key)
    if mode in (ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED) and not is_given(reader, "client_ca"):
        reader.fault("needs the issuers of the certificates: give client_ca or client_ca_file", "client_auth_type")
    return _load_names(reader, mode)


def _load_names(reader: Reader, mode: ssl.VerifyMode | None) -> frozenset[str] | None:
    key = "client_allowed_sans"
    before = len(reader.faults)
    names = _texts(reader, key, bool, "must be text")
    if key not in reader.names():
        return None
    if not names and len(reader.faults) == before:
        reader.fault("is empty: leave it out to take every certificate of the issuers", key)
    elif mode in (ssl.CERT_NONE, ssl.CERT_OPTIONAL):
        reader.fault("needs client_auth_type: RequireAndVerifyClientCert", key)
    return frozenset(names)


def _load_mode(reader: Reader) -> ssl.VerifyMode | None:
    if not reader.has("client_auth_type"):
        return ssl.CERT_NONE
    name = reader.text("client_auth_type")
    if name in _UNVERIFIED_CLIENT_AUTH:
        reader.fault(
            f"{name} is not supported: a certificate is asked for only to be verified; "
            "RequireAndVerifyClientCert does that",
            "client_auth_type",
        )
    elif name is not None and name not in _CLIENT_AUTH:
        reader.fault(f"must be one of {', '.join(_CLIENT_AUTH)}", "client_auth_type")
    return _CLIENT_AUTH.get(name or "")


def _load_versions(context: ssl.SSLContext, reader: Reader) -> None:
    lowest = _load_version(reader, "min_version", "TLS12")
    highest = _load_version(reader, "max_version", "TLS13")
    if lowest > highest:
        reader.fault("is higher than max_version", "min_version")
    context.minimum_version, context.maximum_version = lowest, highest


def _load_version(reader: Reader, name: str, default: str) -> ssl.TLSVersion:
    version = reader.text(name)
    if version in _OLD_VERSIONS:
        reader.fault(f"{version} is not supported, for it is broken; the least is TLS12", name)
    elif version is not None and version not in _VERSIONS:
        reader.fault(f"must be one of {', '.join(_VERSIONS)}", name)
    return _VERSIONS.get(version or "", _VERSIONS[default])


def _load_ciphers(context: ssl.SSLContext, reader: Reader) -> None:
    if not reader.boolean("prefer_server_cipher_suites", default=True):
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    names = _texts(reader, "cipher_suites", _is_cipher, "is no suite of those that Go calls secure, by their Go names")
    ciphers = [_CIPHERS[name] for name in names if name in _CIPHERS]
    if not ciphers and names:
        # None is left for TLS 1.2.
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if context.maximum_version < ssl.TLSVersion.TLSv1_3:
            reader.fault("has no suite for max_version: TLS12", "cipher_suites")
    if ciphers:
        try:
            context.set_ciphers(":".join(ciphers))
        except ssl.SSLError:
            reader.fault("has no suite that this system's OpenSSL allows", "cipher_suites")


def _load_curve(context: ssl.SSLContext, reader: Reader) -> None:
    names = _texts(reader, "curve_preferences", _CURVES.__contains__, f"must be one of {', '.join(_CURVES)}")
    if len(names) > 1:
        reader.fault("several are not supported: give the one to use, or leave it out", "curve_preferences")
    elif names:
        try:
            context.set_ecdh_curve(_CURVES[names[0]])
        except (ValueError, ssl.SSLError):
            reader.fault(f"{names[0]} is not possible with this system's OpenSSL", "curve_preferences")


def _is_cipher(name: str) -> bool:
    return name in _CIPHERS or name in _TLS13_CIPHERS


def _texts(reader: Reader, name: str, is_right: Callable[[str], bool], fault: str) -> list[str]:
    """The entries of a list that are right; each other one is a fault."""
    texts = []
    for index, node in enumerate(reader.sequence(name)):
        text = str(node.value) if isinstance(node, yaml.ScalarNode) and not node.tag.endswith(":null") else ""
        if is_right(text):
            texts.append(text)
        else:
            line = node.start_mark.line + 1
            reader.faults.append(Fault(reader.file, line, f"{reader.path(name)}[{index}]", fault))
    return texts
