"""The entries of a list of tasks, in the configuration or in a file of its own."""

import re
from collections.abc import Mapping, Sequence

import yaml

from exporter.config.model import Task
from exporter.config.reader import Reader
from exporter.ninedata import DEFAULT_KIND, ID, KINDS, TaskRef

RESERVED_LABELS = frozenset(
    [
        "task_id",
        "task",
        "kind",
        "precheck_task_id",
        "status",
        "item",
        "item_name",
        "reason",
        "job",
        "instance",
        "le",
        "quantile",
    ]
)

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def load_tasks(entries: Sequence[yaml.Node], parent: Reader, key: str) -> tuple[Task, ...]:
    """The tasks of a list found under `key`; every fault is in the parent's list."""
    tasks: list[Task] = []
    lines: dict[str, int | None] = {}
    for index, node in enumerate(entries):
        reader = Reader(node, parent.file, parent.faults, f"{key}[{index}]")
        task = _load_task(reader, node)
        if task is None:
            continue
        if task.task_id in lines:
            reader.fault(f"the same task id is already on line {lines[task.task_id]}", "task_id")
        else:
            lines[task.task_id] = reader.line_of("task_id")
            tasks.append(task)
    return tuple(tasks)


def load_labels(reader: Reader) -> Mapping[str, str]:
    """Labels for the series of a task."""
    labels: dict[str, str] = {}
    for name in reader.names():
        if not _LABEL_NAME.fullmatch(name):
            reader.fault("is not a label name: letters, digits and _ only, not a digit first", name)
        elif name in RESERVED_LABELS or name.startswith("__"):
            reader.fault("is a reserved label name", name)
        value = reader.text(name)
        if value is not None:
            labels[name] = value
    return labels


def _load_task(reader: Reader, node: yaml.Node) -> Task | None:
    if not isinstance(node, yaml.MappingNode):
        if node.tag.endswith(":null"):
            reader.fault("must be a mapping of keys, not nothing")
        return None
    task_id = _load_id(reader, "task_id")
    kind = reader.text("kind") or DEFAULT_KIND
    if kind in KINDS and not KINDS[kind].has_precheck_id:
        precheck_task_id = None
        if reader.text("precheck_task_id") is not None:
            reader.fault(f"a task of kind {kind} has no precheck id: leave it out", "precheck_task_id")
    else:
        precheck_task_id = _load_id(reader, "precheck_task_id")
    if kind not in KINDS:
        reader.fault(f"must be one of {', '.join(KINDS)}", "kind")
    name = reader.text("name")
    labels = load_labels(reader.mapping("labels"))
    reader.done()
    if task_id is None:
        return None
    return Task(ref=TaskRef(kind, task_id, precheck_task_id or ""), name=(name or task_id).strip(), labels=labels)


def _load_id(reader: Reader, name: str) -> str | None:
    if not reader.has(name):
        reader.text(name)
        reader.fault("is missing", name)
        return None
    text = reader.text(name)
    if text is not None and not ID.fullmatch(text.strip()):
        reader.fault("has characters that an id cannot have; ids look like cd-tg3isu1xgs", name)
        return None
    return text.strip() if text else None
