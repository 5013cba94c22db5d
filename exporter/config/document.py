"""A YAML document whose every value knows its place, and the faults found in it."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml.composer import Composer
from yaml.resolver import Resolver

from exporter.ninedata.text import cut_middle

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
MAX_MESSAGE = 1000
"""Characters shown of a fault's message: what it names, such as a path, may be of any length."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a configuration: `config.yaml:12: tasks[3].task_id: must be text`."""

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        message = cut_middle(self.message, MAX_MESSAGE)
        return f"{place}: {self.key}: {message}" if self.key else f"{place}: {message}"


class ConfigError(Exception):
    """A configuration that cannot be used, with all its faults in the order of the file."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class UnreadableError(ConfigError):
    """A file that cannot be read now, whatever is in it."""


def compose(path: Path) -> yaml.Node | None:
    """The document as nodes, which keep their line; None for an empty one.

    Raises UnreadableError for a file that cannot be read, ConfigError for one that is not one YAML document. PyYAML's
    own text is not passed on whole: it quotes the document, secrets included.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise UnreadableError([Fault(str(path), None, "", f"cannot be read: {error.strerror}")]) from None
    if len(content) > MAX_DOCUMENT_BYTES:
        raise ConfigError([Fault(str(path), None, "", "is too large for a configuration")])
    try:
        text = content.decode("utf-8-sig")
        return _composed(text)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigError([Fault(str(path), line, "", "is not UTF-8 text")]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = _harmless(error.problem)
        raise ConfigError([Fault(str(path), line, "", f"is not valid YAML: {problem}")]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([Fault(str(path), line, "", "has a character that YAML does not allow")]) from None
    except (ValueError, OverflowError):
        # PyYAML makes characters and numbers of whatever digits stand there: "\\UFFFFFFFF", %YAML 9999...
        raise ConfigError([Fault(str(path), None, "", "is not valid YAML: a number in it is too large")]) from None
    except RecursionError:
        raise ConfigError([Fault(str(path), None, "", "is nested too deeply")]) from None


def _composed(text: str) -> yaml.Node | None:
    try:
        return _Composer(_QUICK_PARSER(text)).get_single_node()
    except yaml.YAMLError:
        # PyYAML's own parser takes several times as long, and says better what is wrong.
        return yaml.compose(text, Loader=yaml.SafeLoader)


class _Composer(Composer, Resolver):
    """PyYAML's own composer for the events of any parser: libyaml's ends the process where nesting is too deep."""

    def __init__(self, parser: "yaml.CSafeLoader | yaml.SafeLoader") -> None:
        Composer.__init__(self)
        Resolver.__init__(self)
        self.check_event = parser.check_event
        self.peek_event = parser.peek_event
        self.get_event = parser.get_event


# libyaml's where PyYAML was built with it, as its wheels are.
_QUICK_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _harmless(problem: str | None) -> str:
    """PyYAML's problem, unless it names something of the document beyond a token or a character."""
    if problem and problem.startswith("found undefined"):
        return problem.partition(" '")[0]
    known = (
        "expected",
        "found another document",
        "found character",
        "mapping values",
        "could not find",
        "found unexpected",
        "found unknown",
    )
    text = (problem or "").removeprefix("but ")
    return text if text.startswith(known) and len(text) < 120 else "see that line"  # noqa: PLR2004 - a line's worth
