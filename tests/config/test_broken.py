"""Faults of a configuration.

In the files of `broken/`, the text after `#!` is the expected fault of its line; ` && ` separates several.
"""

import re
import traceback
from pathlib import Path

import pytest
import yaml

from exporter.config import ConfigError, document, load, load_task_file
from exporter.faults import UnreadableError

BROKEN = Path(__file__).parent / "broken"
SAMPLES = sorted(path.name for path in BROKEN.glob("*.yaml"))


def faults_of(path: Path) -> list[str]:
    """The faults of a configuration, without its folder. All secrets contain `hush`; nothing shows one."""
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert "hush" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.faults)
    return [str(fault).replace(f"{path.parent}/", "") for fault in caught.value.faults]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_fault_is_reported_with_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All faults of a file are reported at once, in the order of the file, as `file:line: key: message`."""
    monkeypatch.chdir(BROKEN)
    expected = [
        f"{name}:{number}: {fault}"
        for number, line in enumerate(Path(name).read_text("utf-8").splitlines(), 1)
        for fault in line.partition(" #! ")[2].split(" && ")
        if fault
    ]
    assert faults_of(Path(name)) == expected


@pytest.mark.parametrize("libyaml", [True, False])
@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a: 'hush", 1),
        ("a:\n  b: hush: hush", 2),
        ("a: *hush", 1),
        ("a: !hush!x hush", 1),
        ("a: @hush", 1),
        ('\n\na: "\\hush"', 3),
        ("a: hush\n---\nb: hush", 2),
        ("a: [hush,\nb: [", 2),
        ("a:\n\t- hush", 2),
        ("&hush a: &hush b", 1),
        ('a: "\\UFFFFFFFF"', None),
        ("%YAML 99999999999.1\n---\na: hush", None),
    ],
)
def test_a_yaml_error_has_its_line_and_quotes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, line: int | None, *, libyaml: bool
) -> None:
    """With libyaml, and with PyYAML's own parser, whose messages quote the file."""
    monkeypatch.setattr(document, "_LOADER", yaml.CSafeLoader if libyaml else yaml.SafeLoader)
    monkeypatch.setattr(yaml, "__with_libyaml__", libyaml)
    path = tmp_path / "config.yaml"
    path.write_text(content, "utf-8")
    (fault,) = faults_of(path)
    place = r"config\.yaml(:\d+)?" if line is None else rf"config\.yaml:{line}(?=:)|config\.yaml:{line + 1}(?=:)"
    assert re.match(rf"(?:{place}): is not valid YAML: [a-z]", fault)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "config.yaml: is empty"),
        (b"# nothing but comments\n", "config.yaml: is empty"),
        ("api:\n  x: büro".encode("latin-1"), "config.yaml:2: is not UTF-8 text"),
        ("api: ü\nx: \x07".encode(), "config.yaml:2: has a character that YAML does not allow"),
        (b"#" * (16 * 1024 * 1024 + 1), "config.yaml: cannot be read: larger than 16777216 bytes"),
    ],
    ids=["empty", "comments", "encoding", "character", "size"],
)
def test_what_is_not_a_document_is_refused(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    assert faults_of(path) == [fault]


def test_aliases_do_not_multiply(tmp_path: Path) -> None:
    """A few lines of aliases can stand for billions of values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    path = tmp_path / "config.yaml"
    path.write_text("\n".join(lines), "utf-8")
    assert "config.yaml:30: a29: is not a known key" in faults_of(path)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    """With the reason of the operating system. It may become readable without a change."""
    with pytest.raises(UnreadableError):
        load_task_file(tmp_path / "tasks.yaml")
    assert faults_of(tmp_path) == [f"{tmp_path.name}: cannot be read: Is a directory"]


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("", ["is empty; write [] for no tasks"]),
        ("tasks: []", ["1: must be a list of tasks"]),
        ("[", ["2: is not valid YAML: did not find expected node content"]),
        (
            "- {task_id: cd-1, precheck_task_id: p}\n- {task_id: cd-1}\n",
            ["2: [1].task_id: the same task id is already on line 1"],
        ),
    ],
)
def test_faults_of_a_task_file(tmp_path: Path, content: str, faults: list[str]) -> None:
    """An empty file may be one that is still being written."""
    path = tmp_path / "tasks.yaml"
    path.write_text(content, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_task_file(path)
    assert [str(fault).removeprefix(f"{path}:").strip() for fault in caught.value.faults] == faults
