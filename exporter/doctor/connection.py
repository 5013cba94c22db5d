"""The way to the API's host, or to the proxy: its name, a connection, the certificate."""

import asyncio
import ipaddress
import socket
import ssl
import urllib.parse
from datetime import UTC, datetime

from exporter.config.settings import Api
from exporter.doctor.report import Check, Finding, Level, skipped
from exporter.ninedata import Reason, advice_on
from exporter.ninedata.failures import words_of_system
from exporter.ninedata.tls import advice_on_tls


async def check_connection(api: Api) -> list[Finding]:
    """A finding on the name and one on the connection."""
    key, url = ("api.proxy_url", api.proxy_url.reveal()) if api.proxy_url else ("api.base_url", api.base_url)
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    name = await _check_name(host, key, api.request_timeout)
    if name.level is Level.FAULT:
        return [name, *skipped((Check.CONNECTION,), f"{host} does not resolve")]
    tls = api.tls.context() if api.base_url.startswith("https:") and not api.proxy_url else None
    server_name = (api.tls.server_name or host) if tls else None
    loop = asyncio.get_running_loop()
    began, place = loop.time(), f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        async with asyncio.timeout(api.request_timeout):
            connect = loop.create_connection(
                asyncio.Protocol, host, port, ssl=tls, server_hostname=server_name, happy_eyeballs_delay=0.25
            )
            transport, _ = await connect
    except OSError as error:
        what, advice = f"cannot connect: {_reason(error)}", _advice(error, key)
        return [name, Finding(Check.CONNECTION, place, Level.FAULT, what, advice)]
    transport.abort()
    what = f"connected in {(loop.time() - began) * 1000:.0f} ms"
    if api.proxy_url:
        what += "; only the queries show whether the way beyond the proxy works"
        return [name, Finding(Check.CONNECTION, place, Level.OK, what)]
    return [name, _check_tls(place, transport, tls, what) if tls else _check_plain(place, transport, what)]


async def _check_name(host: str, key: str, seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            infos = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        what, advice = f"does not resolve: {_reason(error)}", f"Check the host in {key} and this machine's DNS."
        return Finding(Check.NAME, host, Level.FAULT, what, advice)
    addresses = dict.fromkeys(str(info[4][0]) for info in infos)
    return Finding(Check.NAME, host, Level.OK, f"resolves to {', '.join(addresses)}")


def _check_plain(place: str, transport: asyncio.BaseTransport, what: str) -> Finding:
    address = str(transport.get_extra_info("peername")[0])
    if ipaddress.ip_address(address).is_loopback:
        return Finding(Check.CONNECTION, place, Level.OK, f"{what} by http, on this machine")
    what += " by http: a captured signature is valid for ten minutes, for any query on its path"
    advice = "Use https in api.base_url unless the whole network in between is yours."
    return Finding(Check.CONNECTION, place, Level.WARNING, what, advice)


def _check_tls(place: str, transport: asyncio.BaseTransport, context: ssl.SSLContext, what: str) -> Finding:
    session: ssl.SSLObject = transport.get_extra_info("ssl_object")
    what += f", {session.version()}"
    if context.verify_mode is ssl.CERT_NONE:
        what += "; the certificate is not verified"
        advice = "Remove api.tls.insecure_skip_verify and name your own issuer in api.tls.ca_file."
        return Finding(Check.CONNECTION, place, Level.WARNING, what, advice)
    not_after = str((session.getpeercert() or {})["notAfter"])
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC)
    what += f", the certificate is trusted and expires on {until:%Y-%m-%d}"
    if (until - datetime.now(UTC)).days < 14:  # noqa: PLR2004 - two weeks to renew it
        return Finding(Check.CONNECTION, place, Level.WARNING, what, "Have the server's certificate renewed.")
    return Finding(Check.CONNECTION, place, Level.OK, what)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed: {(error.reason or 'no reason given').replace('_', ' ').lower()}"
    if isinstance(error, TimeoutError):
        return "no answer within api.request_timeout"
    if isinstance(error, OSError):
        return words_of_system(error) or "the system gives no reason"
    return "it is not a valid host name"


def _advice(error: OSError, key: str) -> str:
    if isinstance(error, ssl.SSLError):
        return advice_on_tls(error) or advice_on(Reason.TLS, "")
    return f"Check host and port in {key}, the server, and the firewalls; some sites allow only listed addresses."
