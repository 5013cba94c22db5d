"""Prometheus exporter for NineData prechecks."""

__version__ = "0.1.0"
