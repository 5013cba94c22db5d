"""The sdist and the wheel, as the package index gets them."""

import re
import sys
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

from exporter import __version__
from tests.programs import ROOT, run

REPOSITORY = "https://github.com/ninedata-exporter/ninedata-exporter"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both; the wheel is built from the sdist alone."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "uv", "build", "--no-build-isolation", "--offline", "--out-dir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    (path,) = dist.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return message_from_string(wheel.read(name).decode())


def test_the_sdist_has_what_the_wheel_needs_and_no_tests(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        top = {name.split("/")[1] for name in archive.getnames()}
    assert {"exporter", "pyproject.toml", "README.md", "LICENSE", "config.example.yaml"} <= top
    assert top.isdisjoint({"tests", "grafana", "deploy", "docs"})


def test_the_wheel_has_both_commands_and_the_files_beside_the_code(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    (scripts,) = (wheel.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    assert re.findall(r"^(\S+) =", scripts, re.MULTILINE) == ["ninedata-exporter", "ninedata-precheck"]
    assert {"exporter/py.typed", "exporter/http/templates/overview.html"} <= set(names)
    assert any(name.endswith("config.example.yaml") for name in names)


def test_the_metadata_say_whose_it_is_and_where(metadata: Message) -> None:
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Maintainer"]
    links = dict(value.split(", ") for value in metadata.get_all("Project-URL", []))
    assert links["Repository"] == REPOSITORY
    assert links.keys() >= {"Documentation", "Changelog", "Issues"}


def test_the_page_on_the_index_has_no_link_that_needs_the_repository_around_it(metadata: Message) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", str(metadata.get_payload()))
    assert len([target for target in targets if target.startswith(f"{REPOSITORY}/")]) > 10
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
