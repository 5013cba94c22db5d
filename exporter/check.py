"""The configuration and its task files, checked without a word to the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter.config import Config, ConfigError, Task, load, load_task_file
from exporter.config.matching import match, printable


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found."""

    config: Config | None
    """None where the configuration has faults."""
    tasks: tuple[Task, ...]
    """Those of the configuration and of the files, each once."""
    files: tuple[str, ...]
    faults: tuple[str, ...]
    """Every fault of the configuration, or where it has none of its task files."""
    unmatched: tuple[str, ...] = ()
    """Patterns of task files that match none."""


def check(path: Path, environment: Mapping[str, str]) -> Checked:
    """Read a configuration and all files that it names. Never raises."""
    try:
        config = load(path, environment)
    except ConfigError as error:
        return Checked(None, (), (), tuple(str(fault) for fault in error.faults))
    tasks = {task.task_id: task for task in config.tasks}
    matched = match(config.task_files)
    faults = [f"{place}: {why}" for place, why in matched.faults.items()]
    for file in matched.paths:
        try:
            found = load_task_file(Path(file))
        except ConfigError as error:
            faults.extend(str(fault) for fault in error.faults)
            continue
        for task in found:
            if task.task_id in tasks:
                faults.append(f"{file}: the task id {task.task_id} is already named before this file")
            tasks.setdefault(task.task_id, task)
    return Checked(config, tuple(tasks.values()), matched.paths, tuple(faults), matched.unmatched)


def summary_of(checked: Checked, config: Config) -> str:
    """What a good configuration watches, in a few words."""
    count, files = len(checked.tasks), len(checked.files)
    tasks = f"{count} {'task' if count == 1 else 'tasks'}"
    found = f", with those of {files} task {'file' if files == 1 else 'files'}," if files else ""
    discovery = " and the replication tasks that are discovered" if config.discovery else ""
    return f"{tasks}{found}{discovery} to watch at {config.api.base_url}"


def warnings_of(checked: Checked, config: Config) -> list[str]:
    """What is no fault of a good configuration and yet hardly meant, in the words of the log."""
    warnings = [f"no task file matches {printable(pattern)}" for pattern in checked.unmatched]
    if not checked.tasks and not config.discovery:
        warnings.append("no task is watched; see the key tasks of the configuration")
    return warnings
