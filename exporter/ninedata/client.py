"""The client of the NineData OpenAPI: signs, sends, bounds, retries and understands."""

import asyncio
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Generic, Protocol, TypeVar

import httpx

from exporter.credentials import SecretSource
from exporter.ninedata.answers import blame_clock, clock_skew, read_envelope, read_precheck
from exporter.ninedata.failures import QueryError, Reason
from exporter.ninedata.kinds import KINDS, LISTS, Parameters
from exporter.ninedata.precheck import Precheck, TaskRef
from exporter.ninedata.rate_limit import RateLimit
from exporter.ninedata.signing import signature, timestamp_of
from exporter.ninedata.task_answers import read_execution, read_state
from exporter.ninedata.task_lists import ListedTask, Page, page_parameters, read_list, read_page
from exporter.ninedata.task_state import TaskState
from exporter.ninedata.transport import FRESH, NETWORK_ERRORS, query_error_of

T = TypeVar("T")

MAX_ANSWER_BYTES = 1024 * 1024
"""The largest answer that is read, after decompression: more than any precheck needs."""


class ApiObserver(Protocol):
    """Called for every request; `kind` is one of REQUEST_PATHS."""

    def request_sent(self, kind: str) -> None:
        """A request leaves."""

    def request_ended(self, kind: str, seconds: float, failure: Reason | None) -> None:
        """The request was answered and understood (`failure` is None), or failed."""

    def clock_skew(self, seconds: float) -> None:
        """The server's clock minus ours, as an answer shows it."""


@dataclass(slots=True)
class QueryProgress:
    """What a query is doing, for a caller that cancels it at a deadline."""

    sent: bool = False
    """A request has left."""
    waiting_for_rate_limit: bool = False
    first_error: QueryError | None = None
    """Of the attempt before a retry."""
    state: TaskState | None = None
    """The answer about a task itself, which counts even if the query of its latest execution fails."""

    def error_at_deadline(self) -> QueryError:
        """Why the query has no answer at the deadline."""
        if self.first_error is not None:
            return self.first_error
        if self.waiting_for_rate_limit:
            return QueryError(Reason.RATE_LIMITED, "api.rate_limit left no time to query this task", sent=False)
        if self.sent:
            return QueryError(Reason.DEADLINE, "no complete answer before the scrape's deadline")
        return QueryError(Reason.DEADLINE, "the scrape ran out of time before querying this task", sent=False)


@dataclass(slots=True)
class ApiRequest(Generic[T]):
    """A GET request, or a POST if it has a body, and how its answer's envelope is understood."""

    kind: str
    path: str
    parameters: Parameters
    read: Callable[[Mapping[str, object]], T]
    body: bytes = b""
    fresh: bool = False
    """Whether it must have a new connection."""


