"""Certificates made for a test, by the command openssl."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
_ISSUER = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign", "subjectKeyIdentifier=hash")
STYLES = {
    "no keyUsage": ("basicConstraints=critical,CA:TRUE", "subjectKeyIdentifier=hash"),
    "basicConstraints not critical": ("basicConstraints=CA:TRUE", "keyUsage=keyCertSign,cRLSign"),
    "no key ids": ("basicConstraints=critical,CA:TRUE", "subjectKeyIdentifier=none"),
}
"""Issuers of one's own as openssl, Easy-RSA and others make them: less strict than RFC 5280, and in use."""
_ISSUED = ("basicConstraints=CA:FALSE", "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid")
_NO_KEY_IDS = ("basicConstraints=CA:FALSE", "subjectKeyIdentifier=none", "authorityKeyIdentifier=none")


@dataclass(frozen=True)
class Identity:
    """A certificate and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Issuer:
    """Issues certificates into a folder."""

    folder: Path
    own: Identity

    def issue(self, name: str, names: str, *extensions: str, key_ids: bool = True) -> Identity:
        """A certificate for these alternative names, as openssl takes them: `DNS:a,IP:127.0.0.1`."""
        usual = _ISSUED if key_ids else _NO_KEY_IDS
        return _make(self.folder, name, (f"subjectAltName={names}", *usual, *extensions), *self._signing)

    def intermediate(self, name: str) -> "Issuer":
        """An issuer whose certificate is of this one."""
        return Issuer(self.folder, _make(self.folder, name, _ISSUER, *self._signing))

    def issue_dated(self, name: str, start: str, end: str) -> Identity:
        """A certificate of 127.0.0.1 that is valid from one day to another, each as YYMMDD."""
        identity = Identity(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        config, request, index = (self.folder / f"{name}.{end}" for end in ("cnf", "csr", "index"))
        config.write_text(
            "[req]\ndistinguished_name = dn\n[dn]\n[ca]\ndefault_ca = own\n[policy]\ncommonName = supplied\n"
            f"[own]\ndatabase = {index}\nnew_certs_dir = {self.folder}\nrand_serial = yes\ndefault_md = sha256\n"
            "policy = policy\nx509_extensions = added\n[added]\nsubjectAltName = IP:127.0.0.1\n"
        )
        index.touch()
        files = ("-nodes", "-keyout", str(identity.key), "-out", str(request))
        openssl("req", "-new", "-config", str(config), "-subj", f"/CN={name}", *_CURVE, *files)
        issuing = ("-cert", str(self.own.certificate), "-keyfile", str(self.own.key), "-out", str(identity.certificate))
        dates = ("-startdate", f"{start}000000Z", "-enddate", f"{end}000000Z")
        openssl("ca", "-batch", "-notext", "-config", str(config), "-in", str(request), *issuing, *dates)
        return identity

    @property
    def _signing(self) -> tuple[str, ...]:
        return ("-CA", str(self.own.certificate), "-CAkey", str(self.own.key))


def trusting(issuer: Issuer, identity: Identity | None = None) -> ssl.SSLContext:
    """The context of a client, with a certificate of its own or none."""
    context = ssl.create_default_context(cafile=issuer.own.certificate)
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    return context


def new_issuer(folder: Path, name: str, extensions: tuple[str, ...] = _ISSUER) -> Issuer:
    """An issuer that signs itself."""
    return Issuer(folder, _make(folder, name, extensions))


def weak_identity(folder: Path) -> Identity:
    """Of a kind that OpenSSL refuses."""
    return _make(folder, "weak", (), new_key=("-newkey", "rsa:1024"))


def _make(
    folder: Path, name: str, extensions: tuple[str, ...], *more: str, new_key: tuple[str, ...] = _CURVE
) -> Identity:
    identity = Identity(folder / f"{name}.crt", folder / f"{name}.key")
    files = ("-nodes", "-keyout", str(identity.key), "-out", str(identity.certificate))
    config = folder / "openssl.cnf"  # the system's own would add extensions
    config.write_text("[req]\ndistinguished_name = name\n[name]\n")
    added = (argument for extension in extensions for argument in ("-addext", extension))
    subject = ("-config", str(config), "-subj", f"/CN={name}")
    openssl("req", "-x509", "-days", "2", *subject, *new_key, *files, *added, *more)
    return identity


def openssl(*arguments: str) -> None:
    """Run the command."""
    program = shutil.which("openssl")
    assert program, "these tests need the command openssl"
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=60)  # noqa: S603 - the program asked for
