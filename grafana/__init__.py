"""The Grafana dashboards: `python -m grafana.build` writes them, `python -m grafana.check` checks them."""
