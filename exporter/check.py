"""The check of the configuration files, which sends nothing to the API."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from exporter.config import Config
from exporter.faults import ConfigError, printable
from exporter.http.web_config import load_web_config
from exporter.scraping.task_files import TaskFiles


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check."""

    summary: str = ""
    """Empty if there are faults."""
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is allowed but probably not intended."""


def check_config(load: Callable[[], Config]) -> Checked:
    """Check a configuration and, if it has no faults, the task files that it names."""
    try:
        config = load()
    except ConfigError as error:
        return Checked(faults=tuple(map(str, error.faults)))
    files = TaskFiles(config.task_files)
    files.refresh()
    task_ids = {task.task_id for task in config.tasks}
    faults: list[str] = []
    for file in files.current:
        faults += file.faults
        for task in file.tasks:
            if task.task_id in task_ids:
                message = f"the task id {task.task_id} is already in the configuration or in an earlier task file"
                faults.append(f"{file.path}: {message}")
            task_ids.add(task.task_id)
    warnings = [f"no task file matches {printable(pattern)}" for pattern in files.unmatched]
    if not task_ids and not config.discovery:
        warnings.append("no task is watched; add some to tasks, task_files or discovery")
    summary = "" if faults else _summary(config, len(task_ids), len(files.current))
    return Checked(summary, tuple(faults), tuple(warnings))


def check_web_config(path: Path) -> Checked:
    """Check a web configuration and the files that it names."""
    try:
        return Checked(load_web_config(path).summary)
    except ConfigError as error:
        return Checked(faults=tuple(map(str, error.faults)))


def _summary(config: Config, tasks: int, files: int) -> str:
    listed = f"{tasks} {'task' if tasks == 1 else 'tasks'}"
    of_files = f", with those of {files} task {'file' if files == 1 else 'files'}," if files else ""
    discovered = " and the replication tasks that are discovered" if config.discovery else ""
    return f"{listed}{of_files}{discovered} to watch at {config.api.base_url}"
