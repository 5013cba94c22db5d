"""Fixtures: a sandbox that serves in a thread, and clients that sign what they ask."""

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest

from exporter.sandbox import ACCESS_KEY_ID, SECRET_KEY, Handle, Sandbox, Task, fleet, run_in_thread
from exporter.sandbox.access import Access, signature
from exporter.sandbox.api import Api
from exporter.sandbox.clock import Clock
from exporter.sandbox.messages import Request
from tests.sandbox.paths import DATA_COMPARE_STATUS

Sign = Callable[..., dict[str, str]]


class Now:
    """A clock's source that tests set."""

    def __init__(self) -> None:
        self.seconds = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def clock(now: Now) -> Clock:
    return Clock(now)


@pytest.fixture
def sign() -> Sign:
    """The three headers for a path; `at` is a time in seconds, by default the true one."""

    def signed(path: str = DATA_COMPARE_STATUS, at: float | None = None) -> dict[str, str]:
        moment = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
        timestamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "access-key-id": ACCESS_KEY_ID,
            "timestamp": timestamp,
            "signature": signature(path, SECRET_KEY, timestamp),
        }

    return signed


@pytest.fixture
def request_at(now: Now, sign: Sign) -> Callable[..., Request]:
    """A well signed request as data, at the clock's time."""

    def made(path: str = DATA_COMPARE_STATUS, method: str = "GET", body: bytes = b"", **query: str) -> Request:
        headers = {**sign(path, now.seconds), "content-type": "application/json"}
        return Request(method, path, query, headers, body)

    return made


@pytest.fixture
def api_of(clock: Clock) -> Callable[..., Api]:
    def made(*tasks: Task) -> Api:
        return Api(tasks, Access(ACCESS_KEY_ID, SECRET_KEY), clock)

    return made


@pytest.fixture
def tasks() -> tuple[Task, ...]:
    return fleet(3, items=2)


@pytest.fixture
def sandbox(tasks: tuple[Task, ...]) -> Iterator[Handle]:
    with run_in_thread(Sandbox(tasks)) as handle:
        yield handle


@pytest.fixture
def client(sandbox: Handle) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.base_url, timeout=5, trust_env=False) as opened:
        yield opened


@pytest.fixture
def get(client: httpx.Client, sign: Sign) -> Callable[..., httpx.Response]:
    """A signed GET of a path; names of parameters are given as the API has them."""

    def got(path: str, **query: str | int) -> httpx.Response:
        return client.get(path, params=query, headers=sign(path))

    return got


@pytest.fixture
def ask(client: httpx.Client, sign: Sign) -> Callable[[Task], httpx.Response]:
    """Queries a task's precheck."""

    def asked(task: Task) -> httpx.Response:
        query = {"taskId": task.task_id, "precheckTaskId": task.precheck_task_id}
        return client.get(DATA_COMPARE_STATUS, params=query, headers=sign())

    return asked


class Wire:
    """A bare connection: what is sent and what comes back are bytes."""

    def __init__(self, connected: socket.socket, sign: Sign) -> None:
        self._connected = connected
        self._sign = sign

    def send(self, data: bytes) -> None:
        self._connected.sendall(data)

    def query(self, task: Task) -> None:
        headers = {"Host": "localhost", **self._sign()}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        query = f"taskId={task.task_id}&precheckTaskId={task.precheck_task_id}"
        self.send(f"GET {DATA_COMPARE_STATUS}?{query} HTTP/1.1\r\n{head}\r\n".encode())

    def some(self) -> bytes:
        """What comes next; nothing at the connection's end."""
        return self._connected.recv(65536)

    def all(self) -> bytes:
        """All that comes until the connection ends."""
        return b"".join(iter(self.some, b""))

    def silent_for(self, seconds: float) -> bool:
        """Whether neither bytes nor the connection's end come in that time."""
        return not select.select([self._connected], [], [], seconds)[0]


@pytest.fixture
def wire(sandbox: Handle, sign: Sign) -> Callable[[], AbstractContextManager[Wire]]:
    @contextmanager
    def connected() -> Iterator[Wire]:
        place = urlsplit(sandbox.base_url)
        with closing(socket.create_connection((place.hostname, place.port), timeout=5)) as made:
            yield Wire(made, sign)

    return connected
