"""The kinds of task: a table of the paths and keys with which the API is queried about them."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.ninedata.precheck import TaskRef
from exporter.ninedata.task_state import COMPARISON_STATUSES, REPLICATION_STATUSES, TaskStatus

Parameters = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TaskList:
    """The list of all tasks of one kind, which comes in pages, and the keys of its answer."""

    path: str
    page_key: str
    """The page's number, in the request."""
    task_key: str
    """Within an entry: the task's id."""
    name_key: str
    statuses: tuple[str, ...]
    """The documented words for the status of an entry."""
    entries_key: str = ""
    """Within `data`; empty if `data` is itself the list of entries."""
    filters_by_status: bool = False
    """Whether the server takes a status."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How tasks of one kind and their prechecks are queried, and the keys of the answers.

    The defaults are those of comparisons.
    """

    name: str
    """The value of `kind` in the configuration and in metrics. Requests about prechecks are counted under it."""
    path: str
    """Of a precheck: the `/openapi/...` path, which is also what is signed."""
    task_key: str = "taskId"
    """The task's id, in the request and in the answer."""
    precheck_key: str = "precheckTaskId"
    """The precheck's id, likewise; empty where a task has one precheck, without an id."""
    status_key: str = "status"
    items_key: str = "precheckItems"
    item_key: str = "precheckItem"
    """Within a check item: its stable identifier."""
    state_path: str = ""
    """Of the task itself."""
    state_task_key: str = "taskId"
    """The task's id, in the answer about the task itself."""
    statuses: tuple[TaskStatus, ...] = COMPARISON_STATUSES
    """Those that a task itself can have."""
    execution_path: str = ""
    """Of an execution; empty where tasks have none."""
    execution_is_unique: bool = False
    """Whether the id of an execution finds it without that of the task."""
    list: TaskList | None = None

    @property
    def has_precheck_id(self) -> bool:
        """Whether a precheck has an id of its own beside the task's."""
        return bool(self.precheck_key)

    @property
    def state_request(self) -> str:
        """The `kind` of the requests about the task itself."""
        return f"{self.name}_task"

    @property
    def most_state_requests(self) -> int:
        """The most requests that the task itself needs."""
        return 2 if self.execution_path else 1

    @property
    def list_request(self) -> str:
        """The `kind` of the requests for the list."""
        return f"{self.name}_list"

    def parameters(self, task: TaskRef) -> Parameters:
        """The query string for the precheck."""
        precheck = ((self.precheck_key, task.precheck_task_id),) if self.precheck_key else ()
        return (*self.state_parameters(task), *precheck)

    def state_parameters(self, task: TaskRef) -> Parameters:
        """The query string for the task itself."""
        return ((self.task_key, task.task_id),)

    def execution_parameters(self, task: TaskRef, execution_id: str) -> Parameters:
        """The query string for an execution, whose id the API names `lastExecId` in the answer about the task."""
        of_task = () if self.execution_is_unique else self.state_parameters(task)
        return (*of_task, ("execId", execution_id))


_BEFORE_RUNNING = ("createSuccess", "preChecking", "preCheckSuccess", "preCheckFailed", "notStarted", "starting")
_TABLE = (
    Kind(
        "data_compare",
        "/openapi/v1/comparedata/precheck/status",
        state_path="/openapi/v1/comparedata/queryTaskById",
        state_task_key="id",
        execution_path="/openapi/v1/comparedata/queryTaskExecInfo",
        execution_is_unique=True,
    ),
    Kind(
        "schema_compare",
        "/openapi/v1/compareschema/precheck/status",
        state_path="/openapi/v1/compareschema/queryTaskById",
        execution_path="/openapi/v1/compareschema/queryTaskExecInfo",
        list=TaskList(
            "/openapi/v1/compareschema/queryTaskList",
            page_key="pageNumber",
            task_key="taskId",
            name_key="taskName",
            statuses=("notStarted", "prechecking", "starting", "running", "success", "failed", "stopped"),
            entries_key="schemaComparisons",
        ),
    ),
    Kind(
        "replication",
        "/openapi/v1/replication/precheck/status",
        task_key="replicationId",
        precheck_key="",
        status_key="precheckStatus",
        items_key="items",
        item_key="itemId",
        state_path="/openapi/v1/replication/status",
        state_task_key="replicationId",
        statuses=REPLICATION_STATUSES,
        list=TaskList(
            "/openapi/v1/replication/list",
            page_key="current",
            task_key="replicationId",
            name_key="name",
            statuses=(*_BEFORE_RUNNING, "running", "success", "failed", "suspended", "abnormal", "stopped", "locked"),
            filters_by_status=True,
        ),
    ),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _TABLE}
"""By name, the default first."""
DEFAULT_KIND = "data_compare"

LISTS: Mapping[str, TaskList] = {kind.name: kind.list for kind in reversed(_TABLE) if kind.list}
"""The kinds that can be discovered, in the order in which messages and documents name them."""

REQUEST_PATHS: Mapping[str, str] = (
    {kind.name: kind.path for kind in _TABLE}
    | {kind.state_request: " or ".join(filter(None, (kind.state_path, kind.execution_path))) for kind in _TABLE}
    | {kind.list_request: kind.list.path for kind in _TABLE if kind.list}
)
"""For people, by every value of the label `kind` of the metrics about requests."""
