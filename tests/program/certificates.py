"""Certificates for servers of the tests that are valid for any time, or no more."""

import ssl

from tests.web_config.certificates import Issuer, openssl


def server_context(issuer: Issuer, names: str, days: int) -> ssl.SSLContext:
    """For a server with a certificate for these alternative names, which ends in `days`, or ended so many before."""
    request, key, certificate, extensions = (issuer.folder / f"server.{end}" for end in ("csr", "key", "crt", "ext"))
    extensions.write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n")
    config = ("-config", str(issuer.folder / "openssl.cnf"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-new", *config, *curve, "-subj", "/CN=server", "-keyout", str(key), "-out", str(request))
    signed = ("-CA", str(issuer.own.certificate), "-CAkey", str(issuer.own.key), "-CAcreateserial")
    files = ("-in", str(request), "-out", str(certificate), "-extfile", str(extensions))
    openssl("x509", "-req", *signed, *files, "-days", str(days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
