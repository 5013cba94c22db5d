"""What NineData says: its OpenAPI's prechecks, asked for and understood. Knows nothing of Prometheus."""

from exporter.ninedata.client import ApiObserver, ApiSettings, NineDataClient
from exporter.ninedata.failures import ADVICE, QueryError, Reason
from exporter.ninedata.kinds import KINDS
from exporter.ninedata.model import CheckItem, Precheck, Status, TaskRef
from exporter.ninedata.transport import open_transport

__all__ = [
    "ADVICE",
    "KINDS",
    "ApiObserver",
    "ApiSettings",
    "CheckItem",
    "NineDataClient",
    "Precheck",
    "QueryError",
    "Reason",
    "Status",
    "TaskRef",
    "open_transport",
]
