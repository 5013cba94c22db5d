"""Which certificates of the API's server are trusted, and which one is shown to it."""

import ssl
from pathlib import Path

import certifi

from exporter.credentials import load_certificate
from exporter.faults import ConfigError, Fault
from exporter.files import WatchedFile, read_file


class TlsFiles(WatchedFile[ssl.SSLContext]):
    """The files of `api.tls`, read at once and again when one of them changes. Raises ConfigError at first."""

    def __init__(self, ca_file: Path | None, identity: tuple[Path, Path] | None = None, *, verify: bool) -> None:
        first, *others = filter(None, (ca_file, *(identity or ())))
        super().__init__(
            first,
            lambda _: client_context(ca_file, identity, verify=verify),
            description="TLS file of the API",
            related=lambda _: others,
        )
        self.load()


def client_context(ca_file: Path | None, identity: tuple[Path, Path] | None = None, *, verify: bool) -> ssl.SSLContext:
    """A context that trusts `ca_file` alone, or else the system's issuers and the well-known public ones.

    `identity` is a certificate and its key, for servers that ask for one. Raises ConfigError with the file at fault.
    """
    for path in filter(None, (ca_file, *(identity or ()))):
        # OpenSSL reads the file again, but its errors do not name it, and a pipe would block it.
        try:
            read_file(path, 1024 * 1024)
        except OSError as error:
            raise _fault_in(path, f"cannot be read: {error.strerror}") from None
    # Not create_default_context: it is stricter from Python 3.13 on, and opens SSLKEYLOGFILE. This is what curl does.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if ca_file is None:
        context.load_default_certs()
        context.load_verify_locations(certifi.where())
    else:
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError:
            raise _fault_in(ca_file, "has no certificate in PEM format") from None
    if identity:
        try:
            load_certificate(context, *identity)
        except ValueError as error:
            raise _fault_in(identity[0], str(error)) from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _fault_in(path: Path, message: str) -> ConfigError:
    return ConfigError([Fault(str(path), None, "", message)])


_ADVICE = {
    10: "The server's certificate has expired: have it renewed. If it has not, set this machine's clock.",
    9: "The server's certificate is not valid yet: check this machine's clock and the server's.",
    62: "The certificate is for another name: give that in api.tls.server_name, or correct the host in api.base_url.",
    64: "The certificate does not have this address: use its name in api.base_url, or give it in api.tls.server_name.",
    18: "The server's certificate has no issuer: put the certificate itself into api.tls.ca_file.",
    19: "Put the certificate of your own issuer, the last one that the server sends, into api.tls.ca_file.",
    20: "Put the certificate of its issuer into api.tls.ca_file. If the issuer is there, the server does not send "
    "its intermediate certificate: have it send the whole chain, or add the intermediate to api.tls.ca_file.",
}
"""By OpenSSL's X509_V_ERR numbers."""


def advice_on_tls(error: ssl.SSLError) -> str:
    """What to do about a connection that failed; empty if only OpenSSL's words help."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _ADVICE.get(error.verify_code, "")
    if error.reason == "WRONG_VERSION_NUMBER":
        return "Check whether api.base_url names a port that speaks TLS, and whether a firewall or a proxy interferes."
    return ""
