"""Certificates made for a test, by the command openssl."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
_ISSUER = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign", "subjectKeyIdentifier=hash")
_ISSUED = ("basicConstraints=CA:FALSE", "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid")


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

    def issue(self, name: str, names: str, *extensions: str) -> Identity:
        """A certificate for these alternative names, as openssl takes them: `DNS:a,IP:127.0.0.1`."""
        signed = ("-CA", str(self.own.certificate), "-CAkey", str(self.own.key))
        return _make(self.folder, name, (f"subjectAltName={names}", *_ISSUED, *extensions), *signed)


def new_issuer(folder: Path, name: str) -> Issuer:
    """An issuer that signs itself."""
    return Issuer(folder, _make(folder, name, _ISSUER))


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
