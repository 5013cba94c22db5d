"""Prometheus exporter for NineData prechecks, comparisons and replications."""

__version__ = "0.1.0"
