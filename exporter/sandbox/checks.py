"""The check items of a data comparison's precheck.

The identifiers `compareSrcPermissionCheck`, `targetDataSourceCheck`, `targetDataExistCheck` and `srcDataSourceCheck`
are documented, as are the first two's names and descriptions. All others are invented after their pattern.
"""

from collections.abc import Mapping
from dataclasses import replace

from exporter.sandbox.prechecks import Item, Run, Status

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

DATA_COMPARE = (
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


def items(count: int) -> tuple[Item, ...]:
    """`count` different items; past the known ones they repeat under numbered names."""
    rounds = (divmod(index, len(DATA_COMPARE)) for index in range(count))
    return tuple(_numbered(DATA_COMPARE[index], number) for number, index in rounds)


def run(
    seconds: float = 0.0, *, queued_seconds: float = 0.0, ends: Mapping[str, tuple[Status, str]] | None = None
) -> Run:
    """One run of all items, `seconds` each; `ends` has the items that do not succeed, with their messages."""
    ends = ends or {}
    played = [
        replace(item, seconds=seconds, outcome=outcome, error_message=message)
        for item in DATA_COMPARE
        for outcome, message in [ends.get(item.item, (Status.SUCCESS, ""))]
    ]
    return Run(tuple(played), queued_seconds)


def _numbered(item: Item, number: int) -> Item:
    if not number:
        return item
    return replace(item, item=f"{item.item}{number + 1}", name=f"{item.name} {number + 1}")
