"""What the sandbox can serve: tasks with their scripts, and fleets of plain ones."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.ninedata import KINDS
from exporter.sandbox.check_items import ended
from exporter.sandbox.scripts import Execution, PrecheckRun, Script, Stage

ID_PREFIXES = {"data_compare": "cd-", "schema_compare": "cc-", "replication": "rp-"}
"""How the ids of the tasks of each kind begin."""

Activity = Script[Execution] | Script[Stage]
"""What a task itself does, beside its precheck."""


@dataclass(frozen=True, slots=True)
class SandboxTask:
    """A task, and what it and its precheck do. Their scripts begin relative to the start of the sandbox."""

    kind: str
    task_id: str
    precheck_task_id: str
    """Empty for replication, whose prechecks have no id."""
    name: str
    labels: Mapping[str, str]
    precheck: Script[PrecheckRun] | None
    """Without one the API knows no precheck of the task."""
    activity: Activity


def plain_task(task_id: str, name: str, labels: Mapping[str, str]) -> SandboxTask:
    """A task whose precheck has passed, and that itself has no difference, or no great delay, to report."""
    kind = next(kind for kind, prefix in ID_PREFIXES.items() if task_id.startswith(prefix))
    precheck_task_id = f"pcte-{task_id[3:]}" if KINDS[kind].has_precheck_id else ""
    activity: Activity = Script(Execution()) if KINDS[kind].execution_path else Script(Stage())
    return SandboxTask(kind, task_id, precheck_task_id, name, labels, Script(PrecheckRun(ended(kind))), activity)


def fleet(count: int, kind: str = "data_compare") -> tuple[SandboxTask, ...]:
    """`count` plain tasks, `cd-fleet-00001` and on."""
    names = [f"fleet-{number:05}" for number in range(1, count + 1)]
    return tuple(plain_task(f"{ID_PREFIXES[kind]}{name}", name, {}) for name in names)
