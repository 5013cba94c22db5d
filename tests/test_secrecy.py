"""The search for secrets in the output of tests finds them."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.secrecy import SECRET_KEY, Watch

SESSION = f"""
import sys

SECRET = "key {SECRET_KEY}"

def test_prints(): print(SECRET, file=sys.stderr)
def test_looks(secrecy): secrecy.look("a page", SECRET)
def test_is_silent(): pass
"""


@pytest.mark.parametrize(
    "shown",
    [
        SECRET_KEY.upper(),
        f'{{"key": "{SECRET_KEY}"}}'.encode(),
        SECRET_KEY.encode().hex(),
        base64.b64encode(f"user:{SECRET_KEY}".encode()),
        base64.b64encode(f"name:{SECRET_KEY}".encode()),
        base64.b64encode(f"u:{SECRET_KEY}:more".encode()),
    ],
    ids=["another case", "JSON", "hexadecimal", "base64", "base64, shifted by 1", "base64, shifted by 2"],
)
def test_an_encoded_secret_is_found(shown: str | bytes) -> None:
    watch = Watch()
    watch.look("a place", shown)
    assert watch.leaks == ["a place"]


def test_a_test_that_shows_a_secret_fails(tmp_path: Path) -> None:
    """And only that one."""
    (tmp_path / "test_session.py").write_text(SESSION)
    command = [sys.executable, "-m", "pytest", "-p", "tests.secrecy", "-q", str(tmp_path)]
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)  # noqa: S603 - our own
    assert "2 failed, 1 passed" in done.stdout
    assert "FAILED test_session.py::test_prints" in done.stdout
