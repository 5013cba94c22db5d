"""The metrics of the process: what it asked of the API, how it is configured, what it is."""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, Metric, ProcessCollector
from prometheus_client.samples import Sample

from exporter import __version__
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.ninedata import KINDS, REQUEST_KINDS, Reason


@dataclass(frozen=True, slots=True)
class WatchedFile:
    """A task file."""

    path: str
    tasks: int
    successful: bool
    """Whether its present content is in use, all of it."""
    loaded_at: float | None
    """When its content was last good and new, in seconds since the epoch; None where it never was."""


class WebConfigState(Protocol):
    """Whether the web configuration in force is the one that there is."""

    @property
    def last_reload_successful(self) -> bool:
        """False while the last good one is in force for want of a better."""
        ...


class ProcessMetrics:
    """Counts for the life of the process. Is the client's observer, and a collector of prometheus-client."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._skew: float | None = None
        self._watched: Mapping[str, int] = {}
        self._files: Sequence[WatchedFile] = ()
        self._shard: tuple[int, int] | None = None
        self._reload_successful = False
        self._reloaded_at = 0.0
        self._web_config: WebConfigState | None = None
        self._registry = CollectorRegistry()
        self._requests = _counter(families.API_REQUESTS, self._registry)
        self._failures = _counter(families.API_REQUEST_FAILURES, self._registry)
        self._durations = Histogram(
            families.API_REQUEST_DURATION.name,
            families.API_REQUEST_DURATION.help,
            families.API_REQUEST_DURATION.labels,
            registry=self._registry,
            buckets=families.API_REQUEST_DURATION.buckets,
        )
        for kind in REQUEST_KINDS:
            self._requests.labels(kind)
            self._durations.labels(kind)
            for reason in Reason:
                self._failures.labels(kind, reason.value)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def request_sent(self, kind: str) -> None:
        """A request leaves."""
        self._requests.labels(kind).inc()

    def request_ended(self, kind: str, seconds: float, failure: Reason | None) -> None:
        """A request was answered and understood, or failed."""
        self._durations.labels(kind).observe(seconds)
        if failure is not None:
            self._failures.labels(kind, failure.value).inc()

    def clock_skew(self, seconds: float) -> None:
        """The server's clock minus ours, as the latest answer has it."""
        self._skew = seconds

    def watching(self, tasks: Mapping[str, int], files: Sequence[WatchedFile]) -> None:
        """What is watched now: the number of tasks per kind, and the task files."""
        self._watched, self._files = tasks, files

    def sharded(self, shard: int, shards: int) -> None:
        """The exporter watches one of several shares of the tasks."""
        self._shard = shard, shards

    def config_loaded(self) -> None:
        """A configuration took effect."""
        self._reload_successful = True
        self._reloaded_at = self._clock()

    def config_rejected(self) -> None:
        """A configuration was tried and had faults; the old one stays."""
        self._reload_successful = False

    def watch_web_config(self, state: WebConfigState) -> None:
        """There is a web configuration, which has a metric from now on."""
        self._web_config = state

    def collect(self) -> Iterator[Metric]:
        """All metrics, as they are now."""
        for metric in self._registry.collect():
            # When a counter began tells nothing here, and each would be one more series.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        if self._skew is not None:
            yield _gauge(families.API_CLOCK_SKEW, {(): self._skew})
        yield _gauge(families.WATCHED_TASKS, {(kind,): self._watched.get(kind, 0) for kind in KINDS})
        if self._files:
            yield from self._file_metrics()
        if self._shard is not None:
            shard, shards = self._shard
            yield _gauge(families.SHARD_INFO, {(str(shard), str(shards)): 1.0})
        yield _gauge(families.RELOAD_SUCCESSFUL, {(): float(self._reload_successful)})
        yield _gauge(families.RELOAD_TIMESTAMP, {(): self._reloaded_at})
        if self._web_config is not None:
            yield _gauge(families.WEB_CONFIG_RELOAD_SUCCESSFUL, {(): float(self._web_config.last_reload_successful)})
        yield _gauge(families.BUILD_INFO, {(__version__, platform.python_version()): 1.0})

    def _file_metrics(self) -> Iterator[Metric]:
        files = self._files
        yield _gauge(families.TASK_FILE_SUCCESSFUL, {(file.path,): float(file.successful) for file in files})
        loaded: dict[tuple[str, ...], float] = {(f.path,): f.loaded_at for f in files if f.loaded_at is not None}
        if loaded:
            yield _gauge(families.TASK_FILE_TIMESTAMP, loaded)
        yield _gauge(families.TASK_FILE_TASKS, {(file.path,): float(file.tasks) for file in files})


def _counter(family: Family, registry: CollectorRegistry) -> Counter:
    return Counter(family.name, family.help, family.labels, registry=registry)


def _gauge(family: Family, values: Mapping[tuple[str, ...], float]) -> Metric:
    metric = Metric(family.name, family.help, family.type)
    for labels, value in values.items():
        metric.samples.append(Sample(family.name, dict(zip(family.labels, labels, strict=True)), value))
    return metric
