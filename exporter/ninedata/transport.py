"""httpx's transport interface on aiohttp's connections.

httpx's own connection pool costs time with the square of the requests in flight; aiohttp's does not. Of httpx only the
types are used: an `httpx.AsyncClient` would add cookies, redirects, and proxies from the environment.
"""

import functools
import ssl
import zlib
from collections.abc import AsyncIterator, Callable

import aiohttp
import httpx
import yarl
from aiohttp import http_exceptions

from exporter.ninedata.failures import QueryError, Reason, words_of_system
from exporter.ninedata.tls import advice_on_tls

FRESH = {"connection": "fresh"}
"""The extensions of a request that must have a new connection."""


class Transport(httpx.AsyncBaseTransport):
    """A pool of connections, without a limit of its own. Raises aiohttp's errors as they are.

    Each request uses connections of the context that `tls` returns at that time; those in flight keep theirs. A retry
    gets a new connection: a firewall that silently closed one idle connection has mostly closed the others.
    """

    def __init__(self, tls: Callable[[], ssl.SSLContext], proxy: httpx.Proxy | None, server_name: str | None) -> None:
        self._tls = tls
        self._server_name = server_name
        self._proxy_url = str(proxy.url) if proxy else None
        auth = proxy and proxy.auth
        self._proxy_headers = {"Authorization": aiohttp.encode_basic_auth(*auth, encoding="utf-8")} if auth else None
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once."""
        fresh = bool(request.extensions.get("connection"))
        session = self._sessions.get(fresh) or self._open_session(fresh=fresh)
        response = await session.request(
            request.method,
            _parsed(str(request.url)),
            data=await request.aread() if request.method == "POST" else None,
            headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
            allow_redirects=False,
            ssl=self._tls(),
            server_hostname=self._server_name,
            proxy=self._proxy_url,
            proxy_headers=self._proxy_headers,  # its Authorization is sent as Proxy-Authorization
        )
        # A second name of gzip, which aiohttp does not know.
        gzipped = response.headers.get("Content-Encoding", "").lower() == "x-gzip"
        headers = httpx.Headers(response.raw_headers, encoding="latin-1")  # or httpx tries encodings at each look
        return httpx.Response(response.status, headers=headers, stream=(_Gunzipped if gzipped else _Body)(response))

    async def aclose(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()

    def _open_session(self, *, fresh: bool) -> aiohttp.ClientSession:
        # Opened at the first request, because aiohttp's session belongs to the event loop that is running.
        keepalive = None if fresh else 90.0  # longer than the usual scrape interval of a minute
        self._sessions[fresh] = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=keepalive, force_close=fresh),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            middlewares=(_send_once,),
            # Enough for the cookies and policies of gateways; the head of an answer takes at most 160 times 16 KiB.
            max_line_size=16 * 1024,
            max_field_size=16 * 1024,
            max_headers=160,
        )
        return self._sessions[fresh]


_parsed = functools.lru_cache(maxsize=40_000)(yarl.URL)  # the same in every scrape, and slow to parse


class _Body(httpx.AsyncByteStream):
    """The body of a response, decompressed, in the pieces in which it arrives."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._response.content.readany():
            yield piece

    async def aclose(self) -> None:
        # The connection is used again if the response was read to its end, and closed otherwise.
        self._response.release()


class _Gunzipped(_Body):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        decompressor = zlib.decompressobj(wbits=31)
        async for piece in super().__aiter__():
            compressed = piece
            while compressed:
                yield decompressor.decompress(compressed, 64 * 1024)
                compressed = decompressor.unconsumed_tail


async def _send_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a request again by itself, past the rate limit and the metrics."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError("connection lost") from error


NETWORK_ERRORS = (
    httpx.TransportError,
    aiohttp.ClientError,
    http_exceptions.HttpProcessingError,
    zlib.error,
    OSError,
    UnicodeError,
)
"""What a transport raises for a fault of the network or of the server; httpx's errors if it is not the one above."""

# The class of an error, the reason, the words, and whether the same request may succeed at once. The first row that
# fits the error or one of its causes counts.
_MEANINGS: tuple[tuple[type[BaseException], Reason, str, bool], ...] = (
    (ssl.SSLError, Reason.TLS, "the TLS connection failed", False),
    (aiohttp.ClientHttpProxyError, Reason.CONNECT, "the proxy refused the connection", False),
    (aiohttp.ClientProxyConnectionError, Reason.CONNECT, "cannot connect to the proxy {place}", False),
    (aiohttp.ClientConnectorDNSError, Reason.CONNECT, "the host name {host} does not resolve", False),
    (aiohttp.ClientConnectorError, Reason.CONNECT, "cannot connect to {place}", False),
    (http_exceptions.ContentEncodingError, Reason.INVALID_RESPONSE, "cannot decompress the answer", False),
    (zlib.error, Reason.INVALID_RESPONSE, "cannot decompress the answer", False),
    (aiohttp.ClientPayloadError, Reason.CONNECT, "the connection was lost in the middle of the answer", True),
    (http_exceptions.LineTooLong, Reason.INVALID_RESPONSE, "a header of the answer is longer than 16 KiB", False),
    (http_exceptions.BadStatusLine, Reason.INVALID_RESPONSE, "the answer is not HTTP", False),
    (http_exceptions.BadHttpMessage, Reason.INVALID_RESPONSE, "the answer breaks the rules of HTTP", False),
    (http_exceptions.HttpProcessingError, Reason.INVALID_RESPONSE, "the answer is not HTTP", False),
    (TimeoutError, Reason.CONNECT, "the connection timed out", False),
    (aiohttp.ClientConnectionError, Reason.CONNECT, "the connection was lost before the answer", True),
    (UnicodeError, Reason.CONNECT, "the host name is not a valid one", False),
    (Exception, Reason.CONNECT, "the connection failed", False),
)


def query_error_of(error: Exception) -> QueryError:
    """The QueryError for one of NETWORK_ERRORS, whose own text may name a secret and is not used."""
    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__) and cause not in causes:
        causes.append(cause)
    _, reason, message, worth_retrying = next(
        meaning for meaning in _MEANINGS if any(isinstance(cause, meaning[0]) for cause in causes)
    )
    for cause in causes:
        if isinstance(cause, aiohttp.ClientConnectorError):
            host = f"[{cause.host}]" if ":" in cause.host else cause.host
            message = message.format(host=host, place=f"{host}:{cause.port}")
    detail = next(filter(None, map(_detail, reversed(causes))), "")
    advice = next((advice_on_tls(cause) for cause in reversed(causes) if isinstance(cause, ssl.SSLError)), "")
    message = f"{message}: {detail}" if detail else message
    return QueryError(reason, message, advice=advice, worth_retrying=worth_retrying)


def _detail(error: BaseException) -> str:
    """What the system or the proxy says; the cause of aiohttp's own errors says more than they do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"HTTP {error.status}"
    if isinstance(error, ssl.SSLError):
        return error.strerror or ""
    if type(error) is http_exceptions.BadHttpMessage:
        words = error.message.partition(":")[0]  # beyond the colon it repeats what the server sent
        return words.replace("Too many headers received", "more than 160 headers")
    return words_of_system(error) if isinstance(error, OSError) else ""
