"""Prechecks of data comparison tasks.

The identifiers `compareSrcPermissionCheck`, `targetDataSourceCheck`, `targetDataExistCheck` and `srcDataSourceCheck`
are documented, as are the first two's names and descriptions. All others are invented after their pattern.
"""

from exporter.sandbox.families.comparison import comparison
from exporter.sandbox.prechecks import Item

DOCUMENTED = (
    Item(
        "compareSrcPermissionCheck",
        "Source database privilege check",
        "Check whether the account privileges of the source database meet the requirements",
    ),
    Item(
        "targetDataSourceCheck",
        "Target Connection Check",
        "Check the status of the gateway of the target datasource, database connectable, "
        "and verify the username and password",
    ),
)
"""The items of the documented example."""

CHECKS = (
    Item(
        "srcDataSourceCheck",
        "Source Connection Check",
        "Check the gateway of the source datasource, that the database can be reached, and the login",
    ),
    DOCUMENTED[1],
    DOCUMENTED[0],
    Item(
        "compareTargetPermissionCheck",
        "Target database privilege check",
        "Check whether the account of the target database may read every compared object",
    ),
    Item("srcVersionCheck", "Source version check", "Check whether the source database's version is supported"),
    Item("targetVersionCheck", "Target version check", "Check whether the target database's version is supported"),
    Item(
        "srcDataExistCheck", "Source object existence check", "Check whether the compared objects exist in the source"
    ),
    Item(
        "targetDataExistCheck",
        "Target object existence check",
        "Check whether the compared objects exist in the target with the columns that are needed",
    ),
    Item("comparePrimaryKeyCheck", "Primary key check", "Check whether each table has a primary or unique key"),
    Item("compareColumnTypeCheck", "Column type check", "Check whether column types of both sides can be compared"),
    Item("compareCharsetCheck", "Character set check", "Check whether both sides use the same character set"),
    Item("compareTimeZoneCheck", "Time zone check", "Check whether both databases are set to the same time zone"),
)

FAMILY = comparison("data_compare", "cd-", "/openapi/v1/comparedata", CHECKS)
