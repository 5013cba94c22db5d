"""The exporter's own metrics: its requests to the API, what it watches, how it is configured, what it is."""

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, Metric, ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from exporter import __version__
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.ninedata import REQUEST_PATHS, Reason
from exporter.scraping.shard import Shard
from exporter.scraping.watch_list import WatchList


class OwnMetrics:
    """The counters of the process, which no reload resets. The client's observer."""

    def __init__(
        self, shard: Shard | None = None, clock: Callable[[], float] = time.time, external_url: str | None = None
    ) -> None:
        self.shard = shard or Shard()
        self._external_url = external_url
        self._clock = clock
        self._skew: float | None = None
        self._reload_successful = False
        self._reloaded_at = 0.0
        self.web_config_successful: Callable[[], bool] | None = None
        """Whether the web configuration in force is what its files say; None without one."""
        self._registry = CollectorRegistry()
        sent, failed, duration = families.API_REQUESTS, families.API_REQUEST_FAILURES, families.API_REQUEST_DURATION
        requests = Counter(sent.name, sent.help, sent.labels, registry=self._registry)
        failures = Counter(failed.name, failed.help, failed.labels, registry=self._registry)
        durations = Histogram(
            duration.name, duration.help, duration.labels, registry=self._registry, buckets=duration.buckets
        )
        self._requests = {kind: requests.labels(kind) for kind in REQUEST_PATHS}
        self._failures = {(kind, reason): failures.labels(kind, reason) for kind in REQUEST_PATHS for reason in Reason}
        self._durations = {kind: durations.labels(kind) for kind in REQUEST_PATHS}
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def request_sent(self, kind: str) -> None:
        """A request was sent."""
        self._requests[kind].inc()

    def request_ended(self, kind: str, seconds: float, failure: Reason | None) -> None:
        """A request was answered and understood, or failed."""
        self._durations[kind].observe(seconds)
        if failure is not None:
            self._failures[kind, failure].inc()

    def clock_skew(self, seconds: float) -> None:
        """An answer told the server's clock minus ours."""
        self._skew = seconds

    def reload_ended(self, *, successful: bool) -> None:
        """A configuration was loaded, or had faults."""
        self._reload_successful = successful
        if successful:
            self._reloaded_at = self._clock()

    def collector(self, watch_list: WatchList, *, files_good: bool = True) -> Collector:
        """All metrics; those of the configuration as they are now, even if a reload follows."""
        return _OwnCollector(self._registry, tuple(self._gauges(watch_list, files_good=files_good)))

    def _gauges(self, watch_list: WatchList, *, files_good: bool) -> Iterator[Metric]:
        if self._skew is not None:
            yield _gauge(families.API_CLOCK_SKEW, {(): self._skew})
        if counts := watch_list.counts():
            yield _gauge(families.WATCHED_TASKS, {(kind,): count for kind, count in counts.items()})
        if watch_list.files:
            yield from _file_gauges(watch_list)
        if self.shard.count > 1:
            yield _gauge(families.SHARD_INFO, {(str(self.shard.index), str(self.shard.count)): 1})
        yield _gauge(families.RELOAD_SUCCESSFUL, {(): self._reload_successful and files_good})
        yield _gauge(families.RELOAD_TIMESTAMP, {(): self._reloaded_at})
        if self.web_config_successful is not None:
            yield _gauge(families.WEB_CONFIG_RELOAD_SUCCESSFUL, {(): self.web_config_successful()})
        if self._external_url:
            yield _gauge(families.EXPORTER_INFO, {(self._external_url,): 1})
        yield _gauge(families.BUILD_INFO, {(__version__, platform.python_version()): 1})


@dataclass(frozen=True, slots=True)
class _OwnCollector(Collector):
    registry: CollectorRegistry
    gauges: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        for metric in self.registry.collect():
            # The start of a counter says nothing that the start of the process does not, and costs a series each.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        yield from self.gauges


def _file_gauges(watch_list: WatchList) -> Iterator[Metric]:
    files, repeated = watch_list.files, watch_list.repeated
    successful = {file.path: float(not file.faults and file.path not in repeated) for file in files}
    loaded = {file.path: file.loaded_at for file in files if file.loaded_at is not None}
    yield _gauge(families.TASK_FILE_SUCCESSFUL, {(path,): value for path, value in successful.items()})
    if loaded:
        yield _gauge(families.TASK_FILE_TIMESTAMP, {(path,): value for path, value in loaded.items()})
        yield _gauge(families.TASK_FILE_TASKS, {(file.path,): len(file.tasks) for file in files if file.path in loaded})


def _gauge(family: Family, values: Mapping[tuple[str, ...], float]) -> Metric:
    metric = Metric(family.name, family.help, family.type)
    for labels, value in values.items():
        metric.samples.append(Sample(family.name, dict(zip(family.labels, labels, strict=True)), float(value)))
    return metric
