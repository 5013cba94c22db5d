"""Prechecks of schema comparison tasks, documented by the vendor in the shape of a data comparison's."""

from exporter.ninedata.kinds import comparison
from exporter.ninedata.kinds.kind import Kind

KIND = Kind(
    name="schema_compare",
    title="schema comparisons",
    path="/openapi/v1/compareschema/precheck/status",
    has_precheck_id=True,
    parameters=comparison.parameters,
    parse=comparison.parse,
)
