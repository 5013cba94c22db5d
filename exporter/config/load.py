"""What each key of the configuration means and what it may hold."""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from exporter.config.api import load_api
from exporter.config.document import ConfigError, Fault, compose
from exporter.config.model import Config, Task
from exporter.config.reader import Reader
from exporter.ninedata import KINDS, TaskRef

MAX_TIMEOUT_SECONDS = 3600.0

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
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
_PLANNED_KINDS = ("schema_compare", "replication")
_NOT_YET = "is not supported by this version of the exporter"


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
    tasks = _load_tasks(root)
    _refuse_planned(root)
    root.done()
    if faults or api is None:
        raise ConfigError(sorted(faults, key=lambda fault: fault.line or 0))
    return Config(api=api, tasks=tasks, scrape_timeout=scrape_timeout, failure_reasons=failure_reasons)


def _load_tasks(root: Reader) -> tuple[Task, ...]:
    tasks: list[Task] = []
    lines: dict[str, int | None] = {}
    for index, node in enumerate(root.sequence("tasks")):
        reader = Reader(node, root.file, root.faults, f"tasks[{index}]")
        task = _load_task(reader, node)
        if task is None:
            continue
        if task.task_id in lines:
            reader.fault(f"the same task id is already on line {lines[task.task_id]}", "task_id")
        else:
            lines[task.task_id] = reader.line_of("task_id")
            tasks.append(task)
    return tuple(tasks)


def _load_task(reader: Reader, node: yaml.Node) -> Task | None:
    if not isinstance(node, yaml.MappingNode):
        if node.tag.endswith(":null"):
            reader.fault("must be a mapping of keys, not nothing")
        return None
    task_id = _load_id(reader, "task_id")
    kind = reader.text("kind") or "data_compare"
    if kind in _PLANNED_KINDS:
        # Which further keys it will need is not this version's to say.
        precheck_task_id = reader.text("precheck_task_id")
        reader.fault(f"{kind} {_NOT_YET}; it watches {', '.join(KINDS)}", "kind")
    else:
        precheck_task_id = _load_id(reader, "precheck_task_id")
    if kind not in KINDS and kind not in _PLANNED_KINDS:
        reader.fault(f"must be one of {', '.join(KINDS)}", "kind")
    name = reader.text("name")
    labels = _load_labels(reader.mapping("labels"))
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
    if text is not None and not _ID.fullmatch(text.strip()):
        reader.fault("has characters that an id cannot have; ids look like cd-tg3isu1xgs", name)
        return None
    return text.strip() if text else None


def _load_labels(reader: Reader) -> dict[str, str]:
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


def _refuse_planned(root: Reader) -> None:
    """Keys that have their place but no function yet: allowed while they ask for nothing."""
    if root.sequence("task_files"):
        root.fault(_NOT_YET, "task_files")
    discovery = root.mapping("discovery")
    replication = discovery.mapping("replication")
    if replication.boolean("enabled", default=False):
        replication.fault(_NOT_YET, "enabled")
    replication.done()
    discovery.done()
    probe = root.mapping("probe")
    if probe.boolean("allow_unlisted", default=False):
        probe.fault(_NOT_YET, "allow_unlisted")
    probe.done()
