"""Which tasks are watched: lists of tasks, in the configuration or in a task file, and the section `discovery`."""

import re
from collections.abc import Mapping, Sequence

import yaml

from exporter.config.reader import Reader
from exporter.config.settings import DiscoverySettings, Task
from exporter.faults import Fault
from exporter.ninedata import DEFAULT_KIND, ID, KINDS, LISTS, TaskRef
from exporter.ninedata.text import MAX_NAME

_EXPORTERS_LABELS = "task_id task kind precheck_task_id status item item_name reason subtask difference le quantile"
# Prometheus adds the first two to every series, and an alert the others: its rule would overwrite a task's label.
_ADDED_LABELS = "job instance severity alertname alertstate cluster"
_RESERVED_LABELS = frozenset(f"{_EXPORTERS_LABELS} {_ADDED_LABELS}".split())


def load_tasks(entries: Sequence[yaml.Node], file: str, faults: list[Fault], key: str) -> tuple[Task, ...]:
    """The tasks of the list under `key`, or of a whole task file; every fault is added to `faults`."""
    tasks: list[Task] = []
    lines: dict[str, int | None] = {}
    for index, node in enumerate(entries):
        reader = Reader(node, file, faults, f"{key}[{index}]")
        task = _load_task(reader) if reader.usable else None
        if task is None:
            continue
        if task.task_id in lines:
            reader.fault(f"the same task id is already on line {lines[task.task_id]}", "task_id")
        else:
            lines[task.task_id] = reader.line_of("task_id")
            tasks.append(task)
    return tuple(tasks)


def load_discovery(reader: Reader) -> tuple[DiscoverySettings, ...]:
    """The settings of each kind whose discovery is enabled."""
    found = (_load_discovery(reader.mapping(kind), kind) for kind in LISTS)
    return tuple(settings for settings in found if settings)


def _load_discovery(reader: Reader, kind: str) -> DiscoverySettings | None:
    words = {word.casefold(): word for word in LISTS[kind].statuses}

    def fault_of(word: str) -> str | None:
        return None if word.strip().casefold() in words else f"must be one of {', '.join(words.values())}"

    enabled = reader.boolean("enabled", default=False)
    statuses = reader.texts("statuses", fault_of)
    names = reader.texts("names", lambda name: "names nothing after the !" if name.strip() == "!" else None)
    labels = _load_labels(reader.mapping("labels"))
    if not enabled:
        return None
    found = frozenset(words[word.strip().casefold()] for word in statuses)
    return DiscoverySettings(kind, found, tuple(names), labels)


def _load_labels(reader: Reader) -> Mapping[str, str]:
    """Labels for the series of a task."""
    labels: dict[str, str] = {}
    for name in reader.names():
        if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
            reader.fault("must be a label name: letters, digits and _, not starting with a digit", name)
        elif name in _RESERVED_LABELS or name.startswith("__"):
            reader.fault("is a reserved label name", name)
        value = reader.text(name, max_bytes=1000)
        if value is not None:
            labels[name] = value
    return labels


def _load_task(reader: Reader) -> Task | None:
    task_id = _load_id(reader, "task_id")
    kind = reader.text("kind") or DEFAULT_KIND
    precheck_task_id = _load_id(reader, "precheck_task_id", required=False)
    if kind not in KINDS:
        reader.fault(f"must be one of {', '.join(KINDS)}", "kind")
    elif reader.has("precheck_task_id") and not KINDS[kind].has_precheck_id:
        reader.fault(f"must be left out: a precheck of kind {kind} has no id", "precheck_task_id")
    name = reader.text("name", max_bytes=MAX_NAME)
    if name and "`" in name:
        reader.fault("must not contain a backquote, with which the dashboards quote it", "name")
    labels = _load_labels(reader.mapping("labels"))
    reader.done()
    if not task_id:
        return None
    return Task(TaskRef(kind, task_id, precheck_task_id), name=(name or task_id).strip(), labels=labels)


def _load_id(reader: Reader, name: str, *, required: bool = True) -> str:
    """An id; empty if it is missing or wrong."""
    text = (reader.text(name) or "").strip()
    if required and not reader.has(name):
        reader.fault("is missing: the console's list of tasks has it", name)
    if text and not ID.fullmatch(text):
        example = "cd-tg3isu1xgs" if required else "pcte-dj02vti9tabd, and without one the task itself is watched"
        reader.fault(f"has characters that an id must not have; an id looks like {example}", name)
        return ""
    return text
