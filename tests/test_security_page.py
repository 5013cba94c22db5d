"""The security page: each of its statements has a test, and each test that it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)


def test_every_named_test_is_there() -> None:
    """In the file that is said to have it."""
    missing = [
        f"{file}::{name}"
        for file, name in NAMED
        if not re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE)
    ]
    assert missing == []


def test_every_statement_names_one() -> None:
    """Each item of its lists, each line of its table, and each section but those of what it does not promise."""
    items = re.findall(r"^- .*(?:\n  .*)*", PAGE, re.MULTILINE)
    lines = [line for line in re.findall(r"^\| .*", PAGE, re.MULTILINE) if not line.startswith("| who | can ")]
    sections = {section.partition("\n")[0]: section for section in PAGE.split("\n## ")[1:]}
    assert len(items) > 10
    assert len(lines) > 4
    statements = [*items, *lines, *sections.values()]
    assert [statement for statement in statements if not re.search(r"`(?:tests|tools)/", statement)] == []


def test_the_tools_that_it_names_are_there() -> None:
    """And are run in CI."""
    for tool in ("tools/audit", "tools/find_secrets.py"):
        assert f"`{tool}`" in PAGE
        assert (ROOT / tool).is_file()
        assert tool in (ROOT / ".ci" / "run").read_text("utf-8")
