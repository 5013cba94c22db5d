"""Loading of the configuration, and of task files."""

import glob
import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from exporter.config.api import load_api
from exporter.config.document import compose
from exporter.config.reader import Reader
from exporter.config.settings import Config, Task
from exporter.config.tasks import load_discovery, load_tasks
from exporter.faults import ConfigError, Fault


def load(path: Path, environment: Mapping[str, str]) -> Config:
    """The configuration in a file, with secrets from `environment` if the file names none.

    Raises ConfigError with all faults; none of them shows a secret. Paths in the configuration are relative to its
    folder.
    """
    node = compose(path)
    if node is None:
        raise ConfigError([Fault(str(path), None, "", "is empty")])
    faults: list[Fault] = []
    root = Reader(node, str(path), faults)
    if not root.usable:
        raise ConfigError(faults)
    api = load_api(root.mapping("api"), path.parent, environment)
    scrape_timeout = root.mapping("scrape").duration("timeout", default=10.0, highest=3600)
    reason_bytes = _load_reason_bytes(root)
    task_status = root.boolean("task_status", default=False)
    tasks = load_tasks(root.sequence("tasks"), str(path), faults, "tasks")
    # The folder's name is not a pattern, whatever characters it has.
    folder = "" if path.parent == Path() else glob.escape(str(path.parent))
    task_files = tuple(os.path.join(folder, pattern) for pattern in root.texts("task_files"))  # noqa: PTH118 - no path
    discovery = load_discovery(root.mapping("discovery"))
    probe_unlisted = root.mapping("probe").boolean("allow_unlisted", default=False)
    root.ignore("x-")
    root.done()
    if faults or api is None:
        raise ConfigError(faults)
    return Config(
        api=api,
        tasks=tasks,
        task_files=task_files,
        discovery=discovery,
        probe_unlisted=probe_unlisted,
        scrape_timeout=scrape_timeout,
        reason_bytes=reason_bytes,
        task_status=task_status,
    )


def _load_reason_bytes(root: Reader) -> int:
    """The most bytes of a failure text in metrics, which `failure_reasons` gives; 0 if it is false."""
    if root.has_mapping("failure_reasons"):
        reasons = root.mapping("failure_reasons")
        return int(reasons.number("max_bytes", default=1000, lowest=100, highest=1000, whole=True))
    return 1000 if root.boolean("failure_reasons", default=True) else 0


def load_task_file(path: Path) -> tuple[Task, ...]:
    """The tasks of a task file: a list of the same entries as the configuration's `tasks`.

    Raises ConfigError with all faults. An empty file is a fault: it may be one that is still being written.
    """
    node = compose(path)
    if node is None:
        raise ConfigError([Fault(str(path), None, "", "is empty; write [] for no tasks")])
    if not isinstance(node, yaml.SequenceNode):
        raise ConfigError([Fault(str(path), node.start_mark.line + 1, "", "must be a list of tasks")])
    faults: list[Fault] = []
    tasks = load_tasks(node.value, str(path), faults, "")
    if faults:
        raise ConfigError(faults)
    return tasks
