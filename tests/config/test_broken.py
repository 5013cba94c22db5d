"""Every kind of fault a configuration can have, each in a file of `broken/` with what is said about it beside it."""

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.config import ConfigError, load

BROKEN = Path(__file__).parent / "broken"

Faults = Callable[..., list[str]]


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.yaml")))
def test_every_fault_is_named_with_its_place(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All faults of a file come at once, in the order of the file, as `file:line: key.path: message`."""
    monkeypatch.chdir(BROKEN)
    with pytest.raises(ConfigError) as caught:
        load(Path(f"{name}.yaml"), {})
    assert f"{caught.value}\n" == Path(f"{name}.txt").read_text("utf-8")
    assert [str(fault) for fault in caught.value.faults] == str(caught.value).splitlines()


@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.yaml")))
def test_no_fault_shows_a_secret(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All secrets of the files contain `hush`; no fault does, nor a traceback."""
    monkeypatch.chdir(BROKEN)
    with pytest.raises(ConfigError) as caught:
        load(Path(f"{name}.yaml"), {})
    assert "hush" not in "".join(traceback.format_exception(caught.value))
    assert "hush" not in repr(caught.value.faults)


def test_each_broken_file_has_its_faults_beside_it() -> None:
    """No file without expected faults, and none the other way round."""
    assert {p.stem for p in BROKEN.glob("*.yaml")} == {p.stem for p in BROKEN.glob("*.txt")} != set()


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """The message names the file and the system's reason."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.yaml", {})
    assert str(caught.value) == f"{tmp_path}/config.yaml: cannot be read: No such file or directory"


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    """The message names the folder and the system's reason."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


def test_text_must_be_utf8(faults: Faults) -> None:
    """A file in another encoding is refused at the line of the first character that is not UTF-8."""
    assert faults("api:\n  name: büro\n".encode("latin-1")) == ["config.yaml:2: is not UTF-8 text"]
    assert faults("api: {}\n".encode("utf-16")) == ["config.yaml:1: is not UTF-8 text"]


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\ufffe"])
def test_control_characters_are_refused(faults: Faults, character: str) -> None:
    """A character that YAML does not allow is a fault with its line."""
    assert faults(f"api:\n  secret_key: hush{character}\n") == [
        "config.yaml:2: has a character that YAML does not allow"
    ]


def test_nesting_without_end_is_refused(faults: Faults) -> None:
    """A document that is nested beyond reason does not end the process."""
    assert faults("[" * 5_000) == ["config.yaml: is nested too deeply"]


def test_a_huge_file_is_refused(faults: Faults, least: str) -> None:
    """A file of more than 16 MiB is refused without being parsed."""
    assert faults(least + "#" * 16 * 1024 * 1024) == ["config.yaml: is too large for a configuration"]


def test_aliases_do_not_multiply(faults: Faults) -> None:
    """A few lines of aliases that stand for billions of values are refused at once."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "config.yaml:30: a29: is not a known key" in faults("\n".join(lines))


def test_a_fault_is_bounded(faults: Faults) -> None:
    """Whatever it names: a path can be of any length."""
    content = f"api:\n  base_url: https://ninedata.example\n  tls: {{ca_file: {'a' * 100_000}}}\n"
    told = [fault for fault in faults(content) if "api.tls.ca_file" in fault]
    assert len(told) == 1
    assert len(told[0]) < 1200
    assert told[0].endswith("cannot be used: File name too long")
