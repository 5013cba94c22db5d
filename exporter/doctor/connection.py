"""The way to the API's host, or to the proxy: its name, a connection, the certificate."""

import asyncio
import ipaddress
import socket
import ssl
import urllib.parse
from datetime import UTC, datetime

from exporter.config.settings import Api
from exporter.doctor.report import Finding, Level, skipped
from exporter.ninedata import Reason, advice_on
from exporter.ninedata.failures import words_of_system
from exporter.ninedata.tls import advice_on_tls


async def check_connection(api: Api) -> list[Finding]:
    """A finding on the name and one on the connection."""
    key, url = ("api.proxy_url", api.proxy_url.reveal()) if api.proxy_url else ("api.base_url", api.base_url)
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    name = await _check_name(host, key, api.request_timeout)
    if name.level == "fault":
        return [name, *skipped(("connection",), f"{host} does not resolve")]
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
        advice = f"Check host and port in {key}, the server, and the firewalls; some sites allow only listed addresses."
        if isinstance(error, ssl.SSLError):
            advice = advice_on_tls(error) or advice_on(Reason.TLS, "")
        return [name, Finding("connection", place, "fault", f"cannot connect: {_reason(error)}", advice)]
    seconds = loop.time() - began
    level, details, advice = _security(transport, through_proxy=api.proxy_url is not None)
    transport.abort()
    return [name, Finding("connection", place, level, f"connected in {seconds * 1000:.0f} ms{details}", advice)]


async def _check_name(host: str, key: str, seconds: float) -> Finding:
    try:
        async with asyncio.timeout(seconds):
            infos = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        advice = f"Check the host in {key} and this machine's DNS."
        return Finding("name", host, "fault", f"does not resolve: {_reason(error)}", advice)
    addresses = dict.fromkeys(str(info[4][0]) for info in infos)
    return Finding("name", host, "ok", f"resolves to {', '.join(addresses)}")


def _security(transport: asyncio.BaseTransport, *, through_proxy: bool) -> tuple[Level, str, str]:
    """Who could listen on the connection: a level, what there is to say, and advice."""
    session: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if through_proxy:
        return "ok", "; only the queries show whether the way beyond the proxy works", ""
    if session is None:
        if ipaddress.ip_address(transport.get_extra_info("peername")[0]).is_loopback:
            return "ok", " by http, on this machine", ""
        details = " by http: a captured signature is valid for ten minutes, for any query on its path"
        return "warning", details, "Use https in api.base_url unless the whole network in between is yours."
    certificate = session.getpeercert()
    if not certificate:
        details = f", {session.version()}; the certificate is not verified"
        return "warning", details, "Remove api.tls.insecure_skip_verify and name your own issuer in api.tls.ca_file."
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    details = f", {session.version()}, the certificate is trusted and expires on {until:%Y-%m-%d}"
    if (until - datetime.now(UTC)).days < 14:  # noqa: PLR2004 - two weeks to renew it
        return "warning", details, "Have the server's certificate renewed."
    return "ok", details, ""


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
