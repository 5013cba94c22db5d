"""Which files are task files."""

import errno
import os
from pathlib import Path

import pytest

from exporter.config import matching
from exporter.config.matching import MAX_FILES, match, matches


@pytest.fixture
def names(tmp_path: Path) -> list[str]:
    """Paths of files that are there, from their folder."""
    found = ["a.yaml", "b.yaml", "b.yml", ".hidden.yaml", "team/c.yaml", "team/.new/d.yaml", "[x]/e.yaml", "e*.yaml"]
    for name in found:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return found


PATTERNS = [
    (["*.yaml"], ["a.yaml", "b.yaml", "e*.yaml"]),
    (["*.y*ml"], ["a.yaml", "b.yaml", "b.yml", "e*.yaml"]),
    (["[ab].yaml"], ["a.yaml", "b.yaml"]),
    (["?.yaml", "a.*"], ["a.yaml", "b.yaml"]),
    (["*/*.yaml"], ["[x]/e.yaml", "team/c.yaml"]),
    (["team/*/*.yaml"], []),
    ([".*.yaml"], [".hidden.yaml"]),
    (["team/.n*/*.yaml"], ["team/.new/d.yaml"]),
    (["a.yaml"], ["a.yaml"]),
    (["e[*].yaml"], ["e*.yaml"]),
    (["[[]x]/*"], ["[x]/e.yaml"]),
    (["A.YAML"], []),
]


@pytest.mark.parametrize(("patterns", "found"), PATTERNS, ids=lambda value: " ".join(value) or "none")
def test_patterns_are_a_shells(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patterns: list[str], found: list[str]
) -> None:
    """Each file once, in the order of the paths; and a path is told without a look at the files, too."""
    monkeypatch.chdir(tmp_path)
    assert match(patterns).paths == tuple(found)
    assert [name for name in names if matches(name, patterns)] == [name for name in names if name in found]
    absolute = [str(tmp_path / pattern) for pattern in patterns]
    assert match(absolute).paths == tuple(str(tmp_path / name) for name in found)


def test_a_pattern_that_matches_nothing_is_told(folder: Path) -> None:
    """As one whose folder is not there, or is none."""
    (folder / "a.yaml").touch()
    patterns = [f"{folder}/*.yaml", f"{folder}/*.yml", f"{folder}/none/*.yaml", f"{folder}/a.yaml/*"]
    assert match(patterns).unmatched == tuple(patterns[1:])
    assert match(patterns).faults == {}


def test_a_link_that_leads_nowhere_is_matched(folder: Path) -> None:
    """It is a file that cannot be read, not none."""
    (folder / "a.yaml").symlink_to("nowhere")
    assert match([f"{folder}/*.yaml"]).paths == (f"{folder}/a.yaml",)


def test_a_folder_that_cannot_be_listed_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only that nothing is found in it."""
    (folder / "a.yaml").touch()
    scandir = os.scandir

    def refuse(path: str) -> object:
        if str(path) == str(folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scandir(path)

    monkeypatch.setattr(matching.os, "scandir", refuse)
    matched = match([f"{folder}/*.yaml", f"{folder}/*/*.yaml"])
    assert (matched.paths, dict(matched.faults)) == ((), {str(folder): "cannot be listed: Permission denied"})


def test_a_name_that_is_no_text_is_told(folder: Path) -> None:
    """Neither a metric nor a page could have it."""
    (folder / "a.yaml").touch()
    Path(os.fsdecode(os.fsencode(folder) + b"/b\xff.yaml")).touch()
    matched = match([f"{folder}/*.yaml"])
    assert matched.paths == (f"{folder}/a.yaml",)
    assert matched.faults == {f"{folder}/b\\xff.yaml": "the name is not UTF-8 text"}
    assert matched.unmatched == ()


def test_only_so_many_files_are_used(folder: Path) -> None:
    """Which others are left out is told by the first of them."""
    for number in range(MAX_FILES + 5):
        (folder / f"{number:04}.yaml").touch()
    matched = match([f"{folder}/*.yaml"])
    assert len(matched.paths) == MAX_FILES
    assert matched.faults == {f"{folder}/1000.yaml": "is left out: more than 1000 files match"}
