"""The check of the configuration files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.check import Checked, check_config
from exporter.config import load

API = "api: {base_url: https://ninedata.example, access_key_id: hush-ak, secret_key: hush-sk}\n"
TASKS = "tasks: [{task_id: cd-1, precheck_task_id: p}]\n"
DISCOVERY = "discovery: {replication: {enabled: true}}\n"
NOTHING = "no task is watched; add some to tasks, task_files or discovery"


def entry(task_id: str) -> str:
    return f"- {{task_id: {task_id}, precheck_task_id: p}}\n"


@pytest.fixture
def check(tmp_path: Path) -> Callable[[str], Checked]:
    """Checks a configuration beside two good task files."""
    (tmp_path / "a.tasks").write_text(entry("cd-2"))
    (tmp_path / "b.tasks").write_text(entry("cd-3"))

    def check(text: str) -> Checked:
        (tmp_path / "config.yaml").write_text(text)
        return check_config(lambda: load(tmp_path / "config.yaml", {}))

    return check


@pytest.mark.parametrize(
    ("more", "summary", "warnings"),
    [
        (TASKS, "1 task to watch at URL; a scrape sends up to 1 request", []),
        (
            "tasks: [{task_id: cd-1}]\n",
            "1 task (1 without precheck_task_id: only the task itself) to watch at URL; SENDS 2 requests",
            [],
        ),
        (f"{TASKS}task_status: true\n", "1 task to watch at URL; a scrape sends up to 3 requests", []),
        ("", "0 tasks to watch at URL; a scrape sends up to 0 requests", [NOTHING]),
        (
            DISCOVERY,
            "0 tasks and the replication tasks DISCOVERED to watch at URL; SENDS 0 MORE",
            [],
        ),
        (
            f"{TASKS}task_files: [a.tasks]\n",
            "2 tasks, with those of 1 task file, to watch at URL; a scrape sends up to 2 requests",
            [],
        ),
        (
            f"{TASKS}{DISCOVERY}task_files: ['?.tasks', none.tasks]\n",
            "3 tasks, with those of 2 task files, and the replication tasks DISCOVERED to watch at URL; SENDS 3 MORE",
            ["no task file matches FOLDER/none.tasks"],
        ),
    ],
)
def test_a_good_configuration_has_a_summary(
    check: Callable[[str], Checked], tmp_path: Path, more: str, summary: str, warnings: list[str]
) -> None:
    """Warnings are about what is allowed but probably not intended."""
    checked = check(API + more)
    assert checked == Checked(
        summary.replace("URL", "https://ninedata.example")
        .replace("DISCOVERED", "that are discovered")
        .replace("SENDS", "a scrape sends up to")
        .replace("MORE", "requests and those of discovery"),
        (),
        tuple(warning.replace("FOLDER", str(tmp_path)) for warning in warnings),
    )


def test_every_fault_of_every_task_file_is_reported(check: Callable[[str], Checked], tmp_path: Path) -> None:
    """A task that an earlier source has is a fault as well."""
    (tmp_path / "a.tasks").write_text(entry("cd-2") + entry("cd-1"))
    (tmp_path / "b.tasks").write_text("- {}\n")
    (tmp_path / "c.tasks").symlink_to("nowhere")
    checked = check(f"{API}{TASKS}task_files: ['*.tasks']\n")
    assert checked.summary == ""
    assert [fault.removeprefix(f"{tmp_path}/") for fault in checked.faults] == [
        "a.tasks: the task id cd-1 is already in the configuration or in an earlier task file",
        "b.tasks:1: [0].task_id: is missing",
        "c.tasks: cannot be read: No such file or directory",
    ]


def test_faults_of_the_configuration_come_before_those_of_task_files(
    check: Callable[[str], Checked], tmp_path: Path
) -> None:
    """Without a good configuration it is not known which task files there are."""
    (tmp_path / "a.tasks").write_text("nonsense")
    checked = check(f"{API}tasks: [{{name: a}}]\ntask_files: ['*.tasks']\n")
    assert checked == Checked("", (f"{tmp_path}/config.yaml:2: tasks[0].task_id: is missing",))
