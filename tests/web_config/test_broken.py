"""Every kind of fault a web configuration can have: each in a file of `broken/`, with what is said about it."""

import shutil
import traceback
from pathlib import Path

import pytest

from exporter.config import ConfigError
from exporter.web_config import load_web_config

BROKEN = Path(__file__).parent / "broken"


@pytest.fixture
def beside_certificates(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken files find the certificates that they name."""
    shutil.copytree(BROKEN, folder, dirs_exist_ok=True)
    monkeypatch.chdir(folder)


@pytest.mark.usefixtures("beside_certificates")
@pytest.mark.parametrize("name", sorted(path.stem for path in BROKEN.glob("*.yaml")))
def test_every_fault_is_named_with_its_place(name: str) -> None:
    """All come at once, in the order of the file, and none shows a secret: those all have `hush` in them."""
    with pytest.raises(ConfigError) as caught:
        load_web_config(Path(f"{name}.yaml"))
    assert f"{caught.value}\n" == Path(f"{name}.txt").read_text("utf-8")
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_each_broken_file_has_its_faults_beside_it() -> None:
    """No file without expected faults, and none the other way round."""
    assert {p.stem for p in BROKEN.glob("*.yaml")} == {p.stem for p in BROKEN.glob("*.txt")} != set()


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    """The message names the file and the system's reason."""
    with pytest.raises(ConfigError) as caught:
        load_web_config(tmp_path / "web.yaml")
    assert str(caught.value) == f"{tmp_path}/web.yaml: cannot be read: No such file or directory"
