"""The way to the network: httpx's transport interface on aiohttp's connections.

httpx's own connection pool costs time with the square of the requests that are under way; aiohttp's does not. Of httpx
only the types are used, without an `httpx.AsyncClient`: that would add cookies, redirects and proxies of the
environment, none of which an answer or a variable may bring about here.
"""

import base64
import errno
import ssl
from collections.abc import AsyncIterator

import aiohttp
import httpx

from exporter.ninedata.failures import QueryError, Reason

KEEPALIVE_SECONDS = 90.0
"""How long an idle connection is kept: longer than the usual scrape interval of a minute."""


KEPT, FRESH = "kept", "fresh"
"""What a request's extension `connection` says: any connection will do, or only a new one."""


def open_transport(tls: ssl.SSLContext, proxy: httpx.Proxy | None) -> httpx.AsyncBaseTransport:
    """One pool of keep-alive connections, without a bound of its own; `aclose()` it in the end."""
    return _Transport(tls, proxy)


class _Transport(httpx.AsyncBaseTransport):
    """Sends requests without a body, each once, and lets aiohttp's errors through as they are.

    Beside the pool of connections there are new ones for requests that must not meet one which has been idle: what
    closes one idle connection without a word, a firewall or a balancer, has mostly closed all of them.
    """

    def __init__(self, tls: ssl.SSLContext, proxy: httpx.Proxy | None) -> None:
        self._tls = tls
        self._proxy_url = str(proxy.url) if proxy else None
        self._proxy_headers = _proxy_headers(proxy) if proxy else None
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        session = self._session(fresh=request.extensions.get("connection") == FRESH)
        response = await session.request(
            request.method,
            str(request.url),
            headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
            allow_redirects=False,
            proxy=self._proxy_url,
            proxy_headers=self._proxy_headers,
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response))

    async def aclose(self) -> None:
        for session in self._sessions.values():
            await session.close()

    def _session(self, *, fresh: bool) -> aiohttp.ClientSession:
        # aiohttp's session belongs to the loop that runs when it is made.
        if fresh not in self._sessions:
            self._sessions[fresh] = self._new_session(fresh=fresh)
        return self._sessions[fresh]

    def _new_session(self, *, fresh: bool) -> aiohttp.ClientSession:
        keepalive = None if fresh else KEEPALIVE_SECONDS
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=0, keepalive_timeout=keepalive, force_close=fresh),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            middlewares=(_send_once,),
        )


class _Body(httpx.AsyncByteStream):
    """The body of an answer, in the pieces in which it arrives."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._response.content.readany():
            yield piece

    async def aclose(self) -> None:
        # A connection whose answer was read to its end is used again, any other is closed.
        self._response.release()


def _proxy_headers(proxy: httpx.Proxy) -> dict[str, str]:
    """User and password of the proxy, in UTF-8."""
    if proxy.raw_auth is None:
        return {}
    credentials = base64.b64encode(b":".join(proxy.raw_auth)).decode()
    # aiohttp moves it to Proxy-Authorization, of the tunnel or of the request as it may be.
    return {"Authorization": f"Basic {credentials}"}


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send a request exactly once: aiohttp by itself would send one whose connection was lost again, uncounted."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError("connection lost") from error


NETWORK_ERRORS = (
    httpx.TransportError,
    aiohttp.ClientError,
    aiohttp.http_exceptions.HttpProcessingError,
    OSError,
    UnicodeError,
)
"""What a transport raises for a fault of the network or of the other side."""


def query_error_of(error: Exception) -> QueryError:
    """The bounded failure that one of NETWORK_ERRORS means.

    Its causes count as well: aiohttp's own errors often say less than what they come from. No text of an error is
    passed on, for it may name what a configuration keeps secret.
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
