"""The exporter's own metrics: its requests to the API, what it watches, how it is configured, what it is."""

import platform
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, Metric, ProcessCollector
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

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
        self.skew_seconds: float | None = None
        """The API's clock minus ours, as the latest answer showed it; None if none did."""
        self._reload_successful = False
        self._reloaded_at = 0.0
        self.web_config_faults: Callable[[], tuple[str, ...]] | None = None
        """Returns what is wrong with the web configuration, whose last good content stays in use; None without one."""
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
        """An answer shows the server's clock minus ours."""
        self.skew_seconds = seconds

    def reload_ended(self, *, successful: bool) -> None:
        """A configuration was loaded, or had faults."""
        self._reload_successful = successful
        if successful:
            self._reloaded_at = self._clock()

    def collector(self, watch_list: WatchList, *, files_good: bool = True) -> Collector:
        """All own metrics. What the gauges show is read now, and not changed by a reload before they are rendered."""
        gauges: dict[str, GaugeMetricFamily] = {}
        for family, value, *labels in self._gauges(watch_list, files_good=files_good):
            if family.name not in gauges:
                gauges[family.name] = GaugeMetricFamily(family.name, family.help, labels=family.labels)
            gauges[family.name].add_metric(labels, float(value))
        return _OwnCollector(self._registry, tuple(gauges.values()))

    def _gauges(self, watch_list: WatchList, *, files_good: bool) -> Iterator[tuple[Family, float, *tuple[str, ...]]]:
        """Family, value and labels of each sample."""
        if self.skew_seconds is not None:
            yield families.API_CLOCK_SKEW, self.skew_seconds
        for kind, count in watch_list.counts().items():
            yield families.WATCHED_TASKS, count, kind
        for file in watch_list.files:
            yield families.TASK_FILE_SUCCESSFUL, not file.faults and file.path not in watch_list.repeated, file.path
            if file.loaded_at is not None:
                yield families.TASK_FILE_TIMESTAMP, file.loaded_at, file.path
                yield families.TASK_FILE_TASKS, len(file.tasks), file.path
        if self.shard.count > 1:
            yield families.SHARD_INFO, 1, str(self.shard.index), str(self.shard.count)
        yield families.RELOAD_SUCCESSFUL, self._reload_successful and files_good
        yield families.RELOAD_TIMESTAMP, self._reloaded_at
        if self.web_config_faults is not None:
            yield families.WEB_CONFIG_RELOAD_SUCCESSFUL, not self.web_config_faults()
        if self._external_url:
            yield families.EXPORTER_INFO, 1, self._external_url
        yield families.BUILD_INFO, 1, __version__, platform.python_version()


@dataclass(frozen=True, slots=True)
class _OwnCollector(Collector):
    registry: CollectorRegistry
    gauges: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        for metric in self.registry.collect():
            # Every counter was created with the process, whose start time is exported already.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        yield from self.gauges
