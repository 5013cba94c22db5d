"""What each key of the configuration means and what it may hold."""

import glob
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import yaml

from exporter.config.api import load_api
from exporter.config.discovery import load_discovery
from exporter.config.document import ConfigError, Fault, compose
from exporter.config.model import Config, Task
from exporter.config.reader import Reader
from exporter.config.tasks import load_tasks

MAX_TIMEOUT_SECONDS = 3600.0


def load(path: Path, environment: Mapping[str, str]) -> Config:
    """The configuration in a file, with secrets from `environment` where the file names none.

    Raises ConfigError with every fault at once. No fault shows a value that could be secret. Files named in the
    configuration are found from where it stands.
    """
    node = compose(path)
    if node is None:
        raise ConfigError([Fault(str(path), None, "", "is empty")])
    faults: list[Fault] = []
    root = Reader(node, str(path), faults)
    if not root.usable:
        raise ConfigError(faults)
    api = load_api(root.mapping("api"), path.parent, environment)
    scrape = root.mapping("scrape")
    scrape_timeout = scrape.duration("timeout", default=10.0, highest=MAX_TIMEOUT_SECONDS)
    scrape.done()
    failure_reasons = root.boolean("failure_reasons", default=True)
    tasks = load_tasks(root.sequence("tasks"), root, "tasks")
    task_files = _load_task_files(root, path.parent)
    discovery = load_discovery(root.mapping("discovery"))
    probe_unlisted = _load_probe(root.mapping("probe"))
    root.done()
    if faults or api is None:
        raise _error(faults)
    return Config(
        api=api,
        tasks=tasks,
        task_files=task_files,
        discovery=discovery,
        probe_unlisted=probe_unlisted,
        scrape_timeout=scrape_timeout,
        failure_reasons=failure_reasons,
    )


def load_task_file(path: Path) -> tuple[Task, ...]:
    """The tasks of a file of its own, which is a list of such entries as the configuration's `tasks`.

    Raises ConfigError with every fault at once. An empty file is a fault: it may be one that is being written.
    """
    if _is_irregular(path):
        raise ConfigError([Fault(str(path), None, "", "is no regular file")])
    node = compose(path)
    if node is None:
        raise ConfigError([Fault(str(path), None, "", "is empty; write [] where it is to have no tasks")])
    if not isinstance(node, yaml.SequenceNode):
        raise ConfigError([Fault(str(path), node.start_mark.line + 1, "", "must be a list of tasks")])
    faults: list[Fault] = []
    tasks = load_tasks(node.value, Reader(None, str(path), faults), "")
    if faults:
        raise _error(faults)
    return tasks


def _is_irregular(path: Path) -> bool:
    """Whether it is something else than a file: to open a pipe would wait for whoever writes to it."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _load_task_files(root: Reader, folder: Path) -> tuple[str, ...]:
    # glob's own escape: the folder's name is no pattern.
    start = "" if folder == Path() else glob.escape(str(folder))
    return tuple(os.path.join(start, pattern) for pattern in root.texts("task_files"))  # noqa: PTH118 - a pattern is no path


def _load_probe(reader: Reader) -> bool:
    unlisted = reader.boolean("allow_unlisted", default=False)
    reader.done()
    return unlisted


def _error(faults: list[Fault]) -> ConfigError:
    return ConfigError(sorted(faults, key=lambda fault: fault.line or 0))
