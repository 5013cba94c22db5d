"""The metrics of the process: what it asked of the API, how it is configured, what it is."""

import platform
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, Metric, ProcessCollector
from prometheus_client.samples import Sample

from exporter import __version__
from exporter.metrics import families
from exporter.metrics.families import Family
from exporter.ninedata import KINDS, Reason


class ProcessMetrics:
    """Counts for the life of the process. Is the client's observer, and a collector of prometheus-client."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._skew: float | None = None
        self._watched: dict[str, int] = dict.fromkeys(KINDS, 0)
        self._reload_successful = False
        self._reloaded_at = 0.0
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
        for kind in KINDS:
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

    def config_loaded(self, watched: Mapping[str, int]) -> None:
        """A configuration took effect; `watched` is the number of tasks per kind."""
        self._watched = {kind: watched.get(kind, 0) for kind in KINDS}
        self._reload_successful = True
        self._reloaded_at = self._clock()

    def config_rejected(self) -> None:
        """A configuration was tried and had faults; the old one stays."""
        self._reload_successful = False

    def collect(self) -> Iterator[Metric]:
        """All metrics, as they are now."""
        for metric in self._registry.collect():
            # When a counter began tells nothing here, and each would be one more series.
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
        if self._skew is not None:
            yield _gauge(families.API_CLOCK_SKEW, {(): self._skew})
        yield _gauge(families.WATCHED_TASKS, {(kind,): count for kind, count in self._watched.items()})
        yield _gauge(families.RELOAD_SUCCESSFUL, {(): float(self._reload_successful)})
        yield _gauge(families.RELOAD_TIMESTAMP, {(): self._reloaded_at})
        yield _gauge(families.BUILD_INFO, {(__version__, platform.python_version()): 1.0})


def _counter(family: Family, registry: CollectorRegistry) -> Counter:
    return Counter(family.name, family.help, family.labels, registry=registry)


def _gauge(family: Family, values: Mapping[tuple[str, ...], float]) -> Metric:
    metric = Metric(family.name, family.help, family.type)
    for labels, value in values.items():
        metric.samples.append(Sample(family.name, dict(zip(family.labels, labels, strict=True)), value))
    return metric
