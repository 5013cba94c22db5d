"""The example of a pipeline that starts a precheck: what it hands over is watched at the next scrape."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.sandbox import Handle
from tests.program.components import component
from tests.program.process import ROOT, Launcher

Run = Callable[..., subprocess.CompletedProcess[str]]
DATA, SCHEMA = "cd-tg3isu1xgs", "cc-th6j3fs58y"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the task files are."""
    path = tmp_path / "tasks.d"
    path.mkdir()
    return path


@pytest.fixture
def start_precheck(sandbox: Handle, folder: Path, pytestconfig: pytest.Config) -> Run:
    """Runs the example with some arguments, with the real curl and jq."""
    programs = {Path(component(name, pytestconfig)).parent for name in ("curl", "jq")}
    environment = {
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        "NINEDATA_BASE_URL": sandbox.base_url,
        "NINEDATA_ACCESS_KEY_ID": sandbox.access_key_id,
        "NINEDATA_SECRET_KEY": sandbox.secret_key,
        "TASKS_DIR": str(folder),
    }

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own script
            [ROOT / "examples" / "start-precheck.sh", *arguments],
            env=environment | changes,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_a_started_precheck_is_watched_at_the_next_scrape(
    launch: Launcher, sandbox: Handle, folder: Path, start_precheck: Run
) -> None:
    """Without a reload; another start of the same task takes the place of the one before it."""
    exporter = launch(sandbox, tasks=[], task_files=[f"{folder}/*.yaml"])
    assert exporter.scrape().up == {}
    for task_id, name, kind in ((DATA, "orders", "data_compare"), (SCHEMA, "tables", "schema_compare")):
        for _ in range(2):
            done = start_precheck(task_id, name, kind)
            assert (done.returncode, done.stderr) == (0, "")
            (info,) = exporter.scrape().samples("ninedata_precheck_info", task_id=task_id)
            assert (info.labels["task"], info.labels["kind"]) == (name, kind)
            assert info.labels["precheck_task_id"] == done.stdout.strip()
    assert exporter.scrape().up == {DATA: 1, SCHEMA: 1}
    assert sorted(path.name for path in folder.iterdir()) == [f"{SCHEMA}.yaml", f"{DATA}.yaml"]


def test_what_is_not_started_is_not_handed_over(folder: Path, start_precheck: Run) -> None:
    """The API's own words are told, the status is 1, and no file is left."""
    done = start_precheck("cd-nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the precheck was not started: " in done.stderr
    assert "task not found" in done.stderr
    assert list(folder.iterdir()) == []


def test_a_wrong_secret_is_told_and_not_shown(folder: Path, start_precheck: Run) -> None:
    """Neither it nor the signature made with it."""
    done = start_precheck(DATA, NINEDATA_SECRET_KEY="hush-another-secret")
    assert (done.returncode, done.stdout) == (1, "")
    assert "signature" in done.stderr
    assert "hush" not in done.stderr
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("variable", ["TASKS_DIR", "NINEDATA_SECRET_KEY"])
def test_what_could_not_be_handed_over_is_not_started(sandbox: Handle, start_precheck: Run, variable: str) -> None:
    """The id of a started precheck is told in the answer alone: nothing may go wrong after it that could before."""
    done = start_precheck(DATA, **{variable: ""})
    assert (done.returncode, done.stdout) == (1, "")
    assert variable in done.stderr
    assert start_precheck(DATA, TASKS_DIR="/nowhere").stderr.endswith("cannot write into /nowhere\n")
    assert sandbox.requests().total == 0


def test_it_says_how_it_is_used(start_precheck: Run) -> None:
    """Without arguments."""
    assert "usage: " in start_precheck().stderr
