"""The configuration as immutable values. Times are in seconds."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.credentials import Secret, SecretFile, SecretSource
from exporter.ninedata import TaskRef


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


@dataclass(frozen=True, slots=True)
class Api:
    """How to reach the NineData API, and with which credentials."""

    base_url: str
    access_key_id: SecretSource
    secret_key: SecretSource
    tls: ssl.SSLContext
    proxy_url: Secret | None = None
    """May have a user name and a password."""
    request_timeout: float = 5.0
    concurrency: int = 32
    rate_limit: float = 0.0


@dataclass(frozen=True, slots=True)
class ReplicationDiscovery:
    """Which replication tasks are discovered, and with which labels."""

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
    discovery: ReplicationDiscovery | None = None
    probe_unlisted: bool = False
    """Whether /probe takes ids of tasks that are not watched."""
    scrape_timeout: float = 10.0
    """Used if the scraper sends no X-Prometheus-Scrape-Timeout-Seconds."""
    reason_bytes: int = 1000
    """The most bytes of a failure text in metrics; 0: none go there."""
    secret_files: tuple[SecretFile, ...] = ()
    """To be watched, so that a new secret is used without a reload."""