class NineDataClient:
    """Queries the API, at most `concurrency` requests at once.

    A query has no deadline: the caller cancels it. `transport` stays the caller's to close. `wall_clock` gives the time
    for signatures and for the clock skew. Times are in seconds, rates per second.
    """

    def __init__(  # noqa: PLR0913 - its collaborators and settings, each named
        self,
        *,
        base_url: str,
        user_agent: str,
        access_key_id: SecretSource,
        secret_key: SecretSource,
        transport: httpx.AsyncBaseTransport,
        observer: ApiObserver,
        request_timeout: float,
        concurrency: int,
        rate_limit: float,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.rate_limit = RateLimit(rate_limit)
        self._access_key_id = access_key_id
        self._secret_key = secret_key
        self._transport = transport
        self._observer = observer
        self._request_timeout = request_timeout
        self._concurrency = concurrency
        self._wall_clock = wall_clock
        self._base_url = base_url
        self._headers = {
            "host": httpx.URL(self._base_url).netloc.decode("ascii"),
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": user_agent,
        }
        self._signed_headers = lru_cache(maxsize=32)(self._sign_headers)  # of a path, for a second
        self._slots = asyncio.Semaphore(concurrency)

    async def query_precheck(self, task: TaskRef, progress: QueryProgress | None = None) -> Precheck:
        """The task's precheck as the API has it now. Raises QueryError."""
        kind = KINDS[task.kind]
        read = partial(read_precheck, kind=kind, task=task)
        request = ApiRequest(kind.name, kind.path, kind.parameters(task), read)
        return await self._get(request, progress or QueryProgress())

    async def query_state(self, task: TaskRef, progress: QueryProgress) -> TaskState:
        """The task itself as the API has it now, with a comparison's latest execution. Raises QueryError.

        If only the query of the execution fails, `progress.state` has the rest.
        """
        kind = KINDS[task.kind]
        name, parameters = kind.state_request, kind.state_parameters(task)
        request = ApiRequest(name, kind.state_path, parameters, partial(read_state, kind=kind, task=task))
        state = progress.state = await self._get(request, progress)
        if not state.execution_id:
            return state
        parameters = kind.execution_parameters(task, state.execution_id)
        read = partial(read_execution, kind=kind, task=task)
        execution = await self._get(ApiRequest(name, kind.execution_path, parameters, read), progress)
        return state._replace(execution=execution, error=state.error or execution.error)

    async def list_tasks(
        self, kind: str, found: dict[str, ListedTask], status: str | None, progress: QueryProgress
    ) -> Mapping[str, ListedTask]:
        """Put all tasks of a kind that the key can see into `found`, by id; only those in `status` if it is not None.

        Returns `found`. If it raises QueryError, `found` has the tasks of the pages that came. Uses at most a quarter
        of the concurrency, so that a list that hangs leaves the tasks the rest.
        """
        listed, name = LISTS[kind], KINDS[kind].list_request
        read = partial(read_page, listed=listed)

        async def get_page(number: int) -> Page:
            parameters = page_parameters(listed, number, status)
            return await self._get(ApiRequest(name, listed.path, parameters, read), progress)

        await read_list(get_page, found, at_once=max(1, self._concurrency // 4))
        return found

    async def _get(self, request: ApiRequest[T], progress: QueryProgress) -> T:
        """The answer to a request, which is sent again once, on a new connection, if that may help."""
        try:
            return await self.send(request, progress)
        except QueryError as error:
            if not error.worth_retrying:
                raise
            progress.first_error = first = error
        await asyncio.sleep(0.2)
        try:
            value = await self.send(replace(request, fresh=True), progress)
        except QueryError as second:
            # If the second request could not be sent, the first one's failure says more.
            raise (second if second.sent else first) from None
        progress.first_error = None  # all requests of a query share its progress
        return value

    async def send(self, request: ApiRequest[T], progress: QueryProgress) -> T:
        """Send a request once, in its turn, and understand its answer. Raises QueryError."""
        async with self._slots:
            progress.waiting_for_rate_limit = True
            await self.rate_limit.turn()
            progress.waiting_for_rate_limit, progress.sent = False, True
            clock = asyncio.get_running_loop().time
            began = clock()
            failure: Reason | None = Reason.INTERNAL
            self._observer.request_sent(request.kind)
            try:
                value = await self._exchange(request)
            except QueryError as error:
                failure = error.reason
                if error.hold_seconds:
                    self.rate_limit.hold(error.hold_seconds)
                raise
            except asyncio.CancelledError:
                failure = Reason.DEADLINE  # or the scraper went away: the scrape has no more time either way
                raise
            else:
                failure = None
                return value
            finally:
                self._observer.request_ended(request.kind, clock() - began, failure)

    async def _exchange(self, request: ApiRequest[T]) -> T:
        """Send the signed request, read the answer within the timeout, understand it."""
        sent_at = self._wall_clock()
        signed, secrets = self._signed_request(request, sent_at)
        timeout = asyncio.timeout(self._request_timeout)
        try:
            async with timeout:
                response = await self._transport.handle_async_request(signed)
                assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - for the type checker
                try:
                    body = await _read_body(response.stream)
                finally:
                    await response.stream.aclose()
        except NETWORK_ERRORS as error:  # a TimeoutError too, which the system also raises for connections
            if timeout.expired():
                message = f"no complete answer within {self._request_timeout:g} s"
                raise QueryError(Reason.TIMEOUT, message) from None
            raise query_error_of(error) from None
        received_at = self._wall_clock()
        skew = clock_skew(response.headers, sent_at, received_at)
        if skew is not None:
            self._observer.clock_skew(skew)
        try:
            return request.read(read_envelope(response.status_code, response.headers, body, received_at, secrets))
        except QueryError as error:
            raise blame_clock(error, skew) from None

    def _signed_request(self, request: ApiRequest[T], sent_at: datetime) -> tuple[httpx.Request, tuple[str, ...]]:
        """The request, and the secrets in it that an answer must not repeat into logs and pages."""
        access_key_id, secret_key = self._access_key_id.current().reveal(), self._secret_key.current().reveal()
        headers, secrets = self._signed_headers(request.path, int(sent_at.timestamp()), access_key_id, secret_key)
        signed = httpx.Request(
            "POST" if request.body else "GET",
            _url_of(self._base_url + request.path, request.parameters),
            headers=headers,
            stream=httpx.ByteStream(request.body),  # with it httpx adds no headers of its own
            extensions=FRESH if request.fresh else None,
        )
        if request.body:
            signed.headers["content-type"] = "application/json"
        return signed, secrets

    def _sign_headers(
        self, path: str, second: int, access_key_id: str, secret_key: str
    ) -> tuple[httpx.Headers, tuple[str, ...]]:
        timestamp = timestamp_of(datetime.fromtimestamp(second, UTC))
        key = signature(path, secret_key, timestamp)
        own = {"access-key-id": access_key_id, "timestamp": timestamp, "signature": key}
        return httpx.Headers(self._headers | own, encoding="ascii"), (access_key_id, secret_key, key)


@lru_cache(maxsize=40_000)  # the same in every scrape, and slow to parse
def _url_of(address: str, parameters: Parameters) -> httpx.URL:
    return httpx.URL(f"{address}?{urllib.parse.urlencode(parameters)}" if parameters else address)


async def _read_body(stream: httpx.AsyncByteStream) -> bytes:
    body = b""
    async for piece in stream:
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            message = f"the answer is larger than {MAX_ANSWER_BYTES // 1024} KiB; the rest was not read"
            raise QueryError(Reason.TOO_LARGE, message)
    return body
