"""The client of the NineData OpenAPI: signs, sends, bounds, retries, and understands."""

import asyncio
import functools
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import httpx

from exporter.credentials import Secret, SecretSource
from exporter.ninedata.calls import Call, T, precheck_call
from exporter.ninedata.echo import without
from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.model import Precheck, TaskRef
from exporter.ninedata.payloads import read_envelope
from exporter.ninedata.responses import date_of, read_body, refuse_by_headers
from exporter.ninedata.signing import signature, timestamp_of
from exporter.ninedata.throttle import Throttle
from exporter.ninedata.transport import FRESH, KEPT, NETWORK_ERRORS, query_error_of

MAX_CLOCK_SKEW_SECONDS = 600.0
"""Further than this from the server's clock, a timestamp is rejected (documented)."""
RETRY_PAUSE_SECONDS = 0.2
MAX_URLS = 10_000
"""So many URLs are remembered; each takes about a kilobyte."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """How to reach the API. Times in seconds."""

    base_url: str
    user_agent: str
    request_timeout: float = 5.0
    concurrency: int = 32
    rate_limit: float = 0.0


class ApiObserver(Protocol):
    """Is told of every request; `kind` is the name of the call: the task's kind, or that of a list."""

    def request_sent(self, kind: str) -> None:
        """A request leaves."""
        ...

    def request_ended(self, kind: str, seconds: float, failure: Reason | None) -> None:
        """It was answered and understood (`failure` is None), or it failed."""
        ...

    def clock_skew(self, seconds: float) -> None:
        """An answer told the server's clock minus ours."""
        ...


