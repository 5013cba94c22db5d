"""Certificates and keys: from a file or from the configuration itself, into a TLS context."""

import contextlib
import os
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from exporter.config.reader import Reader
from exporter.web_config.files import Files

_NO_CERTIFICATE = "holds no certificate in PEM form, or a broken one"


@dataclass(frozen=True, slots=True)
class Pem:
    """Something in PEM form, and the key of the configuration that gave it."""

    key: str
    text: str = field(repr=False)
    path: Path | None = None

    @contextlib.contextmanager
    def as_file(self) -> Iterator[str]:
        """The path of a file that has it: Python's ssl takes a certificate from nowhere else.

        What stands in the configuration is put into memory that looks like a file, so that no key reaches a disk.
        """
        if self.path is not None:
            yield str(self.path)
            return
        if sys.platform != "linux":
            raise ssl.SSLError("it can stand in the configuration on Linux only; name a file")
        with os.fdopen(os.memfd_create("pem"), "wb") as memory:
            memory.write(self.text.encode())
            memory.flush()
            yield f"/proc/self/fd/{memory.fileno()}"


def read_pem(reader: Reader, name: str, folder: Path, files: Files, *, secret: bool = False) -> Pem | None:
    """What the key, or the file that its `_file` key names, holds; None where there is neither, or with a fault."""
    file_key = f"{name}_file"
    text, file = reader.text(name, multiline=True), reader.text(file_key)
    if reader.has(name) and reader.has(file_key):
        reader.fault(f"give either {name} or {file_key}, not both", file_key)
        return None
    if text is not None:
        return Pem(name, text)
    if file is None:
        return None
    path = folder / file
    # Whoever mistakes the key for the name of its file must not find it in a log.
    shown = "the file that it names" if secret else str(path)
    try:
        content = files.read(path)
    except OSError as error:
        reader.fault(f"{shown} cannot be read: {error.strerror}", file_key)
    except ValueError as error:
        reader.fault(f"{shown} {error}", file_key)
    else:
        # PEM is ASCII; what else stands in the file is comment.
        return Pem(file_key, content.decode("ascii", "ignore"), path)
    return None


def is_given(reader: Reader, name: str) -> bool:
    """Whether the key or its `_file` key is there, right or wrong."""
    return reader.has(name) or reader.has(f"{name}_file")


def load_identity(context: ssl.SSLContext, reader: Reader, certificate: Pem, key: Pem) -> None:
    """Let a context show a certificate; what is wrong with it or its key becomes a fault."""
    if not _has_certificate(certificate):
        reader.fault(_NO_CERTIFICATE, certificate.key)
        return
    try:
        with certificate.as_file() as certificate_path, key.as_file() as key_path:
            context.load_cert_chain(certificate_path, key_path, password=_refuse_to_ask)
    except _PasswordNeededError:
        reader.fault("is protected by a password; give the key without one", key.key)
    except ssl.SSLError as error:
        reason = error.reason or ""
        if reason == "KEY_VALUES_MISMATCH":
            reader.fault(f"is not the key of the certificate in {certificate.key}", key.key)
        elif "PEM lib" in str(error):
            reader.fault("holds no private key in PEM form", key.key)
        else:
            why = reason.lower().replace("_", " ") or str(error.args[0])
            reader.fault(f"cannot be used: {why}", certificate.key)
    except OSError as error:
        reader.fault(f"cannot be used: {error.strerror}", certificate.key)


def load_issuers(context: ssl.SSLContext, reader: Reader, issuers: Pem) -> None:
    """Let a context trust these issuers of client certificates."""
    if _has_certificate(issuers):
        context.load_verify_locations(cadata=issuers.text)
    else:
        reader.fault(_NO_CERTIFICATE, issuers.key)


def _has_certificate(pem: Pem) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=pem.text)
    except (ssl.SSLError, ValueError):
        return False
    return True


class _PasswordNeededError(Exception):
    pass


def _refuse_to_ask() -> NoReturn:
    # Without this, OpenSSL would ask at the terminal, and wait.
    raise _PasswordNeededError
