"""The systemd unit fits the exporter and its manual. That systemd understands it is for tools/unit-check."""

import re
from pathlib import Path

from tests.deploy.shipped import UNIT, exporter
from tests.programs import ROOT

PROGRAM = "/opt/ninedata-exporter/bin/ninedata-exporter"
FOLDER = "/etc/ninedata-exporter"
CREDENTIAL = f"/run/credentials/{UNIT.name}/secret-key"
MANUALS = [(ROOT / name).read_text("utf-8") for name in ("deploy/README.md", "docs/operations.md")]


def settings(name: str) -> list[str]:
    """All values of a setting, in order."""
    return re.findall(rf"(?m)^{name}=(.*)$", UNIT.read_text("utf-8"))


def test_the_exporter_takes_its_arguments(tmp_path: Path) -> None:
    """Nothing stands before it that could keep it from starting, as a fault in a task file must not."""
    (start,) = settings("ExecStart")
    assert settings("ExecStartPre") == []
    program, *arguments = start.split()
    assert program == PROGRAM
    (tmp_path / "config.yaml").write_text(manual_config().replace(CREDENTIAL, "secret-key"), "utf-8")
    (tmp_path / "secret-key").write_text("of-the-test", "utf-8")
    assert "good: " in exporter([argument.replace(FOLDER, str(tmp_path)) for argument in arguments])


def test_the_program_and_the_key_are_where_the_manuals_say() -> None:
    """Values of the configuration know no variables, so the key's path is written out."""
    assert settings("LoadCredential") == [f"{Path(CREDENTIAL).name}:{FOLDER}/secret-key"]
    assert f"secret_key_file: {CREDENTIAL}\n" in manual_config()
    assert all(f"python3 -m venv {Path(PROGRAM).parents[1]}\n" in manual for manual in MANUALS)


def test_its_limits_are_those_of_the_configuration_and_of_the_manual() -> None:
    """Open files: the highest `api.concurrency`, and 600 for scrapers, people and the process's own files."""
    (files,), (memory,) = settings("LimitNOFILE"), settings("MemoryMax")
    assert int(files) >= 1024 + 600
    assert f"`MemoryMax={memory}`" in MANUALS[0]


def test_it_never_runs_as_root() -> None:
    """But as a user of its own, who is not told the key in any other way."""
    assert settings("DynamicUser") == ["yes"]
    assert settings("User") == settings("Environment") == []


def manual_config() -> str:
    """The configuration in the manual, with a task that it leaves out."""
    (config,) = re.findall(r"```yaml\n(api:\n.*?)```", MANUALS[0], re.DOTALL)
    return f"{config}tasks: [{{task_id: cd-1, precheck_task_id: pcte-1}}]\n"
