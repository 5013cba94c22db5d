"""The check items of each kind of task.

Documented are `compareSrcPermissionCheck`, `targetDataSourceCheck`, `targetDataExistCheck` and `srcDataSourceCheck` of
comparisons, `replBidirectionLoopExistCheck` and `srcDataSourceCheck` of replication. All others are made up in their
pattern.
"""

from collections.abc import Mapping
from dataclasses import replace

from exporter.ninedata import CheckItem, Status

_LOGIN = (
    "Check the status of the gateway of the {} datasource, database connectable, and verify the username and password"
)
_PRIVILEGE = "Check whether the account privileges of the {} database meet the requirements"


def _items(*rows: tuple[str, str, str]) -> tuple[CheckItem, ...]:
    return tuple(CheckItem(*row, Status.SUCCESS, "") for row in rows)


_COMPARISON = _items(
    ("srcDataSourceCheck", "Source Connection Check", _LOGIN.format("source")),
    ("targetDataSourceCheck", "Target Connection Check", _LOGIN.format("target")),
    ("compareSrcPermissionCheck", "Source database privilege check", _PRIVILEGE.format("source")),
    ("compareTargetPermissionCheck", "Target database privilege check", _PRIVILEGE.format("target")),
    ("srcVersionCheck", "Source version check", "Check whether the source's version is supported"),
    ("targetVersionCheck", "Target version check", "Check whether the target's version is supported"),
)
CHECKS = {
    "data_compare": _COMPARISON
    + _items(
        ("srcDataExistCheck", "Source object existence check", "Check whether the source has the compared objects"),
        ("targetDataExistCheck", "Target object existence check", "Check whether the target has the compared objects"),
        ("comparePrimaryKeyCheck", "Primary key check", "Check whether each table has a primary or unique key"),
        ("compareColumnTypeCheck", "Column type check", "Check whether the column types can be compared"),
        ("compareCharsetCheck", "Character set check", "Check whether both sides use the same character set"),
        ("compareTimeZoneCheck", "Time zone check", "Check whether both sides use the same time zone"),
    ),
    "schema_compare": _COMPARISON
    + _items(
        ("compareObjectTypeCheck", "Object type check", "Check whether both databases have the compared types"),
        ("compareNameCaseCheck", "Name case check", "Check whether both databases treat the case of names alike"),
    ),
    "replication": _items(
        ("replBidirectionLoopExistCheck", "Cyclic replication check", "Check for replication loops"),
        ("srcDataSourceCheck", "Source datasource connection check", _LOGIN.format("source")),
        ("targetDataSourceCheck", "Target datasource connection check", _LOGIN.format("target")),
        ("srcPermissionCheck", "Source privilege check", "Check whether the account may read the source"),
        ("targetPermissionCheck", "Target privilege check", "Check whether the account may write the target"),
        ("srcBinlogCheck", "Source log check", "Check whether the source keeps a change log of the needed form"),
        ("targetObjectExistCheck", "Object conflict check", "Check whether the target has objects of the same name"),
        ("replPrimaryKeyCheck", "Primary key check", "Check whether each table has a primary or unique key"),
    ),
}
"""By kind of task; all have passed."""


def ended(kind: str, failed: Mapping[str, str] = {}, warning: Mapping[str, str] = {}) -> tuple[CheckItem, ...]:
    """The check items of a kind at the end of a precheck; `failed` and `warning` have the reasons of those."""
    items = {check.item: check for check in CHECKS[kind]}
    for status, reasons in ((Status.FAILED, failed), (Status.WARNING, warning)):
        items |= {item: replace(items[item], status=status, message=reason) for item, reason in reasons.items()}
    return tuple(items.values())
