"""The section `api` of the configuration: server, credentials, limits."""

import ipaddress
import re
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from exporter.config.reader import Reader
from exporter.config.settings import Api, Tls
from exporter.credentials import Secret, SecretFile, SecretSource, checked_secret
from exporter.faults import ConfigError
from exporter.ninedata.tls import TlsFiles, client_context


def load_api(reader: Reader, folder: Path, environment: Mapping[str, str]) -> Api | None:
    """The section; None if a required part is missing or wrong. Every fault goes to the reader's list."""
    if not reader.usable:
        return None
    base_url = _load_url(reader, "base_url", path_allowed=True)
    if not reader.has("base_url"):
        reader.fault("is missing: the address of the NineData console", "base_url")
    access_key_id = _load_secret(reader, "access_key_id", folder, environment, header=True)
    secret_key = _load_secret(reader, "secret_key", folder, environment)
    request_timeout = reader.duration("request_timeout", default=5.0, highest=300)
    concurrency = reader.number("concurrency", default=32, lowest=1, highest=1024, whole=True)
    rate_limit = reader.number("rate_limit", default=0, lowest=0, highest=100_000)
    proxy_url = _load_url(reader, "proxy_url", user_allowed=True)
    section = reader.mapping("tls")
    tls = _load_tls(section, folder)
    if proxy_url and section.has("server_name"):
        section.fault("cannot be used together with api.proxy_url", "server_name")
    if base_url is None or access_key_id is None or secret_key is None or tls is None:
        return None
    return Api(
        base_url=base_url,
        access_key_id=access_key_id,
        secret_key=secret_key,
        tls=tls,
        proxy_url=Secret(proxy_url) if proxy_url else None,
        request_timeout=request_timeout,
        concurrency=int(concurrency),
        rate_limit=rate_limit,
    )


def _load_tls(reader: Reader, folder: Path) -> Tls | None:
    server_name = reader.text("server_name")
    names = ("ca_file", "cert_file", "key_file")
    paths = {name: folder / text for name in names if (text := reader.text(name))}
    verify = not reader.boolean("insecure_skip_verify", default=False)
    for given, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if given in paths and other not in paths:
            if not reader.has(other):
                reader.fault(f"needs {other} as well", given)
            return None
    identity = (paths["cert_file"], paths["key_file"]) if "cert_file" in paths else None
    try:
        if not paths:
            return Tls(client_context(None, verify=verify), server_name)
        return Tls(TlsFiles(paths.get("ca_file"), identity, verify=verify), server_name)
    except ConfigError as error:
        (fault,) = error.faults
        name = next(name for name, path in paths.items() if str(path) == fault.file)
        reader.fault(f"{'the file' if name == 'key_file' else fault.file} {fault.message}", name)
    return None


def _load_url(reader: Reader, name: str, *, path_allowed: bool = False, user_allowed: bool = False) -> str | None:
    text = (reader.text(name) or "").strip()
    if not text:
        return None
    if message := _fault_of_url(text, path_allowed=path_allowed, user_allowed=user_allowed):
        reader.fault(message, name)
        return None
    return text.rstrip("/")


def _fault_of_url(text: str, *, path_allowed: bool, user_allowed: bool) -> str | None:
    try:
        parts = urllib.parse.urlsplit(text)
        host, _ = parts.hostname, parts.port
        if host and ("[" in parts.netloc or re.fullmatch(r"[\d.]+", host)):
            ipaddress.ip_address(host)
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("http", "https") or not host:
        return "must begin with http:// or https:// and name a host"
    # httpx would check this as well, but importing it takes longer than checking a configuration.
    if not text.isprintable() or " " in text or not re.fullmatch(r"[A-Za-z0-9_.:-]{1,253}", host):
        return "has characters that a URL must not have"
    if "@" in parts.netloc and not user_allowed:
        return "must not have a user name or a password"
    if "?" in text or "#" in text:
        return "must not have a query or a fragment"
    if parts.path not in ("", "/") and not path_allowed:
        return "must not have a path"
    return None


def _load_secret(
    reader: Reader, name: str, folder: Path, environment: Mapping[str, str], *, header: bool = False
) -> SecretSource | None:
    """A secret from its key, from the file under its `_file` key, or from the environment, in this order."""
    file_key, variable = f"{name}_file", f"NINEDATA_{name.upper()}"
    value, file = reader.text(name), reader.text(file_key)
    if value is not None and file is not None:
        reader.fault(f"give either {name} or {file_key}, not both", file_key)
        return None
    if value is None and file is None and (reader.has(name) or reader.has(file_key)):
        return None  # its fault is already reported
    key, subject = (file_key, "the file ") if file else (name, "" if value else f"{variable} ")
    value = value or environment.get(variable)
    try:
        if file:
            return SecretFile(folder / file, header=header)
        if value:
            return checked_secret(value, header=header)
        where = "the NineData console makes it under User Management"
        reader.fault(f"is missing: give {name}, {file_key} or the environment variable {variable}; {where}", name)
    except OSError as error:
        # The path is not shown: it may be the secret itself, given under the wrong key.
        reader.fault(f"the file cannot be read: {error.strerror}", key)
    except ValueError as error:
        reader.fault(f"{subject}{error}", key)
    return None