class NineDataClient:
    """Asks the API, at most `concurrency` requests at once, over one pool of connections.

    `transport` stays the caller's to close. `wall_clock` gives the time for signatures and for the clock skew.
    """

    def __init__(  # noqa: PLR0913 - its collaborators, each named
        self,
        settings: ApiSettings,
        *,
        access_key_id: SecretSource,
        secret_key: SecretSource,
        transport: httpx.AsyncBaseTransport,
        observer: ApiObserver,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._access_key_id = access_key_id
        self._secret_key = secret_key
        self._transport = transport
        self._observer = observer
        self._wall_clock = wall_clock
        self._base_url = settings.base_url.rstrip("/")
        self._headers = (
            (b"host", httpx.URL(self._base_url).netloc),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"identity"),
            (b"user-agent", settings.user_agent.encode("ascii")),
        )
        self._no_body = httpx.ByteStream(b"")
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._throttle = Throttle(settings.rate_limit)

    def hold(self, seconds: float) -> None:
        """Send no more requests for that long, as after a 429."""
        self._throttle.hold(seconds)

    @property
    def held_seconds(self) -> float:
        """For how long no request is to be sent."""
        return self._throttle.held_seconds

    async def query(self, task: TaskRef, deadline: float) -> Precheck:
        """The precheck as the API has it now. See `fetch`."""
        return await self.fetch(precheck_call(task), deadline)

    async def fetch(self, call: Call[T], deadline: float) -> T:
        """The answer to a call.

        Returns or raises QueryError by `deadline`, a time of the running loop's clock. A request is sent again, once,
        on a new connection, where the connection was lost or a gateway answered 502, 503 or 504, and the deadline
        leaves the time.
        """
        try:
            return await self._request(call, deadline, KEPT)
        except QueryError as error:
            now = asyncio.get_running_loop().time()
            if not error.worth_retrying or now + RETRY_PAUSE_SECONDS >= deadline:
                raise
            first = error
        await asyncio.sleep(RETRY_PAUSE_SECONDS)
        try:
            return await self._request(call, deadline, FRESH)
        except QueryError as second:
            if second.sent:
                raise
            # Nothing left a second time: what the first request met is what is known.
            raise first from None

    async def _request(self, call: Call[T], deadline: float, connection: str) -> T:
        clock = asyncio.get_running_loop().time
        too_late = QueryError(
            Reason.DEADLINE, "the scrape's time was up before this task's turn; nothing was sent", sent=False
        )
        try:
            async with asyncio.timeout_at(deadline):
                await self._slots.acquire()
        except TimeoutError:
            raise too_late from None
        try:
            await self._throttle.pass_through(deadline)
            if clock() >= deadline:
                raise too_late
            return await self._observed(call, deadline, connection)
        finally:
            self._slots.release()

    async def _observed(self, call: Call[T], deadline: float, connection: str) -> T:
        """One request, in the observer's books whatever becomes of it."""
        clock = asyncio.get_running_loop().time
        began = clock()
        failure: Reason | None = Reason.INTERNAL
        self._observer.request_sent(call.name)
        try:
            found = await self._bounded(call, deadline, connection)
            failure = None
        except QueryError as error:
            failure = error.reason
            if error.hold_seconds:
                self._throttle.hold(error.hold_seconds)
            raise
        except asyncio.CancelledError:
            # The scraper went away or the process ends: the scrape's time is over, the API did nothing wrong.
            failure = Reason.DEADLINE
            raise
        finally:
            self._observer.request_ended(call.name, clock() - began, failure)
        return found

    async def _bounded(self, call: Call[T], deadline: float, connection: str) -> T:
        """One request within its timeout, with every error of the network as a QueryError."""
        own_limit = asyncio.get_running_loop().time() + self._settings.request_timeout
        limit = asyncio.timeout_at(min(own_limit, deadline))
        try:
            async with limit:
                return await self._exchange(call, deadline, connection)
        except NETWORK_ERRORS as error:  # a TimeoutError too, which the system also has for connections
            if not limit.expired():
                raise query_error_of(error) from None
            if own_limit < deadline:
                seconds = self._settings.request_timeout
                raise QueryError(Reason.TIMEOUT, f"no complete answer within {seconds:g} s") from None
            raise QueryError(Reason.DEADLINE, "no complete answer within the scrape's time") from None

    async def _exchange(self, call: Call[T], deadline: float, connection: str) -> T:
        moment = self._wall_clock()
        timestamp = timestamp_of(moment)
        access_key_id, secret_key = self._access_key_id.current(), self._secret_key.current()
        signed = signature(call.path, secret_key.reveal(), timestamp)
        request = httpx.Request(
            "GET",
            _url_of(self._base_url + call.path, tuple(call.parameters.items())),
            headers=[
                *self._headers,
                (b"access-key-id", access_key_id.reveal().encode("ascii")),
                (b"timestamp", timestamp.encode("ascii")),
                (b"signature", signed.encode("ascii")),
            ],
            # With a body, if an empty one, httpx adds no headers of its own.
            stream=self._no_body,
            extensions={"connection": connection},
        )
        # An answer that repeats what it was sent must not carry it into logs and pages.
        secrets = (access_key_id, secret_key, Secret(signed), Secret(signed.upper()))
        response = await self._transport.handle_async_request(request)
        try:
            skew = self._skew(response, moment)
            refuse_by_headers(response, self._wall_clock(), *secrets)
            body = await read_body(response, *secrets)
        finally:
            await response.aclose()
        if asyncio.get_running_loop().time() >= deadline:
            # Others that came at the same moment were read first, and no timeout was seen to meanwhile.
            raise QueryError(Reason.DEADLINE, "the answer could not be read within the scrape's time")
        body = without(body, *secrets)
        content_type = response.headers.get("content-type", "")
        try:
            return call.parse(read_envelope(response.status_code, content_type, body))
        except QueryError as error:
            if error.reason is Reason.AUTH and skew is not None and abs(skew) > MAX_CLOCK_SKEW_SECONDS:
                raise _skew_error(skew, error) from error
            raise

    def _skew(self, response: httpx.Response, sent: datetime) -> float | None:
        """Seconds by which the server's clock is ahead of ours, within half a second and the request's duration."""
        server = date_of(response.headers.get("date", ""))
        if server is None:
            return None
        ours = sent + (self._wall_clock() - sent) / 2
        # The header has whole seconds, cut off: half a second is what is missing on average.
        skew = (server - ours).total_seconds() + 0.5
        self._observer.clock_skew(skew)
        return skew


# What is asked is the same in every scrape, and httpx takes its time to see whether it is a URL.
@functools.lru_cache(maxsize=MAX_URLS)
def _url_of(address: str, parameters: tuple[tuple[str, str], ...]) -> httpx.URL:
    return httpx.URL(f"{address}?{urllib.parse.urlencode(parameters)}")


def _skew_error(skew: float, error: QueryError) -> QueryError:
    amount = f"{abs(skew) / 60:.0f} minutes" if abs(skew) < 2 * 3600 else f"{abs(skew) / 3600:.1f} hours"
    direction = "behind" if skew > 0 else "ahead of"
    return QueryError(
        Reason.AUTH,
        f"this machine's clock is {amount} {direction} the API's, which rejects timestamps more than 10 minutes off: "
        f"set the clock, for example with NTP ({error.message})",
        request_id=error.request_id,
    )
