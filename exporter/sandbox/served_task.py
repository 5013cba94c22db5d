"""A task as the API shows it: its scripts, played, in the API's words."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from exporter.ninedata import KINDS, Kind, Precheck, Status, TaskRef
from exporter.sandbox.catalogue import Activity, SandboxTask
from exporter.sandbox.check_items import ended
from exporter.sandbox.injected_faults import ApiError
from exporter.sandbox.scripts import PrecheckRun, Script, Stage

_BEFORE_EXECUTION = ("notStarted", "prechecking", "starting")
"""In these statuses a comparison has no execution."""
_COMPARISON_WORDS = {status: status.value for status in Status}
_REPLICATION_WORDS = {Status.SUCCESS: "success", Status.WARNING: "warning", Status.FAILED: "failure"}
"""Nothing is documented before the end: a precheck has no status then, and only the items that have ended."""
_SUBTASKS = ("schema", "full", "inc_writer", "trigger")


class ServedTask:
    """A task that plays its scripts. `number` is its place among the tasks; `clock` is the server's."""

    def __init__(self, task: SandboxTask, number: int, clock: Callable[[], float]) -> None:
        self.task = task
        self.kind = KINDS[task.kind]
        self._number = str(number)
        """The ids of its executions begin with it, and end with five digits of their own."""
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """As at the start: prechecks that were started since are gone."""
        self.prechecks: dict[str, Script[PrecheckRun]] = {}
        self.play_precheck(None)
        self.play(None)

    def play_precheck(self, script: Script[PrecheckRun] | None) -> None:
        """Let all prechecks of the task play a script from now on; without one, that of the catalogue."""
        script = script or self.task.precheck
        ids = {self.task.precheck_task_id, *self.prechecks}
        self.prechecks = {each: script.played_from(self._clock()) for each in ids} if script else {}

    def play(self, activity: Activity | None) -> None:
        """Let the task itself play a script from now on; without one, that of the catalogue."""
        self._activity = (activity or self.task.activity).played_from(self._clock())

    def start_precheck(self) -> str:
        """Start a precheck, which plays the last one's script from its beginning; returns its id, if it has one."""
        scripts = list(self.prechecks.values())
        parts = scripts[-1].parts if scripts else (PrecheckRun(ended(self.task.kind)),)
        precheck_id = f"pcte-{secrets.token_hex(6)}" if self.kind.has_precheck_id else ""
        self.prechecks[precheck_id] = Script(*parts, began=self._clock())
        return precheck_id

    def precheck(self, precheck_id: str) -> dict[str, object]:
        """The data about a precheck. Raises ApiError if there is none with this id."""
        if precheck_id not in self.prechecks:
            raise ApiError("precheck task not found")
        _, run, elapsed = self.prechecks[precheck_id].at(self._clock())
        ids = dict(self.kind.parameters(TaskRef(self.kind.name, self.task.task_id, precheck_id)))
        return {**ids, **_precheck_data(self.kind, run.at(elapsed))}

    @property
    def status(self) -> str:
        """That of the task itself, in the API's word."""
        _, part, elapsed = self._activity.at(self._clock())
        return part.at(elapsed).status

    def state(self) -> dict[str, object]:
        """The data about the task itself."""
        number, part, elapsed = self._activity.at(self._clock())
        shown = part.at(elapsed)
        data = {self.kind.state_task_key: self.task.task_id, "status": shown.status}
        if isinstance(shown, Stage):
            return {**data, "currentSubTaskType": shown.subtask, "subTaskList": _subtasks(shown, elapsed)}
        return {
            **data,
            "lastExecId": None if shown.status in _BEFORE_EXECUTION else int(f"{self._number}{number:05}"),
            "name": self.task.name,
            "isDeleted": False,
            "errMsg": shown.error,
        }

    def execution(self, execution_id: str) -> dict[str, object]:
        """The data about an execution, the latest or an earlier one. Raises ApiError if there is none with this id."""
        now = self._clock()
        latest, _, elapsed = self._activity.at(now)
        parts, number = self._activity.parts, int(execution_id[-5:])
        # Since the beginning of that execution: the parts between it and the latest have passed as well.
        elapsed += sum(parts[each % len(parts)].lasts for each in range(number, latest))
        shown = parts[number % len(parts)].at(elapsed)
        if number > latest or isinstance(shown, Stage) or shown.status in _BEFORE_EXECUTION:
            raise ApiError("task execution not found")
        data = {"taskId": self.task.task_id, "status": shown.status, "errorMessage": shown.error}
        if self.task.kind == "schema_compare":
            return {"execId": execution_id, **data}
        began = datetime.fromtimestamp(now - elapsed, UTC)
        updated = began + timedelta(seconds=min(elapsed, shown.seconds))
        return {
            "id": int(execution_id),
            **data,
            "createTime": f"{began:%Y-%m-%d %H:%M:%SZ}",
            "updateTime": f"{updated:%Y-%m-%d %H:%M:%SZ}",
            "onlySourceRows": shown.only_source,
            "onlyTargetRows": shown.only_target,
            "differenceRows": shown.different,
            "skipTableCount": shown.skipped_tables,
        }


def _precheck_data(kind: Kind, precheck: Precheck) -> dict[str, object]:
    is_replication = kind.name == "replication"
    words = _REPLICATION_WORDS if is_replication else _COMPARISON_WORDS
    items = []
    for item in precheck.items:
        if item.status in words:
            shown = {kind.item_key: item.item, "itemName": item.name, "itemDescription": item.description}
            message = {"message" if is_replication else "errorMessage": item.message} if item.message else {}
            items.append({**shown, "status": words[item.status], **message})
    if precheck.status is Status.WARNING and not is_replication:
        return {kind.status_key: "Success", kind.items_key: items}  # comparisons document no warning
    return {kind.status_key: words.get(precheck.status), kind.items_key: items}


def _subtasks(stage: Stage, elapsed: float) -> list[dict[str, object]]:
    """Those before the present one are done; only the incremental one has a delay, and no progress."""
    if stage.subtask == "inc_writer":
        present = {"status": stage.status, "percent": 0.0, "delay": round(stage.delay_seconds * 1000)}
    else:
        present = {"status": stage.status, "percent": round(100 * elapsed / stage.lasts, 1)}
    before = _SUBTASKS.index(stage.subtask)
    done, later = {"status": "success", "percent": 100.0}, {"status": "notStarted", "percent": 0.0}
    states = [*[done] * before, present, *[later] * (len(_SUBTASKS) - before - 1)]
    return [{"subTaskType": name, **state} for name, state in zip(_SUBTASKS, states, strict=True)]
