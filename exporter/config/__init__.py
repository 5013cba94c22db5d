"""The configuration: YAML in; immutable values, or a list of all faults, out."""

from exporter.config.load import load, load_task_file
from exporter.config.settings import Config, DiscoverySettings, Task
from exporter.faults import ConfigError, Fault

__all__ = ["Config", "ConfigError", "DiscoverySettings", "Fault", "Task", "load", "load_task_file"]
