"""Documents as nodes: libyaml's parser is the quicker one, and gives what PyYAML's own gives."""

from pathlib import Path

import pytest
import yaml

from exporter.config import document
from exporter.config.document import compose

ROOT = Path(__file__).parents[2]
BROKEN = Path(__file__).parent / "broken"
WHOLE = """
# a comment
%s: &anchor [one, "two\\u00e9", 'three''s', 4, 5.0, ~, true, 2024-05-31]
folded: >-
  one
  two

literal: |+
  one
    two

? complex key
: !custom {flow: [mapping, {nested: *anchor}], "quoted": ''}
empty:
- - nested
  - {a: b}
-
"""

Tree = tuple[str, str, int, object]


def tree(node: yaml.Node | None) -> Tree | None:
    """All that is read of a node: what it is, its tag, its line, and its value."""
    if node is None:
        return None
    value: object = node.value
    if isinstance(node, yaml.SequenceNode):
        value = [tree(entry) for entry in node.value]
    elif isinstance(node, yaml.MappingNode):
        value = [(tree(key), tree(entry)) for key, entry in node.value]
    return type(node).__name__, node.tag, node.start_mark.line, value


def documents() -> list[str]:
    """Every file of configuration that there is, and one with all that YAML has."""
    files = [ROOT / "config.example.yaml", *ROOT.glob("compose/*.yaml"), *sorted(BROKEN.glob("*.yaml"))]
    trees = [file for file in files if file.stem != "alias-to-itself"]
    return [WHOLE % "a", WHOLE % "é", "", "# nothing\n", *(file.read_text("utf-8-sig") for file in trees)]


@pytest.mark.parametrize("text", documents())
def test_both_parsers_find_the_same(tmp_path: Path, text: str) -> None:
    """Values, tags and lines; and what one of them refuses the other refuses."""
    path = tmp_path / "config.yaml"
    path.write_text(text, "utf-8")
    try:
        expected = tree(yaml.compose(text, Loader=yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, OverflowError):
        with pytest.raises(document.ConfigError):
            compose(path)
        return
    assert tree(compose(path)) == expected


def test_without_libyaml_pyyaml_parses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is slower, and all that differs."""
    monkeypatch.setattr(document, "_QUICK_PARSER", yaml.SafeLoader)
    path = tmp_path / "config.yaml"
    path.write_text(WHOLE % "a", "utf-8")
    assert tree(compose(path)) == tree(yaml.compose(WHOLE % "a", Loader=yaml.SafeLoader))
