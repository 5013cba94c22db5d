"""The real Prometheus and its promtool: those that `make components` fetched, or those on the PATH."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / ".components"


def component(name: str, config: pytest.Config) -> str:
    """The path of a program. Without it there is nothing to test: a failure in CI, elsewhere a skip that is told."""
    found = shutil.which(name, path=f"{FOLDER}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is not None:
        return found
    message = f"{name} is missing: make components"
    if os.environ.get("CI"):
        pytest.fail(message)
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(f"SKIPPED, for {message}", yellow=True, bold=True)
    pytest.skip(message)


def check_metrics(promtool: str, text: str) -> str:
    """What `promtool check metrics` has to say about a scrape; nothing if all is well."""
    checked = subprocess.run(  # noqa: S603 - the program asked for
        [promtool, "check", "metrics"], input=text.encode(), capture_output=True, check=False, timeout=60
    )
    said = (checked.stdout + checked.stderr).decode()
    return said if checked.returncode == 0 or said else f"exit status {checked.returncode}"
