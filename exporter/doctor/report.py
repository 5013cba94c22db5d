"""The report: findings in, text out. Pure."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from exporter.doctor.finding import Check, Finding, Level

FORMATS = ("table", "json")
MAX_GOOD = 50
"""Good findings of one check that the table has; more are counted."""
MAX_OTHERS = 200
"""The same of faults, of warnings, and of what was skipped."""
MAX_SUBJECTS = 5
"""Subjects that are named with one piece of advice."""
MIN_WIDTH = 60

_LEVEL_WIDTH, _CHECK_WIDTH = 9, 15
_VERDICTS: Mapping[Level, str] = {Level.OK: "confirmed", Level.WARNING: "wrong", Level.SKIPPED: "not seen"}


@dataclass(frozen=True, slots=True)
class Report:
    """An examination that is over."""

    version: str
    examined: str
    findings: Sequence[Finding]
    complete: bool = True
    """False where it was interrupted."""

    @property
    def good(self) -> bool:
        """Whether all was examined that could be, and nothing is at fault."""
        return self.complete and not any(found.level is Level.FAULT for found in self.findings)


def json_of(report: Report) -> str:
    """One JSON document, with every finding."""
    document = {
        "version": report.version,
        "examined": report.examined,
        "good": report.good,
        "complete": report.complete,
        "findings": [asdict(found) for found in report.findings],
    }
    return json.dumps(document, indent=2) + "\n"


def table_of(report: Report, width: int) -> str:
    """Text for people: every finding, what to do, what was learned of the API, and the outcome in the last line."""
    width = max(width, MIN_WIDTH)
    about_api = [found for found in report.findings if found.check is Check.ASSUMPTION]
    findings = [found for found in report.findings if found.check is not Check.ASSUMPTION]
    parts = [
        _wrapped("", f"ninedata-exporter {report.version} examined {report.examined}", width),
        list(_rows(findings, width)),
        list(_advice(report.findings, width)),
        list(_learned(about_api, width)),
        [_outcome(report)],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _rows(findings: Sequence[Finding], width: int) -> Iterator[str]:
    for check in Check:
        for level in Level:
            of_kind = [found for found in findings if (found.check, found.level) == (check, level)]
            most = MAX_GOOD if level is Level.OK else MAX_OTHERS
            head = f"{level:<{_LEVEL_WIDTH}}{check:<{_CHECK_WIDTH}}"
            for found in of_kind[:most]:
                yield from _wrapped(head, f"{found.subject}: {found.what}" if found.subject else found.what, width)
            if len(of_kind) > most:
                yield f"{head}... and {len(of_kind) - most} more"


def _advice(findings: Iterable[Finding], width: int) -> Iterator[str]:
    """Each piece of advice once, with what it is about."""
    about: dict[str, list[str]] = {}
    for found in findings:
        if found.advice and found.level is not Level.SKIPPED:
            about.setdefault(found.advice, []).append(found.subject or str(found.check))
    if about:
        yield "What to do"
    for number, (advice, subjects) in enumerate(about.items(), start=1):
        more = f" and {len(subjects) - MAX_SUBJECTS} more" if len(subjects) > MAX_SUBJECTS else ""
        yield from _wrapped(f"{number:>3}. ", f"{', '.join(subjects[:MAX_SUBJECTS])}{more}: {advice}", width)


def _learned(about_api: Sequence[Finding], width: int) -> Iterator[str]:
    """What is not seen is most of it, and is summed up in one entry."""
    if about_api:
        yield from _wrapped(
            "", "What it tells of the API (“What is assumed about the API” in docs/operations.md)", width
        )
    for found in about_api:
        if found.level is not Level.SKIPPED:
            yield from _wrapped(f"  {_VERDICTS[found.level]:<11}", f"{found.subject}: {found.what}", width)
    unseen = [found.subject for found in about_api if found.level is Level.SKIPPED]
    if unseen:
        yield from _wrapped(f"  {_VERDICTS[Level.SKIPPED]:<11}", "; ".join(unseen), width)


def _outcome(report: Report) -> str:
    counts = Counter(found.level for found in report.findings if found.check is not Check.ASSUMPTION)
    numbers = ", ".join(
        f"{counts[level]} {level}{'s' if counts[level] > 1 and level in (Level.FAULT, Level.WARNING) else ''}"
        for level in Level
        if counts[level]
    )
    if not report.complete:
        return f"Interrupted; until then: {numbers or 'nothing'}."
    return f"{'Good' if report.good else 'Not good'}: {numbers}."


def _wrapped(head: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    ) or [head.rstrip()]
