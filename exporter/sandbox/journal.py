"""What the sandbox was asked: counts for tests and benchmarks, with names of headers but none of their values."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from exporter.sandbox.messages import Request

KEPT_REQUESTS = 1000


@dataclass(frozen=True, slots=True)
class Record:
    """One request, without anything secret."""

    method: str
    path: str
    query: Mapping[str, str]
    task_id: str | None
    header_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requests:
    """The journal at one moment; `latest` has the last thousand, oldest first."""

    total: int
    per_task: Mapping[str, int]
    in_flight: int
    max_in_flight: int
    connections: int
    latest: tuple[Record, ...]


class Journal:
    """Counts requests of the API; those of the sandbox's own control are not among them."""

    def __init__(self) -> None:
        self._in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Forget what is over; requests still in flight stay so."""
        self._total = 0
        self._max_in_flight = self._in_flight
        self._connections = 0
        self._per_task: Counter[str] = Counter()
        self._latest: deque[Record] = deque(maxlen=KEPT_REQUESTS)

    def connected(self) -> None:
        """Count a connection."""
        self._connections += 1

    @contextmanager
    def exchange(self, request: Request, task_id: str | None) -> Iterator[None]:
        """Count a request, as in flight until it is answered or given up."""
        self._total += 1
        if task_id is not None:
            self._per_task[task_id] += 1
        self._latest.append(Record(request.method, request.path, request.query, task_id, tuple(request.headers)))
        self._in_flight += 1
        self._max_in_flight = max(self._max_in_flight, self._in_flight)
        try:
            yield
        finally:
            self._in_flight -= 1

    def snapshot(self) -> Requests:
        """The counts now."""
        return Requests(
            self._total,
            dict(self._per_task),
            self._in_flight,
            self._max_in_flight,
            self._connections,
            tuple(self._latest),
        )
