"""What a configuration says, once it is known to be right. Times in seconds."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.credentials import Secret, SecretSource
from exporter.ninedata import TaskRef


@dataclass(frozen=True, slots=True)
class Task:
    """A watched task."""

    ref: TaskRef
    name: str
    """The value of the label `task`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels on every series of the task."""

    @property
    def task_id(self) -> str:
        """The id, unique among the watched tasks."""
        return self.ref.task_id


@dataclass(frozen=True, slots=True)
class Api:
    """How to reach the NineData API, and as whom."""

    base_url: str
    access_key_id: SecretSource
    secret_key: SecretSource
    tls: ssl.SSLContext
    proxy_url: Secret | None = None
    """May hold a user name and a password."""
    request_timeout: float = 5.0
    concurrency: int = 32
    rate_limit: float = 0.0


@dataclass(frozen=True, slots=True)
class ReplicationDiscovery:
    """Which of the replication tasks that the key can see are watched, and with which labels."""

    statuses: frozenset[str] = frozenset()
    """The API's words for a task's status; empty for all."""
    names: tuple[str, ...] = ()
    """Patterns as a shell's (`orders-*`), of which a name must match one; empty for all."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration."""

    api: Api
    tasks: tuple[Task, ...]
    task_files: tuple[str, ...] = ()
    """Patterns of files with further tasks, as absolute paths or from the folder of the process."""
    discovery: ReplicationDiscovery | None = None
    probe_unlisted: bool = False
    """Whether /probe takes ids of tasks that are not watched."""
    scrape_timeout: float = 10.0
    """Used where a scraper sends no X-Prometheus-Scrape-Timeout-Seconds."""
    failure_reasons: bool = True
    """False: no text of a failure in the metrics."""
