"""Which certificates of the API's server are trusted."""

import ssl
from pathlib import Path

import certifi


def client_context(ca_file: Path | None, *, verify: bool) -> ssl.SSLContext:
    """A context that trusts `ca_file` alone, or else the system's issuers and the well-known public ones.

    Raises OSError (ssl.SSLError is one) if `ca_file` cannot be read or holds no certificate.
    """
    context = ssl.create_default_context(cafile=ca_file)
    if ca_file is None:
        context.load_verify_locations(certifi.where())
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
