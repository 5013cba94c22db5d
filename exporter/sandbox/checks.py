"""Check items as they are played: how long each runs, and how it ends. By default those of a data comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from exporter.sandbox.families import data_compare
from exporter.sandbox.prechecks import Item, Run, Status


def items(count: int, of: Sequence[Item] = data_compare.CHECKS) -> tuple[Item, ...]:
    """`count` different items; past the known ones they repeat under numbered names."""
    rounds = (divmod(index, len(of)) for index in range(count))
    return tuple(_numbered(of[index], number) for number, index in rounds)


def run(
    seconds: float = 0.0,
    *,
    queued_seconds: float = 0.0,
    ends: Mapping[str, tuple[Status, str]] | None = None,
    of: Sequence[Item] = data_compare.CHECKS,
) -> Run:
    """One run of all items, `seconds` each; `ends` has the items that do not succeed, with their messages."""
    ends = ends or {}
    played = [
        replace(item, seconds=seconds, outcome=outcome, error_message=message)
        for item in of
        for outcome, message in [ends.get(item.item, (Status.SUCCESS, ""))]
    ]
    return Run(tuple(played), queued_seconds)


def _numbered(item: Item, number: int) -> Item:
    if not number:
        return item
    return replace(item, item=f"{item.item}{number + 1}", name=f"{item.name} {number + 1}")
