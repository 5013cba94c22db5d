"""Typed reading of a YAML mapping that collects every fault instead of stopping at the first."""

import re
from collections.abc import Callable, Iterator

import yaml

from exporter.faults import Fault
from exporter.ninedata.text import is_printable

_UNIT_SECONDS = {"y": 31536000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>\d{{1,9}}){unit})?" for unit in _UNIT_SECONDS), re.ASCII)
_PLAIN_KEY = re.compile(r"[\w.<-]{1,64}", re.ASCII)
_TAG = "tag:yaml.org,2002:"
_NUMBER_TAGS = (f"{_TAG}int", f"{_TAG}float")
_TEXT_TAGS = (f"{_TAG}str", *_NUMBER_TAGS)
_NULL_TAG = f"{_TAG}null"
_TYPE_NAMES = {
    "map": "a mapping",
    "seq": "a list",
    "str": "text",
    "bool": "a boolean",
    "null": "empty",
    "timestamp": "a date",
    "int": "a number",
    "float": "a number",
}


class Reader:
    """A mapping of the document, read key by key.

    Each typed method returns the value, or the default if the key is missing, null or wrong; what is wrong is added to
    the shared list of faults. `done()` reports the keys that were not read.
    """

    def __init__(self, node: yaml.Node | None, file: str, faults: list[Fault], key: str = "") -> None:
        self.file = file
        self.key = key
        self.faults = faults
        self.line = node.start_mark.line + 1 if node is not None else None
        self.usable = True
        """False if the value is not a mapping: missing keys are then not reported."""
        self._values: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        self._read: set[str] = set()
        self._mappings: list[Reader] = []
        if isinstance(node, yaml.MappingNode):
            for name_node, value in node.value:
                self._add(name_node, value)
        elif node is not None and node.tag != _NULL_TAG:
            self.usable = False
            self.fault(f"must be a mapping, not {_type_name(node)}")

    def _add(self, name_node: yaml.Node, value: yaml.Node) -> None:
        line, name = name_node.start_mark.line + 1, str(name_node.value)
        if not isinstance(name_node, yaml.ScalarNode):
            self.faults.append(Fault(self.file, line, self.key, "a key must be text"))
        elif name_node.tag == f"{_TAG}merge":
            message = "YAML merge keys (<<) are not supported; use an alias for a whole value (labels: *common)"
            self.faults.append(Fault(self.file, line, self.key, message))
        elif name in self._values:
            message = f"is given twice, first on line {self._lines[name]}"
            self.faults.append(Fault(self.file, line, self.path(name), message))
        else:
            self._values[name], self._lines[name] = value, line

    def ignore(self, prefix: str) -> None:
        """Take keys with a prefix as read: a place for anchors."""
        self._read |= {name for name in self._values if name.startswith(prefix)}

    def path(self, name: str) -> str:
        """The path of a key of this mapping, such as `api.tls.ca_file`.

        Only the start of an unusual key is shown: in `secret_key:value` the missing space makes the secret part of
        the key.
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
            self.faults.append(Fault(self.file, self.line_of(name), self.path(name), message))

    def has(self, name: str) -> bool:
        """Whether the key is there and not null."""
        return name in self._values and self._values[name].tag != _NULL_TAG

    def has_mapping(self, name: str) -> bool:
        """Whether the value of the key is a mapping, where it may be something else too."""
        return isinstance(self._values.get(name), yaml.MappingNode)

    def names(self) -> Iterator[str]:
        """The keys in the order of the file."""
        return iter(self._values)

    def line_of(self, name: str) -> int | None:
        """The line of a key; that of the mapping if the key is missing."""
        return self._lines.get(name, self.line)

    def done(self, message: str = "is not a known key") -> None:
        """Report every key that was not read, also of the mappings below, once."""
        for name in [name for name in self._values if name not in self._read]:
            self._read.add(name)
            self.fault(message, name)
        for mapping in self._mappings:
            mapping.done()

    def mapping(self, name: str) -> "Reader":
        """The mapping under a key; an empty one if it is missing."""
        reader = Reader(self._take(name), self.file, self.faults, self.path(name))
        self._mappings.append(reader)
        if reader.line is None:
            reader.line = self.line_of(name)
        return reader

    def sequence(self, name: str) -> list[yaml.Node]:
        """The entries of the list under a key."""
        node = self._take(name)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.fault(f"must be a list, not {_type_name(node)}", name)
            return []
        return list(node.value)

    def text(self, name: str, *, max_bytes: int | None = None) -> str | None:
        """A text. A number is text as written, so an id of digits needs no quotes."""
        node = self._take(name)
        if node is None:
            return None
        message = _fault_of_text(node)
        if not message and max_bytes and len(str(node.value).encode()) > max_bytes:
            message = f"is longer than {max_bytes} bytes"
        if message:
            self.fault(message, name)
            return None
        return str(node.value)

    def texts(self, name: str, check: Callable[[str], str | None] = lambda _text: None) -> list[str]:
        """The texts of a list; `check` returns what is wrong with one, or None."""
        found = []
        for index, node in enumerate(self.sequence(name)):
            if message := _fault_of_text(node) or check(str(node.value)):
                place = f"{self.path(name)}[{index}]"
                self.faults.append(Fault(self.file, node.start_mark.line + 1, place, message))
            else:
                found.append(str(node.value))
        return found

    def boolean(self, name: str, *, default: bool) -> bool:
        """`true` or `false`."""
        node = self._take(name)
        if node is None:
            return default
        if node.tag != f"{_TAG}bool":
            self.fault(f"must be true or false, not {_type_name(node)}", name)
            return default
        return str(node.value).lower() in ("true", "yes", "on")

    def number(self, name: str, *, default: float, lowest: float, highest: float, whole: bool = False) -> float:
        """A number from `lowest` to `highest`."""
        node = self._take(name)
        if node is None:
            return default
        try:
            value = (int if whole else float)(node.value) if node.tag in _NUMBER_TAGS else None
        except (ValueError, OverflowError):
            value = None
        if value is None or not lowest <= value <= highest:
            self.fault(f"must be a {'whole ' if whole else ''}number from {lowest:g} to {highest:g}", name)
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
        if not 0 < seconds <= highest:
            self.fault(f"must be more than 0 and at most {highest:g}s", name)
            return default
        return seconds

    def _take(self, name: str) -> yaml.Node | None:
        self._read.add(name)
        return self._values[name] if self.has(name) else None


def duration_seconds(text: str) -> float | None:
    """A duration as Prometheus writes it (`500ms`, `5s`, `1m30s`) in seconds; None for anything else."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        return None
    return sum(int(number) * _UNIT_SECONDS[unit] for unit, number in match.groupdict().items() if number)


def _fault_of_text(node: yaml.Node) -> str | None:
    if node.tag not in _TEXT_TAGS:
        hint = "; put it in quotes" if isinstance(node, yaml.ScalarNode) else ""
        return f"must be text, not {_type_name(node)}{hint}"
    if not str(node.value).strip():
        return "is empty"
    return None if is_printable(str(node.value)) else "has line breaks or control characters"


def _type_name(node: yaml.Node) -> str:
    """What kind of value this is. The value itself may be secret."""
    return _TYPE_NAMES.get(node.tag.removeprefix(_TAG), "a special YAML value")
