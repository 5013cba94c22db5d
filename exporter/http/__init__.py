"""The exporter's own HTTP server: metrics for Prometheus, pages for people."""
