"""The documented paths."""

DATA_COMPARE_STATUS = "/openapi/v1/comparedata/precheck/status"
DATA_COMPARE_START = "/openapi/v1/comparedata/precheck/start"
SCHEMA_COMPARE_STATUS = "/openapi/v1/compareschema/precheck/status"
SCHEMA_COMPARE_START = "/openapi/v1/compareschema/precheck/start"
REPLICATION_STATUS = "/openapi/v1/replication/precheck/status"
REPLICATION_START = "/openapi/v1/replication/precheck/start"
REPLICATION_LIST = "/openapi/v1/replication/list"
