"""The check of the configuration files, which sends nothing to the API."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from exporter.config import Config, Task
from exporter.faults import ConfigError, printable
from exporter.http.web_config import load_web_config
from exporter.scraping.shard import Shard
from exporter.scraping.task_files import TaskFiles
from exporter.scraping.watch_list import WatchList


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of a check."""

    summary: str = ""
    """Empty if there are faults."""
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is allowed but probably not intended."""
    config: Config | None = field(default=None, compare=False)
    """The configuration, also if its task files have faults."""


def check_config(load: Callable[[], Config], shard: Shard) -> CheckResult:
    """Check a configuration and, if it has no faults, the task files that it names; sum up what a shard watches."""
    try:
        config = load()
    except ConfigError as error:
        return CheckResult(faults=tuple(map(str, error.faults)))
    files = TaskFiles(config.task_files)
    files.refresh()
    watch_list = WatchList(config, shard, files, ())
    faults: list[str] = []
    for file in files.current:
        faults += file.faults
        for task_id in watch_list.repeated.get(file.path, ()):
            message = f"the task id {task_id} is already in the configuration or in an earlier task file"
            faults.append(f"{file.path}: {message}")
    warnings = [f"no task file matches {printable(pattern)}" for pattern in files.unmatched]
    if not (config.tasks or config.discovery or any(file.tasks for file in files.current)):
        warnings.append("no task is watched; add some to tasks, task_files or discovery")
    summary = "" if faults else _summary(config, watch_list.tasks, len(files.current), shard)
    return CheckResult(summary, tuple(faults), tuple(warnings), config)


def check_web_config(path: Path) -> CheckResult:
    """Check a web configuration and the files that it names."""
    try:
        return CheckResult(load_web_config(path).summary)
    except ConfigError as error:
        return CheckResult(faults=tuple(map(str, error.faults)))


def counted(number: int, thing: str) -> str:
    """A number with its noun: `1 task`, `2 tasks`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _summary(config: Config, tasks: Collection[Task], files: int, shard: Shard) -> str:
    of_shard = f" of shard {shard}" if shard.count > 1 else ""
    of_files = f", with those of {counted(files, 'task file')}," if files else ""
    alone = sum(not task.has_precheck for task in tasks)
    without = f" ({alone} without precheck_task_id: only the task itself)" if alone else ""
    kinds = " and ".join(settings.kind for settings in config.discovery)
    discovered = f" and the discovered {kinds} tasks" if kinds else ""
    watched = f"{counted(len(tasks), 'task')}{of_shard}{of_files}{without}{discovered}"
    requests = counted(sum(map(config.most_requests, tasks)), "request")
    of_discovery = " and those of discovery" if kinds else ""
    return f"watches {watched} at {config.api.base_url}; a scrape sends up to {requests}{of_discovery}"
