"""What NineData says: its OpenAPI's prechecks, asked for and understood. Knows nothing of Prometheus.

Here is all but the `client` and its `transport`: to import an HTTP library takes longer than to check a configuration.
"""

from exporter.ninedata.calls import Call
from exporter.ninedata.failures import ADVICE, QueryError, Reason
from exporter.ninedata.guidance import REQUEST_KINDS, advice_on
from exporter.ninedata.kinds import DEFAULT_KIND, KINDS
from exporter.ninedata.model import ID, CheckItem, Precheck, Status, TaskRef
from exporter.ninedata.replication_list import DISCOVERED_KIND, TASK_STATUSES, Replication, list_replications
from exporter.ninedata.replication_list import MAX_TASKS as MAX_LISTED
from exporter.ninedata.replication_list import NAME as LIST_NAME

__all__ = [
    "ADVICE",
    "DEFAULT_KIND",
    "DISCOVERED_KIND",
    "ID",
    "KINDS",
    "LIST_NAME",
    "MAX_LISTED",
    "REQUEST_KINDS",
    "TASK_STATUSES",
    "Call",
    "CheckItem",
    "Precheck",
    "QueryError",
    "Reason",
    "Replication",
    "Status",
    "TaskRef",
    "advice_on",
    "list_replications",
]
