"""The configuration: a YAML file in, typed immutable values or a list of all its faults out."""

from exporter.config.document import ConfigError, Fault, UnreadableError
from exporter.config.load import load, load_task_file
from exporter.config.model import Config, ReplicationDiscovery, Task

__all__ = [
    "Config",
    "ConfigError",
    "Fault",
    "ReplicationDiscovery",
    "Task",
    "UnreadableError",
    "load",
    "load_task_file",
]
