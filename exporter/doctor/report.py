"""Findings, and the report of them as a table or as JSON. Pure."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from exporter import __version__

Check = Literal["configuration", "name", "connection", "query", "clock", "discovery", "task"]
"""The checks, in the order of the report."""

Level = Literal["fault", "warning", "skipped", "ok"]
"""How bad a finding is, the worst first. Skipped: an earlier check failed, or there is nothing to examine."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check."""

    check: Check
    subject: str
    """The host, file or task it is about; empty if the check has only one."""
    level: Level
    what: str
    advice: str = ""


def skipped(checks: Iterable[Check], why: str) -> list[Finding]:
    """A finding for each check that was skipped."""
    return [Finding(check, "", "skipped", why) for check in checks]


def is_good(findings: Iterable[Finding]) -> bool:
    """Whether nothing is at fault."""
    return not any(found.level == "fault" for found in findings)


def json_of(examined: str, findings: Sequence[Finding], *, complete: bool = True) -> str:
    """One JSON document with every finding; not `complete` if the examination was interrupted."""
    document = {
        "version": __version__,
        "examined": examined,
        "good": complete and is_good(findings),
        "complete": complete,
        "findings": [asdict(found) for found in findings],
    }
    return json.dumps(document, indent=2) + "\n"


def table_of(examined: str, findings: Sequence[Finding], *, complete: bool = True, width: int = 100) -> str:
    """Text for people: the findings, what to do, and the outcome in the last line."""
    width = max(width, 60)
    head = _wrapped("", f"ninedata-exporter {__version__} examined {examined}", width)
    verdict = "Interrupted" if not complete else "Good" if is_good(findings) else "Not good"
    counts = Counter(found.level for found in findings)
    numbers = ", ".join(f"{level} {counts[level]}" for level in get_args(Level) if counts[level])
    blocks = (head, _rows(findings, width), _advice(findings, width), [f"{verdict}: {numbers}."])
    return "\n\n".join(text for block in blocks if (text := "\n".join(block))) + "\n"


def _rows(findings: Sequence[Finding], width: int) -> Iterator[str]:
    """The findings of each check, the worst first; of each level at most 50."""
    for check in get_args(Check):
        for level in get_args(Level):
            found = [each for each in findings if (each.check, each.level) == (check, level)]
            head = f"{level:<9}{check:<15}"
            for each in found[:50]:
                yield from _wrapped(head, f"{each.subject}: {each.what}" if each.subject else each.what, width)
            if len(found) > 50:  # noqa: PLR2004 - see above
                yield f"{head}... and {len(found) - 50} more"


def _advice(findings: Iterable[Finding], width: int) -> Iterator[str]:
    """Each piece of advice once, with at most 5 subjects that it is for."""
    subjects: dict[str, list[str]] = {}
    for found in findings:
        if found.advice:
            subjects.setdefault(found.advice, []).append(found.subject or found.check)
    if subjects:
        yield "What to do"
    for number, (advice, named) in enumerate(subjects.items(), start=1):
        more = f" and {len(named) - 5} more" if len(named) > 5 else ""  # noqa: PLR2004 - see above
        yield from _wrapped(f"{number:>3}. ", f"{', '.join(named[:5])}{more}: {advice}", width)


def _wrapped(head: str, text: str, width: int) -> list[str]:
    indent = " " * len(head)
    return textwrap.wrap(text, width, initial_indent=head, subsequent_indent=indent, break_on_hyphens=False)
