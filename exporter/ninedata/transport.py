"""The way to the network: httpx's transport interface on aiohttp's connections.

httpx's own connection pool costs time with the square of the requests that are under way; aiohttp's does not. The
transport is used without an `httpx.AsyncClient`: that would add cookies, redirects and proxies of the environment,
none of which an answer or a variable may bring about here.
"""

import base64
import errno
import ssl
from pathlib import Path

import aiohttp
import certifi
import httpx
from httpx_aiohttp import AiohttpTransport

from exporter.ninedata.failures import QueryError, Reason

KEEPALIVE_SECONDS = 90.0
"""How long an idle connection is kept: longer than the usual scrape interval of a minute."""


KEPT, FRESH = "kept", "fresh"
"""What a request's extension `connection` says: any connection will do, or only a new one."""


def open_transport(tls: ssl.SSLContext, proxy: httpx.Proxy | None) -> httpx.AsyncBaseTransport:
    """One pool of keep-alive connections, without a bound of its own; `aclose()` it in the end."""
    return _Transport(_pool(tls, proxy, keep=True), _pool(tls, proxy, keep=False))


class _Transport(httpx.AsyncBaseTransport):
    """A pool of connections, and new ones for requests that must not meet one which has been idle.

    What closes one idle connection without a word, a firewall or a balancer, has mostly closed all of them.
    """

    def __init__(self, pool: httpx.AsyncBaseTransport, fresh: httpx.AsyncBaseTransport) -> None:
        self._pool = pool
        self._fresh = fresh

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        transport = self._fresh if request.extensions.get("connection") == FRESH else self._pool
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        await self._pool.aclose()
        await self._fresh.aclose()


def _pool(tls: ssl.SSLContext, proxy: httpx.Proxy | None, *, keep: bool) -> httpx.AsyncBaseTransport:
    def session() -> aiohttp.ClientSession:
        keepalive = KEEPALIVE_SECONDS if keep else None
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=0, keepalive_timeout=keepalive, force_close=not keep),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            middlewares=(_send_once,),
        )

    return AiohttpTransport(verify=tls, proxy=proxy and _with_header(proxy), trust_env=False, client=session)


def _with_header(proxy: httpx.Proxy) -> httpx.Proxy:
    """The proxy with its password as a header: httpx-aiohttp hands it on in a deprecated form, for Latin-1 alone."""
    if proxy.raw_auth is None:
        return proxy
    credentials = base64.b64encode(b":".join(proxy.raw_auth)).decode()
    # aiohttp moves it to Proxy-Authorization, of the tunnel or of the request as it may be.
    return httpx.Proxy(proxy.url, headers={"Authorization": f"Basic {credentials}"})


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request exactly once: aiohttp by itself would send one whose connection was lost again, uncounted."""
    try:
        response = await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError("connection lost") from error
    # It is for people, may be in any encoding, and httpx-aiohttp fails on one that is not UTF-8.
    response.reason = None
    return response


def tls_context(ca_file: Path | None, *, verify: bool) -> ssl.SSLContext:
    """A context that trusts `ca_file` alone, or the system's issuers and the well-known public ones.

    Raises OSError (ssl.SSLError is one) where `ca_file` cannot be read or holds no certificate.
    """
    context = ssl.create_default_context(cafile=ca_file)
    if ca_file is None:
        context.load_verify_locations(certifi.where())
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


NETWORK_ERRORS = (
    httpx.TransportError,
    aiohttp.ClientError,
    aiohttp.http_exceptions.HttpProcessingError,
    OSError,
    UnicodeError,
)
"""What the transport raises for a fault of the network or of the other side."""


def query_error_of(error: Exception) -> QueryError:
    """The bounded failure that one of NETWORK_ERRORS means.

    The causes are looked at rather than httpx's classes: the transport reports a refused connection as a timeout
    and lets some of aiohttp's errors through as they are. No text of an error is passed on, for it may name what a
    configuration keeps secret.
    """
    causes = _causes(error)
    if any(isinstance(cause, OSError) and cause.errno in (errno.EMFILE, errno.ENFILE) for cause in causes):
        return QueryError(
            Reason.CONNECT,
            "this process may open no more files: raise its limit (LimitNOFILE) or lower api.concurrency",
        )
    for kind, reason, message, worth_retrying in _MEANINGS:
        for cause in causes:
            if isinstance(cause, kind):
                return QueryError(reason, message + _detail(cause), worth_retrying=worth_retrying)
    return QueryError(Reason.CONNECT, "the connection failed")


# What an error means: its class, the reason, the words, and whether sending again at once may help. The first row
# that fits any of an error's causes wins.
_MEANINGS: tuple[tuple[type[BaseException], Reason, str, bool], ...] = (
    (aiohttp.ClientSSLError, Reason.TLS, "no trusted TLS connection", False),
    (ssl.SSLError, Reason.TLS, "the TLS connection failed", False),
    (aiohttp.ClientHttpProxyError, Reason.CONNECT, "the proxy refused the connection", False),
    (aiohttp.ClientProxyConnectionError, Reason.CONNECT, "cannot connect to the proxy", False),
    (aiohttp.ClientConnectorDNSError, Reason.CONNECT, "the host name does not resolve", False),
    (aiohttp.ClientConnectorError, Reason.CONNECT, "cannot connect", False),
    (aiohttp.http_exceptions.LineTooLong, Reason.TOO_LARGE, "a header of the answer is too large", False),
    (aiohttp.ClientPayloadError, Reason.CONNECT, "the connection was lost in the middle of the answer", True),
    (aiohttp.http_exceptions.HttpProcessingError, Reason.INVALID_RESPONSE, "the answer is not HTTP", False),
    (aiohttp.ClientResponseError, Reason.INVALID_RESPONSE, "the answer is not HTTP", False),
    (TimeoutError, Reason.CONNECT, "the connection timed out", False),
    (aiohttp.ClientOSError, Reason.CONNECT, "the connection was lost before the answer", True),
    (aiohttp.ClientConnectionError, Reason.CONNECT, "the connection was lost before the answer", True),
    (ConnectionError, Reason.CONNECT, "the connection was lost", True),
    (UnicodeError, Reason.CONNECT, "the host name is not one that can be looked up", False),
    (OSError, Reason.CONNECT, "the connection failed", False),
)


def _causes(error: BaseException) -> list[BaseException]:
    """The error, what caused it, and so on."""
    causes: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in causes:
        causes.append(current)
        current = current.__cause__
    return causes


def _detail(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        error = error.certificate_error
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        error = error.os_error
    if isinstance(error, ssl.SSLCertVerificationError):
        return f": {error.verify_message}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f": HTTP {error.status}"
    if isinstance(error, ssl.SSLError):
        return f": {error.reason}" if error.reason else ""
    if isinstance(error, OSError) and error.strerror:
        return f": {error.strerror}"
    return ""
