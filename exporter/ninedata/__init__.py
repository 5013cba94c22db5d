"""What NineData says of tasks and prechecks, queried from its OpenAPI. Knows no Prometheus, no configuration.

`client` and `transport` are imported directly: to import an HTTP library takes longer than to check a configuration.
"""

from exporter.ninedata.failures import QueryError, Reason, advice_on
from exporter.ninedata.kinds import DEFAULT_KIND, KINDS, LISTS, REQUEST_PATHS, Kind
from exporter.ninedata.precheck import ID, CheckItem, Precheck, Status, TaskRef
from exporter.ninedata.task_lists import ListedTask
from exporter.ninedata.task_state import Execution, Subtask, TaskState, TaskStatus

__all__ = [
    "DEFAULT_KIND",
    "ID",
    "KINDS",
    "LISTS",
    "REQUEST_PATHS",
    "CheckItem",
    "Execution",
    "Kind",
    "ListedTask",
    "Precheck",
    "QueryError",
    "Reason",
    "Status",
    "Subtask",
    "TaskRef",
    "TaskState",
    "TaskStatus",
    "advice_on",
]
