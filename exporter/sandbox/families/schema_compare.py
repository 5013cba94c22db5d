"""Prechecks of schema comparison tasks.

Of the check items only `srcDataSourceCheck` is documented, with its name. All others are invented after the pattern of
data comparison's.
"""

from exporter.sandbox.families.comparison import comparison
from exporter.sandbox.prechecks import Item

CHECKS = (
    Item(
        "srcDataSourceCheck",
        "Source Connection Check",
        "Check the status of the gateway of the source datasource, database connectable, "
        "and verify the username and password",
    ),
    Item(
        "targetDataSourceCheck",
        "Target Connection Check",
        "Check the status of the gateway of the target datasource, database connectable, "
        "and verify the username and password",
    ),
    Item(
        "compareSrcPermissionCheck",
        "Source database privilege check",
        "Check whether the account of the source database may read the definition of every compared object",
    ),
    Item(
        "compareTargetPermissionCheck",
        "Target database privilege check",
        "Check whether the account of the target database may read the definition of every compared object",
    ),
    Item("srcVersionCheck", "Source version check", "Check whether the source database's version is supported"),
    Item("targetVersionCheck", "Target version check", "Check whether the target database's version is supported"),
    Item("compareObjectTypeCheck", "Object type check", "Check whether both databases have the compared types"),
    Item("compareNameCaseCheck", "Name case check", "Check whether both databases treat the case of names alike"),
)

DOCUMENTED = CHECKS[:1]
"""The item of the documented example."""

FAMILY = comparison("schema_compare", "cc-", "/openapi/v1/compareschema", CHECKS)
