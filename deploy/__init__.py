"""How the exporter is deployed, and the checks of that."""
