"""The section `api` of the configuration: the server, the credentials, the limits."""

import ipaddress
import re
import ssl
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from exporter.config.model import Api
from exporter.config.reader import Reader
from exporter.credentials import FixedSecret, Secret, SecretFile, SecretSource, checked_secret
from exporter.ninedata.tls import tls_context

MAX_REQUEST_TIMEOUT_SECONDS = 300.0
MAX_CONCURRENCY = 1024
MAX_RATE = 100_000
MAX_URL_LENGTH = 2000

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}", re.ASCII)
_ADDRESS = re.compile(r"[\d.]+|.*:.*", re.ASCII)


def load_api(reader: Reader, folder: Path, environment: Mapping[str, str]) -> Api | None:
    """The section, or None where a needed part is missing or wrong; every fault is in the reader's list."""
    if not reader.usable:
        return None
    base_url = _load_url(reader, "base_url", path_allowed=True)
    if not reader.has("base_url"):
        reader.fault("is missing: the address of the NineData console", "base_url")
    key_id = _load_secret(reader, "access_key_id", folder, environment, header=True)
    secret = _load_secret(reader, "secret_key", folder, environment)
    request_timeout = reader.duration("request_timeout", default=5.0, highest=MAX_REQUEST_TIMEOUT_SECONDS)
    concurrency = reader.number("concurrency", default=32, lowest=1, highest=MAX_CONCURRENCY, whole=True)
    rate_limit = reader.number("rate_limit", default=0, lowest=0, highest=MAX_RATE)
    proxy_url = _load_url(reader, "proxy_url", path_allowed=False, userinfo_allowed=True)
    tls = reader.mapping("tls")
    ca_file = tls.text("ca_file")
    verify = not tls.boolean("insecure_skip_verify", default=False)
    tls.done()
    reader.done()
    try:
        context = tls_context(folder / ca_file if ca_file else None, verify=verify)
    except OSError as error:
        why = "it holds no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        tls.fault(f"{folder / ca_file if ca_file else ''} cannot be used: {why}", "ca_file")
        return None
    if base_url is None or key_id is None or secret is None:
        return None
    return Api(
        base_url=base_url,
        access_key_id=key_id,
        secret_key=secret,
        tls=context,
        proxy_url=Secret(proxy_url) if proxy_url else None,
        request_timeout=request_timeout,
        concurrency=int(concurrency),
        rate_limit=rate_limit,
    )


def _load_url(reader: Reader, name: str, *, path_allowed: bool, userinfo_allowed: bool = False) -> str | None:
    text = reader.text(name)
    if text is None:
        return None
    fault = _fault_of_url(text.strip(), path_allowed=path_allowed, userinfo_allowed=userinfo_allowed)
    if fault:
        reader.fault(fault, name)
        return None
    return text.strip().rstrip("/")


def _fault_of_url(text: str, *, path_allowed: bool, userinfo_allowed: bool) -> str | None:
    try:
        parts = urllib.parse.urlsplit(text)
        host, _ = parts.hostname, parts.port
        if host and ("[" in parts.netloc or _ADDRESS.fullmatch(host)):
            ipaddress.ip_address(host)
    except ValueError:
        return "is not a URL"
    if len(text) > MAX_URL_LENGTH:
        return f"is longer than {MAX_URL_LENGTH} characters"
    if parts.scheme not in ("http", "https") or not host:
        return "must begin with http:// or https:// and name a host"
    # httpx, which takes what is left, is not asked here: to import it takes longer than to check a configuration.
    if not text.isprintable() or " " in text or not (_NAME.fullmatch(host) or _ADDRESS.fullmatch(host)):
        return "has characters that a URL cannot have"
    if not userinfo_allowed and "@" in parts.netloc:
        return "must not hold a user name or a password"
    if parts.query or parts.fragment or "?" in text or "#" in text:
        return "must not have a query or a fragment"
    if not path_allowed and parts.path not in ("", "/"):
        return "must not have a path"
    return None


def _load_secret(
    reader: Reader, name: str, folder: Path, environment: Mapping[str, str], *, header: bool = False
) -> SecretSource | None:
    """A secret from its key, from the file that its `_file` key names, or from the environment, in this order."""
    variable, file_key = f"NINEDATA_{name.upper()}", f"{name}_file"
    value, file = reader.text(name), reader.text(file_key)
    if value is not None and file is not None:
        reader.fault(f"give either {name} or {file_key}, not both", file_key)
        return None
    key = name if value is not None else file_key if file is not None else None
    try:
        if file is not None:
            return SecretFile(folder / file, header=header)
        if value is not None:
            return FixedSecret(checked_secret(value, header=header))
        if reader.has(name) or reader.has(file_key):
            return None
        if environment.get(variable):
            return FixedSecret(checked_secret(environment[variable], header=header))
    except OSError as error:
        # Not which file: whoever mistakes this key for the secret itself must not find it in a log.
        reader.fault(f"the file that it names cannot be read: {error.strerror}", key)
        return None
    except ValueError as error:
        place = "the file that it names " if file is not None else f"{variable} " if key is None else ""
        reader.fault(f"{place}{error}", key or name)
        return None
    reader.fault(f"is missing: give {name}, {file_key} or the environment variable {variable}", name)
    return None
