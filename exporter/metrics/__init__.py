"""The metrics: the results of a scrape in, text out. Pure; knows no network."""

from exporter.metrics.exposition import choose_format, render, rendering_seconds
from exporter.metrics.own_metrics import OwnMetrics

__all__ = ["OwnMetrics", "choose_format", "render", "rendering_seconds"]
