"""Hands a precheck's id to the exporter: a task file, written whole by renaming."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from exporter.config import Task, load_task_file
from exporter.faults import ConfigError, Fault
from exporter.ninedata import TaskRef


def task_to_write(path: Path, ref: TaskRef, name: str | None, labels: Mapping[str, str] | None) -> Task:
    """The task that `write_task_file` is to write after the start: without a name or labels, those in the file stay.

    Raises ConfigError if the file has other tasks, which would be lost, or if it could not be written.
    """
    before = load_task_file(path) if path.exists() else ()
    if [task.task_id for task in before] not in ([], [ref.task_id]):
        raise ConfigError([Fault(str(path), None, "", "has other tasks as well; give each task a file of its own")])
    old = before[0] if before else Task(ref, ref.task_id)
    task = Task(ref, name or old.name, old.labels if labels is None else labels)
    with _written_aside(path, task):
        return task


def write_task_file(path: Path, task: Task) -> None:
    """Write a task file that has this one task. Readers find the old file or the whole new one. Raises ConfigError."""
    with _written_aside(path, task) as file:
        file.replace(path)


@contextmanager
def _written_aside(path: Path, task: Task) -> Iterator[Path]:
    """A file with the task, checked as the exporter will, in a folder beside `path` that no pattern matches."""
    ref, labels = task.ref, dict(task.labels)
    keys = {"task_id": ref.task_id, "precheck_task_id": ref.precheck_task_id, "name": task.name, "kind": ref.kind}
    entry = {key: value for key, value in (keys | {"labels": labels}).items() if value}
    try:
        with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
            file = Path(folder) / path.name
            with file.open("w", encoding="utf-8") as stream:
                yaml.safe_dump([entry], stream, sort_keys=False, allow_unicode=True)
                stream.flush()
                os.fchmod(stream.fileno(), 0o644)  # the exporter runs as another user, and the file has no secret
                os.fsync(stream.fileno())
            load_task_file(file)
            yield file
    except OSError as error:
        raise ConfigError([Fault(str(path), None, "", f"cannot be written: {error.strerror}")]) from None
    except ConfigError as error:
        faults = [Fault(str(path), None, fault.key.removeprefix("[0]."), fault.message) for fault in error.faults]
        raise ConfigError(faults) from None
