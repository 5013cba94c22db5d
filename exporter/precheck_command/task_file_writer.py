"""Hands a precheck's id to the exporter: a task file, written whole by renaming."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import yaml

from exporter.config import Task, load_task_file
from exporter.faults import ConfigError, Fault
from exporter.ninedata import KINDS, TaskRef


def kept_task(path: Path, ref: TaskRef, name: str | None, labels: Mapping[str, str] | None) -> Task:
    """The task to write after the start: name and labels that are not given stay as the file has them.

    Raises ConfigError if the file has other tasks, which would be lost, or if the entry would be a fault.
    """
    before = load_task_file(path) if path.exists() else ()
    if [task.task_id for task in before] not in ([], [ref.task_id]):
        raise ConfigError([Fault(str(path), None, "", "has other tasks as well; give each task a file of its own")])
    old = before[0] if before else Task(ref, ref.task_id)
    task = Task(ref, name or old.name, old.labels if labels is None else labels)
    if KINDS[ref.kind].has_precheck_id and not ref.precheck_task_id:
        task = replace(task, ref=replace(ref, precheck_task_id="not-yet-known"))
    with _written_aside(path, task):  # or fail before the start
        return task


def write_task_file(path: Path, task: Task) -> None:
    """Write a task file that has this one task. Readers find the old file or the whole new one. Raises OSError."""
    with _written_aside(path, task) as file:
        file.replace(path)


@contextmanager
def _written_aside(path: Path, task: Task) -> Iterator[Path]:
    """A file beside `path` with the task, checked as the exporter will. No pattern such as *.yaml matches its name."""
    entry: dict[str, object] = {"task_id": task.task_id}
    if task.ref.precheck_task_id:
        entry["precheck_task_id"] = task.ref.precheck_task_id
    entry |= {"name": task.name, "kind": task.ref.kind}
    if task.labels:
        entry["labels"] = dict(task.labels)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    file = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            yaml.safe_dump([entry], stream, sort_keys=False, allow_unicode=True)
            stream.flush()
            os.fchmod(descriptor, 0o644)  # the exporter runs as another user, and the file has no secret
            os.fsync(descriptor)
        load_task_file(file)
        yield file
    finally:
        file.unlink(missing_ok=True)
