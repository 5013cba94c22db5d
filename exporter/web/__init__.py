"""The exporter's own HTTP: metrics for Prometheus, pages for people."""

from exporter.web.app import create_app

__all__ = ["create_app"]
