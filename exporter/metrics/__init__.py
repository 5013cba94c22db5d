"""The metrics: a snapshot in, metric families and text out. Pure; knows no network."""

from exporter.metrics.exposition import Exposition, accepts_gzip, expose, prefers_openmetrics
from exporter.metrics.process import ProcessMetrics, WatchedFile
from exporter.metrics.tasks import SnapshotCollector, TaskLines

__all__ = [
    "Exposition",
    "ProcessMetrics",
    "SnapshotCollector",
    "TaskLines",
    "WatchedFile",
    "accepts_gzip",
    "expose",
    "prefers_openmetrics",
]
