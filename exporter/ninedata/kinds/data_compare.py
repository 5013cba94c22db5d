"""Prechecks of data comparison tasks, documented by the vendor."""

from exporter.ninedata.kinds import comparison
from exporter.ninedata.kinds.kind import Kind

KIND = Kind(
    name="data_compare",
    title="data comparisons",
    path="/openapi/v1/comparedata/precheck/status",
    has_precheck_id=True,
    parameters=comparison.parameters,
    parse=comparison.parse,
)
