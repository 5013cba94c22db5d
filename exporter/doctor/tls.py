"""The handshake, and the certificate: whose it is, who issued it, until when it holds."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exporter.doctor.finding import Check, Finding, Level
from exporter.doctor.network import Endpoint, Limit, is_loopback, why
from exporter.ninedata import ADVICE, Reason
from exporter.ninedata.text import clean_name

MIN_DAYS = 14
"""A certificate that ends sooner is a warning."""
MAX_NAMES = 5
"""More of a certificate's names are not told."""
TRIAL_SECONDS = 2.0
"""The longest that a server which is to speak plain HTTP is tried with TLS: some wait for the rest of a request."""

_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which Python has no name."""

# OpenSSL's numbers for what is wrong with a certificate.
_NOT_YET_VALID, _EXPIRED = 9, 10
_OTHER_NAMES = (62, 64)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server showed."""

    issuer: str
    names: tuple[str, ...]
    until: datetime

    def __str__(self) -> str:
        names = ", ".join(self.names[:MAX_NAMES]) or "no name"
        more = f" and {len(self.names) - MAX_NAMES} more" if len(self.names) > MAX_NAMES else ""
        return f"it is for {names}{more}, issued by {self.issuer}, valid until {self.until:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True, slots=True)
class _Session:
    version: str
    peer: Mapping[str, Any] | None
    """The certificate as Python tells it; empty where it was not verified."""
    der: bytes


async def check_tls(endpoint: Endpoint, address: str, context: ssl.SSLContext, limit: Limit) -> Finding:
    """Whether TLS is spoken as `context` wants it, or none where the URL says `http`."""
    if endpoint.secure:
        return await _secure(endpoint, address, context, limit)
    return await _plain(endpoint, address, limit)


def check_plain(endpoint: Endpoint, address: str) -> Finding:
    """What there is to say of a URL of http, whose host has this address."""
    if is_loopback(address):
        what = "not used by http; nothing leaves this machine"
        return Finding(Check.TLS, str(endpoint), Level.OK, what)
    return Finding(
        Check.TLS,
        str(endpoint),
        Level.WARNING,
        "http: whoever sees a signature on its way can use it for ten minutes, for any query of its kind",
        "Use https in api.base_url wherever the network in between is not wholly yours.",
    )


async def _plain(endpoint: Endpoint, address: str, limit: Limit) -> Finding:
    """Whether a server that is asked without TLS would have it."""
    trial = Limit(min(limit.seconds, TRIAL_SECONDS), limit.deadline)
    with contextlib.suppress(OSError):  # ssl.SSLError and TimeoutError are such
        await _handshake(endpoint, address, _trusting(None), trial)
        return Finding(
            Check.TLS,
            str(endpoint),
            Level.FAULT,
            "the server speaks TLS on this port, and api.base_url says http",
            "Write https in api.base_url.",
        )
    return check_plain(endpoint, address)


async def _secure(endpoint: Endpoint, address: str, context: ssl.SSLContext, limit: Limit) -> Finding:
    try:
        session = await _handshake(endpoint, address, context, limit)
    except ssl.SSLCertVerificationError as error:
        certificate = await _look_at(endpoint, address, limit)
        what = f"the certificate is not trusted: {error.verify_message.rstrip('.')}"
        what += f"; {certificate}" if certificate else ""
        return Finding(Check.TLS, str(endpoint), Level.FAULT, what, _advice_on(error.verify_code, endpoint))
    except TimeoutError:
        what = f"no TLS handshake within {limit.seconds:g} s"
        return Finding(Check.TLS, str(endpoint), Level.FAULT, what, ADVICE[Reason.TIMEOUT])
    except OSError as error:
        return await _no_handshake(endpoint, address, error, limit)
    if context.verify_mode is ssl.CERT_NONE:
        certificate = await _look_at(endpoint, address, limit)
        return Finding(
            Check.TLS,
            str(endpoint),
            Level.WARNING,
            f"{session.version}, and the certificate is not verified; {certificate or 'it cannot be read'}",
            "Remove api.tls.insecure_skip_verify, and name your own issuer in api.tls.ca_file: as it is, whoever can "
            "answer in the server's place gets signatures that are good for ten minutes.",
        )
    certificate = _certificate_of(session.peer or {})
    days = (certificate.until - datetime.now(UTC)).days
    what = f"{session.version}, the certificate is trusted for another {days} days; {certificate}"
    if days < MIN_DAYS:
        return Finding(Check.TLS, str(endpoint), Level.WARNING, what, "Have the server's certificate renewed.")
    return Finding(Check.TLS, str(endpoint), Level.OK, what)


