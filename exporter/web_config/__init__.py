"""TLS and basic authentication of the exporter's own listener, in the format of Prometheus' exporter-toolkit."""

from exporter.web_config.load import WebConfig, load_web_config
from exporter.web_config.watch import WebConfigFile

__all__ = ["WebConfig", "WebConfigFile", "load_web_config"]
