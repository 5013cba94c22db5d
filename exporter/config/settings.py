"""The configuration as immutable values. Times are in seconds."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.credentials import Secret, SecretFile, SecretSource
from exporter.ninedata import KINDS, TaskRef
from exporter.ninedata.tls import TlsFiles


@dataclass(frozen=True, slots=True)
class Task:
    """A watched task."""

    ref: TaskRef
    name: str
    """The value of the label `task`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Configured labels of every series of the task."""

    @property
    def task_id(self) -> str:
        """The id, unique among the watched tasks."""
        return self.ref.task_id

    @property
    def has_precheck(self) -> bool:
        """Whether a precheck is watched, and not only the task itself."""
        return bool(self.ref.precheck_task_id) or not KINDS[self.ref.kind].has_precheck_id


@dataclass(frozen=True, slots=True)
class Tls:
    """How connections to the API are secured."""

    source: ssl.SSLContext | TlsFiles
    server_name: str | None = None
    """The name that the server's certificate must have, if it is not the host of the URL."""

    def context(self) -> ssl.SSLContext:
        """The context to use now. Never blocks."""
        return self.source.current() if isinstance(self.source, TlsFiles) else self.source


@dataclass(frozen=True, slots=True)
class Api:
    """How to reach the NineData API, and with which credentials."""

    base_url: str
    """Without a slash at its end."""
    access_key_id: SecretSource
    secret_key: SecretSource
    tls: Tls
    proxy_url: Secret | None = None
    """May have a user name and a password."""
    request_timeout: float = 5.0
    concurrency: int = 32
    rate_limit: float = 0.0


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """Which tasks of a kind are discovered, and with which labels."""

    kind: str
    statuses: frozenset[str] = frozenset()
    """Task statuses in the API's words; empty for all."""
    names: tuple[str, ...] = ()
    """Shell patterns: the task's name must match one (`orders-*`, if there are any) and none that begins with `!`."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration."""

    api: Api
    tasks: tuple[Task, ...]
    task_files: tuple[str, ...] = ()
    """Shell patterns of task files."""
    discovery: tuple[DiscoverySettings, ...] = ()
    probe_unlisted: bool = False
    """Whether /probe takes ids of tasks that are not watched."""
    scrape_timeout: float = 10.0
    """Used if the scraper sends no X-Prometheus-Scrape-Timeout-Seconds."""
    reason_bytes: int = 1000
    """The most bytes of a failure text in metrics; 0: none go there."""
    task_status: bool = False
    """Whether the tasks themselves are queried as well as their prechecks."""

    @property
    def watched_files(self) -> tuple[SecretFile | TlsFiles, ...]:
        """Secrets and certificates, to be used without a reload when they change."""
        sources = (self.api.access_key_id, self.api.secret_key, self.api.tls.source)
        return tuple(source for source in sources if isinstance(source, SecretFile | TlsFiles))

    def queries_itself(self, task: Task, *, listed: bool) -> bool:
        """Whether the task itself is queried; `listed`: a list shows its status."""
        return self.task_status or not (task.ref.precheck_task_id or listed)

    def most_requests(self, task: Task, *, listed: bool = False) -> int:
        """The most requests that a scrape sends for a task, without retries."""
        of_state = KINDS[task.ref.kind].most_state_requests if self.queries_itself(task, listed=listed) else 0
        return task.has_precheck + of_state
