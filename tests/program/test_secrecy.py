"""The search for secrets in the tests' output finds what it should."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.secrecy import CANARY, SECRET_KEY, Watch

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "shown",
    [
        SECRET_KEY,
        SECRET_KEY.upper(),
        f'{{"key": "{SECRET_KEY}"}}'.encode(),
        SECRET_KEY.encode().hex(),
        base64.b64encode(SECRET_KEY.encode()).decode(),
        base64.b64encode(f"user:{SECRET_KEY}".encode()).decode(),
        base64.b64encode(f"name:{SECRET_KEY}".encode()),
        base64.b64encode(f"u:{SECRET_KEY}:more".encode()),
    ],
)
def test_a_secret_is_found_in_disguise_too(shown: str | bytes) -> None:
    """A canary is recognised in any case, in hexadecimal digits and in base64."""
    watch = Watch()
    watch.look("a place", shown)
    assert watch.leaks == ["a place"]


def test_other_text_is_no_secret() -> None:
    """What only resembles a canary is none."""
    watch = Watch()
    watch.look("a place", f"{CANARY[:-1]}, {CANARY[1:]}, secret_key, ***")
    assert watch.leaks == []


def test_a_secret_that_comes_to_be_is_found() -> None:
    """A text can be declared secret while a test runs."""
    watch = Watch()
    watch.hide("0f4a3c7d29")
    watch.look("a place", "signature: 0f4a3c7d29")
    assert watch.leaks == ["a place"]


def test_a_leak_fails_the_test_and_the_session(tmp_path: Path) -> None:
    """One secret in what a test prints, logs or looks at, and the test fails although it is content itself."""
    outcome = _session(
        tmp_path,
        f"""
import logging, sys

SECRET = "key {SECRET_KEY}"

def test_standard_output():
    print(SECRET)

def test_standard_error():
    sys.stderr.write(SECRET)

def test_log():
    logging.getLogger("any").warning(SECRET)

def test_answer(secrecy):
    secrecy.look("GET /", SECRET)

def test_without_a_leak():
    print("secret_key=***")
""",
    )
    assert outcome.returncode == pytest.ExitCode.TESTS_FAILED
    assert "4 failed, 1 passed" in outcome.stdout
    for place in ("Captured stdout call", "Captured stderr call", "Captured log call", "GET /"):
        assert re.search(f"^a secret shows in .*{place}$", outcome.stdout, re.MULTILINE)


def test_a_leak_of_a_fixture_fails_the_session(tmp_path: Path) -> None:
    """What a fixture prints when it ends, after all tests, is searched as well."""
    outcome = _session(
        tmp_path,
        f"""
import pytest

@pytest.fixture(scope="session")
def leaky():
    yield
    print("key {SECRET_KEY}")

def test_content(leaky):
    pass
""",
    )
    assert outcome.returncode == pytest.ExitCode.TESTS_FAILED
    assert "a secret shows in" in outcome.stdout


def test_a_session_without_a_leak_passes(tmp_path: Path) -> None:
    """Output without secrets is no reason to fail."""
    outcome = _session(tmp_path, "def test_content():\n    print('secret_key=***')\n")
    assert outcome.returncode == pytest.ExitCode.OK
    assert "a secret shows in" not in outcome.stdout


def _session(folder: Path, tests: str) -> subprocess.CompletedProcess[str]:
    """A pytest session of its own with the plugin and the given tests."""
    (folder / "test_given.py").write_text(tests)
    flags = ["-p", "tests.secrecy", "-p", "no:cacheprovider", "-p", "no:cloudcoil", f"--rootdir={folder}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "pytest", *flags, folder],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
