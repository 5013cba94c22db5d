"""What NineData says: prechecks queried from its OpenAPI and understood. Knows no Prometheus, no configuration.

`client` and `transport` are imported directly: to import an HTTP library takes longer than to check a configuration.
"""

from exporter.ninedata.failures import QueryError, Reason, advice_on
from exporter.ninedata.kinds import DEFAULT_KIND, DISCOVERED_KIND, KINDS, LIST_NAME, REQUEST_KINDS, Kind
from exporter.ninedata.precheck import ID, CheckItem, Precheck, Status, TaskRef
from exporter.ninedata.replication_list import TASK_STATUSES, Replication

__all__ = [
    "DEFAULT_KIND",
    "DISCOVERED_KIND",
    "ID",
    "KINDS",
    "LIST_NAME",
    "REQUEST_KINDS",
    "TASK_STATUSES",
    "CheckItem",
    "Kind",
    "Precheck",
    "QueryError",
    "Reason",
    "Replication",
    "Status",
    "TaskRef",
    "advice_on",
]
