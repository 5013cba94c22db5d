"""The search for secrets in the output of tests finds them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.secrecy import SECRET_KEY

SESSION = f"""
import base64
import sys

KEY = "{SECRET_KEY}"

def test_prints(): print("key", KEY, file=sys.stderr)
def test_looks(secrecy): secrecy.look("a page", KEY)
def test_prints_another_case(): print(KEY.upper())
def test_prints_hexadecimal_digits(): print(KEY.encode().hex())
def test_prints_base64(): print(base64.b64encode(f"user:{{KEY}}".encode()).decode())
def test_prints_base64_shifted_by_1(): print(base64.b64encode(f"name:.{{KEY}}".encode()).decode())
def test_prints_base64_shifted_by_2(): print(base64.b64encode(f"u:{{KEY}}:more".encode()).decode())
def test_is_silent(): pass
"""


def test_a_test_that_shows_a_secret_fails(tmp_path: Path) -> None:
    """And only that one."""
    (tmp_path / "test_session.py").write_text(SESSION)
    command = [sys.executable, "-m", "pytest", "-p", "tests.secrecy", "-q", "--color=no", str(tmp_path)]
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    environment = os.environ | {"PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)  # noqa: S603 - our own
    assert "7 failed, 1 passed" in done.stdout
    assert "FAILED test_session.py::test_prints" in done.stdout
