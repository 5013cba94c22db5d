"""The outcome of a precheck, its exit status, and its three formats."""

import json
import re
import textwrap
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from exporter.config import Task
from exporter.ninedata import Precheck, Status

ENDED = (Status.SUCCESS, Status.WARNING, Status.FAILED)


@dataclass(slots=True)
class Outcome:
    """The latest answer about a precheck, or why there is none."""

    task: Task
    precheck: Precheck | None = None
    """The last answer."""
    error: str = ""
    """Why its end is not known."""

    def status(self) -> Status:
        """The precheck's status; Warning also where one of its items warns, and Unknown without an answer."""
        if self.precheck is None:
            return Status.UNKNOWN
        warned = self.precheck.status is Status.SUCCESS and any(
            item.status is Status.WARNING for item in self.precheck.items
        )
        return Status.WARNING if warned else self.precheck.status

    def exit_status(self, *, fail_on_warning: bool) -> int:
        """0 passed, 1 failed, 2 unknown."""
        status = self.status()
        if self.error or status not in ENDED:
            return 2
        return int(status is Status.FAILED or (fail_on_warning and status is Status.WARNING))


def text_of_outcome(outcome: Outcome) -> str:
    """A table for people: the check items, the worst first, with reason and remediation."""
    order = (Status.FAILED, Status.WARNING, Status.UNKNOWN, Status.RUNNING, Status.UNSTARTED, Status.SUCCESS)
    lines, indent = [], " " * 11
    items = outcome.precheck.items if outcome.precheck else ()
    for item in sorted(items, key=lambda item: order.index(item.status)):
        lines.append(f"{item.status:<10} {item.name or item.item} ({item.item})")
        for paragraph in item.message.splitlines():
            lines += textwrap.wrap(paragraph, width=100, initial_indent=indent, subsequent_indent=indent)
    verdict = f"{outcome.task.name}: the precheck's status is {outcome.status()}"
    lines.append(f"{verdict}; {outcome.error}" if outcome.error else verdict)
    return "\n".join(lines) + "\n"


def json_of_outcome(outcome: Outcome, exit_status: int) -> str:
    """One JSON document."""
    items = outcome.precheck.items if outcome.precheck else ()
    document = {
        "task_id": outcome.task.ref.task_id,
        "precheck_task_id": outcome.task.ref.precheck_task_id or None,
        "kind": outcome.task.ref.kind,
        "name": outcome.task.name,
        "status": str(outcome.status()),
        "exit_status": exit_status,
        "error": outcome.error or None,
        "items": [
            {"item": item.item, "item_name": item.name, "status": str(item.status), "reason": item.message or None}
            for item in items
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def junit_of_outcome(outcome: Outcome, *, fail_on_warning: bool) -> str:
    """One test case for each check item, and one that is an error if the precheck's end is not known."""
    root, name = ET.Element("testsuites"), _xml(outcome.task.name)
    suite = ET.SubElement(root, "testsuite", name=f"NineData precheck of {name}", time="0")

    def add_case(title: str, tag: str = "", message: str = "", status: Status | None = None) -> None:
        # The API tells no times, but some readers want the attribute.
        case = ET.SubElement(suite, "testcase", classname=f"ninedata.{name}", name=_xml(title), time="0")
        if tag:
            # Jenkins shows attribute and text, GitLab the text alone.
            attributes = {"message": _xml(message.partition("\n")[0]), "type": str(status)} if status else {}
            ET.SubElement(case, tag, attributes).text = _xml(message)

    for item in outcome.precheck.items if outcome.precheck else ():
        title = f"{item.name} ({item.item})" if item.name else item.item  # GitLab drops cases of the same name
        if item.status is Status.FAILED or (fail_on_warning and item.status is Status.WARNING):
            add_case(title, "failure", item.message or "The API gives no reason.", item.status)
        elif item.status is Status.WARNING:
            add_case(title, "system-out", f"Warning: {item.message}")
        elif item.status is Status.SUCCESS:
            add_case(title)
        else:
            add_case(title, "skipped", f"The check item is {item.status}.", item.status)
    code = outcome.exit_status(fail_on_warning=fail_on_warning)
    if code == 2 or (code == 1 and suite.find("testcase/failure") is None):  # noqa: PLR2004 - not known
        message = outcome.error or f"the precheck's status is {outcome.status()}"
        add_case("precheck", "error" if code > 1 else "failure", message, outcome.status())
    elif len(suite) == 0:
        add_case("precheck")  # Jenkins fails a build whose report has no case
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _xml(text: str) -> str:
    """The text without the characters that XML cannot have at all."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)
