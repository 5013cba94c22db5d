"""Typed reading of a YAML mapping, collecting every fault instead of stopping at the first."""

import math
import re
from collections.abc import Callable, Iterator

import yaml

from exporter.config.document import Fault
from exporter.ninedata.text import is_printable

_UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_DURATION = re.compile(
    r"(?:(?P<y>\d{1,9})y)?(?:(?P<w>\d{1,9})w)?(?:(?P<d>\d{1,9})d)?(?:(?P<h>\d{1,9})h)?(?:(?P<m>\d{1,9})m)?"
    r"(?:(?P<s>\d{1,9})s)?(?:(?P<ms>\d{1,9})ms)?",
    re.ASCII,
)
_PLAIN_KEY = re.compile(r"[\w.<-]{1,64}", re.ASCII)
_TEXT_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_NULL_TAG = "tag:yaml.org,2002:null"


def duration_seconds(text: str) -> float | None:
    """A duration as Prometheus writes it (`500ms`, `5s`, `1m30s`, `0`) in seconds; None for anything else."""
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return None
    return sum(int(number) * _UNIT_SECONDS[unit] for unit, number in match.groupdict().items() if number)


class Reader:
    """A mapping of the document, read key by key.

    Each typed method gives the value, or the default where the key is missing, null or wrong; what is wrong becomes a
    fault in the shared list. `done()` reports the keys that nobody took.
    """

    def __init__(self, node: yaml.Node | None, file: str, faults: list[Fault], key: str = "") -> None:
        self.file = file
        self.key = key
        self.faults = faults
        self.line = node.start_mark.line + 1 if node is not None else None
        self._values: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        self._taken: set[str] = set()
        self.usable = True
        """False where there is something else than a mapping: what it lacks needs no further faults."""
        if node is None or node.tag == _NULL_TAG:
            return
        if not isinstance(node, yaml.MappingNode):
            self.usable = False
            self.fault(f"must be a mapping of keys, not {_described(node)}")
            return
        for name_node, value in node.value:
            self._enter(name_node, value)

    def _enter(self, name_node: yaml.Node, value: yaml.Node) -> None:
        line = name_node.start_mark.line + 1
        if not isinstance(name_node, yaml.ScalarNode):
            self.faults.append(Fault(self.file, line, self.key, "a key must be text"))
            return
        name = str(name_node.value)
        if name_node.tag.endswith(":merge"):
            hint = "YAML merge keys (<<) are not supported; an alias for a whole value (labels: *common) is"
            self.faults.append(Fault(self.file, line, self.key, hint))
            return
        if name in self._values:
            self.faults.append(
                Fault(self.file, line, self.path(name), f"is given twice, first on line {self._lines[name]}")
            )
            return
        self._values[name] = value
        self._lines[name] = line

    def path(self, name: str) -> str:
        """The path of a key of this mapping, `api.tls.ca_file`.

        Of a key that is no plain word only the start is shown: the rest of `secret_key:value`, which lacks a space and
        so is a key as a whole, is secret, and a control character would spoil the message.
        """
        plain = _PLAIN_KEY.match(name)
        shown = plain.group() if plain else ""
        if shown != name or not name:
            shown += "…"
        return f"{self.key}.{shown}" if self.key else shown

    def fault(self, message: str, name: str | None = None) -> None:
        """Report a fault of this mapping, or of one of its keys."""
        if name is None:
            self.faults.append(Fault(self.file, self.line, self.key, message))
        else:
            self.faults.append(Fault(self.file, self._lines.get(name, self.line), self.path(name), message))

    def has(self, name: str) -> bool:
        """Whether the key is there and not null."""
        return name in self._values and self._values[name].tag != _NULL_TAG

    def names(self) -> Iterator[str]:
        """The keys that are there, in the order of the file."""
        return iter(self._values)

    def line_of(self, name: str) -> int | None:
        """The line of a key."""
        return self._lines.get(name, self.line)

    def done(self, hint: str = "is not a known key") -> None:
        """Report every key that was not taken."""
        for name in self._values:
            if name not in self._taken:
                self.fault(hint, name)

    def mapping(self, name: str) -> "Reader":
        """The mapping under a key; an empty one where it is missing."""
        node = self._take(name)
        reader = Reader(node, self.file, self.faults, self.path(name))
        if node is None:
            reader.line = self.line_of(name)
        return reader

    def sequence(self, name: str) -> list[yaml.Node]:
        """The entries of the list under a key."""
        node = self._take(name)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.fault(f"must be a list, not {_described(node)}", name)
            return []
        return list(node.value)

    def text(self, name: str, *, multiline: bool = False) -> str | None:
        """A text. A number is taken as it is written, so that an id of digits needs no quotes."""
        node = self._take(name)
        if node is None:
            return None
        fault = _fault_of_text(node, multiline=multiline)
        if fault is not None:
            self.fault(fault, name)
            return None
        return str(node.value)

    def texts(self, name: str, check: Callable[[str], str | None] = lambda _text: None) -> list[str]:
        """The texts of a list; `check` says what is wrong with one, or None."""
        found = []
        for index, node in enumerate(self.sequence(name)):
            fault = _fault_of_text(node) or check(str(node.value))
            if fault is None:
                found.append(str(node.value))
            else:
                line = node.start_mark.line + 1
                self.faults.append(Fault(self.file, line, f"{self.path(name)}[{index}]", fault))
        return found

    def boolean(self, name: str, *, default: bool) -> bool:
        """`true` or `false`."""
        node = self._take(name)
        if node is None:
            return default
        if not isinstance(node, yaml.ScalarNode) or node.tag != "tag:yaml.org,2002:bool":
            self.fault(f"must be true or false, not {_described(node)}", name)
            return default
        return str(node.value).lower() in ("true", "yes", "on")

    def number(self, name: str, *, default: float, lowest: float, highest: float, whole: bool = False) -> float:
        """A number between two bounds, both allowed."""
        node = self._take(name)
        if node is None:
            return default
        kind = "a whole number" if whole else "a number"
        try:
            if not isinstance(node, yaml.ScalarNode) or node.tag == _TEXT_TAGS[0]:
                raise ValueError  # noqa: TRY301 - one message for all that is no number
            value = float(int(node.value)) if whole else float(node.value)
            if not lowest <= value <= highest:  # also false for a NaN
                raise ValueError  # noqa: TRY301 - the same
        except (ValueError, OverflowError):
            self.fault(f"must be {kind} from {lowest:g} to {highest:g}", name)
            return default
        return value

    def duration(self, name: str, *, default: float, highest: float) -> float:
        """A duration greater than zero, in seconds."""
        node = self._take(name)
        if node is None:
            return default
        seconds = duration_seconds(str(node.value)) if isinstance(node, yaml.ScalarNode) else None
        if seconds is None:
            self.fault("must be a duration such as 500ms, 5s or 1m30s", name)
            return default
        if not 0 < seconds <= highest or not math.isfinite(seconds):
            self.fault(f"must be more than 0 and at most {highest:g}s", name)
            return default
        return seconds

    def _take(self, name: str) -> yaml.Node | None:
        self._taken.add(name)
        return self._values[name] if self.has(name) else None


def _fault_of_text(node: yaml.Node, *, multiline: bool = False) -> str | None:
    """Why a node is no text, or one that cannot be used; None where it can."""
    if not isinstance(node, yaml.ScalarNode) or node.tag not in _TEXT_TAGS:
        hint = "; put it in quotes if it is meant so" if isinstance(node, yaml.ScalarNode) else ""
        return f"must be text, not {_described(node)}{hint}"
    if not str(node.value).strip():
        return "is empty"
    if not all(is_printable(line) for line in (str(node.value).split("\n") if multiline else [str(node.value)])):
        return "has line breaks or control characters"
    return None


def _described(node: yaml.Node) -> str:
    """What a node is, without its content, which may be secret."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    names = {
        "str": "text",
        "bool": "a truth value",
        "null": "nothing",
        "timestamp": "a date",
        "int": "a number",
        "float": "a number",
    }
    return names.get(node.tag.removeprefix("tag:yaml.org,2002:"), "a special value of YAML")
