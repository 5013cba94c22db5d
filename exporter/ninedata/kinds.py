"""What the API is asked for: the kinds of precheck, each one row of a table, and the list of replication tasks."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.ninedata.precheck import TaskRef

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """How prechecks of one kind are queried, and the keys of the answer. The defaults are those of comparisons."""

    name: str
    """The value of `kind` in the configuration and in metrics."""
    path: str
    """The `/openapi/...` path, which is also what is signed."""
    task_key: str = "taskId"
    """The task's id, in the request and in the answer."""
    precheck_key: str = "precheckTaskId"
    """The precheck's id, likewise; empty where a task has one precheck, without an id."""
    status_key: str = "status"
    items_key: str = "precheckItems"
    item_key: str = "precheckItem"
    """Within a check item: its stable identifier."""

    @property
    def has_precheck_id(self) -> bool:
        """Whether a precheck has an id of its own beside the task's."""
        return bool(self.precheck_key)

    def parameters(self, task: TaskRef) -> Parameters:
        """The query string."""
        parameters = ((self.task_key, task.task_id),)
        return (*parameters, (self.precheck_key, task.precheck_task_id)) if self.precheck_key else parameters


_TABLE = (
    Kind("data_compare", "/openapi/v1/comparedata/precheck/status"),
    Kind("schema_compare", "/openapi/v1/compareschema/precheck/status"),
    Kind(
        "replication",
        "/openapi/v1/replication/precheck/status",
        task_key="replicationId",
        precheck_key="",
        status_key="precheckStatus",
        items_key="items",
        item_key="itemId",
    ),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _TABLE}
"""By name, the default first."""
DEFAULT_KIND = "data_compare"

LIST_NAME = "replication_list"
"""The kind of the requests for the list of replication tasks."""
LIST_PATH = "/openapi/v1/replication/list"
DISCOVERED_KIND = "replication"
"""The kind of the tasks on that list."""

REQUEST_KINDS = (*KINDS, LIST_NAME)
"""Every value of the label `kind` of the metrics about requests."""