def _advice_on(code: int, endpoint: Endpoint) -> str:
    if code == _EXPIRED:
        return "Have the server's certificate renewed. If it is not really over, this machine's clock is wrong."
    if code == _NOT_YET_VALID:
        return "See whether this machine's clock is right."
    if code in _OTHER_NAMES:
        return f"Put a name that the certificate is for into {endpoint.key}, or have one issued for the name there."
    return ADVICE[Reason.TLS]


async def _no_handshake(endpoint: Endpoint, address: str, error: OSError, limit: Limit) -> Finding:
    if await _speaks_plain_http(endpoint, address, limit):
        what = f"the server speaks plain HTTP on this port, and {endpoint.key} says https"
        advice = f"Name the port on which it speaks TLS in {endpoint.key}; write http only where the network is yours."
    else:
        reason = error.reason if isinstance(error, ssl.SSLError) else why(error)
        what = f"the TLS handshake failed: {reason or 'the server gave no reason'}"
        advice = (
            f"See whether {endpoint.key} names a port on which TLS is spoken, and whether a firewall breaks it off."
        )
    return Finding(Check.TLS, str(endpoint), Level.FAULT, what, advice)


async def _handshake(endpoint: Endpoint, address: str, context: ssl.SSLContext, limit: Limit) -> _Session:
    """Raises OSError, of which ssl.SSLError and TimeoutError are kinds. Nothing is sent over the connection."""
    async with limit.begin():
        _, writer = await asyncio.open_connection(address, endpoint.port, ssl=context, server_hostname=endpoint.host)
    try:
        connection: ssl.SSLObject = writer.get_extra_info("ssl_object")
        return _Session(
            connection.version() or "TLS", connection.getpeercert(), connection.getpeercert(binary_form=True) or b""
        )
    finally:
        writer.transport.abort()


async def _look_at(endpoint: Endpoint, address: str, limit: Limit) -> Certificate | None:
    """What a certificate says that is not trusted; None where it cannot be read.

    Python tells it of verified ones alone. So it is taken from a first connection, and trusted itself on a second one.
    """
    try:
        shown = await _handshake(endpoint, address, _trusting(None), limit)
        again = await _handshake(endpoint, address, _trusting(shown.der), limit)
        return _certificate_of(again.peer or {})
    except (OSError, ValueError, KeyError):
        return None


def _trusting(der: bytes | None) -> ssl.SSLContext:
    """Trusts one certificate, whatever its name and its time; without one, everybody. For looking only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if der is None:
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=der)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME
    return context


async def _speaks_plain_http(endpoint: Endpoint, address: str, limit: Limit) -> bool:
    """Whether a request without TLS, and without anything of the account's, is answered."""
    try:
        async with limit.begin():
            reader, writer = await asyncio.open_connection(address, endpoint.port)
            try:
                writer.write(f"HEAD / HTTP/1.1\r\nHost: {endpoint}\r\nConnection: close\r\n\r\n".encode())
                return await reader.readexactly(5) == b"HTTP/"
            finally:
                writer.transport.abort()
    except (OSError, asyncio.IncompleteReadError):
        return False


def _certificate_of(peer: Mapping[str, Any]) -> Certificate:
    """From the form in which `getpeercert` tells it."""
    issuer = {name: value for part in peer.get("issuer", ()) for name, value in part}
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(peer["notAfter"]), UTC)
    names = tuple(clean_name(name) for kind, name in peer.get("subjectAltName", ()) if kind in ("DNS", "IP Address"))
    told = issuer.get("commonName") or issuer.get("organizationName") or "an issuer without a name"
    return Certificate(clean_name(told), names, until)
