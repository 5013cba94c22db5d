"""The check of the configuration files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.check import CheckResult, check_config
from exporter.config import load
from exporter.scraping.shard import Shard

API = "api: {base_url: https://ninedata.example, access_key_id: hush-ak, secret_key: hush-sk}\n"
TASKS = "tasks: [{task_id: cd-1, precheck_task_id: p}]\n"
TASK_ALONE = "tasks: [{task_id: cd-1}]\n"
DISCOVERY = "discovery: {replication: {enabled: true}}\n"
DISCOVERED = " and the discovered replication tasks"
NOTHING = "no task is watched; add some to tasks, task_files or discovery"


def entry(task_id: str) -> str:
    return f"- {{task_id: {task_id}, precheck_task_id: p}}\n"


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], CheckResult]:
    """Checks a configuration in the current folder, beside two good task files."""
    monkeypatch.chdir(tmp_path)
    Path("a.tasks").write_text(entry("cd-2"))
    Path("b.tasks").write_text(entry("cd-3"))

    def check(text: str) -> CheckResult:
        Path("config.yaml").write_text(text)
        return check_config(lambda: load(Path("config.yaml"), {}), Shard())

    return check


@pytest.mark.parametrize(
    ("more", "watched", "requests", "warnings"),
    [
        (TASKS, "1 task", "1 request", []),
        ("tasks: [{task_id: rp-1, kind: replication}]\n", "1 task", "2 requests", []),
        (TASK_ALONE, "1 task (1 without precheck_task_id: only the task itself)", "2 requests", []),
        (f"{TASKS}task_status: true\n", "1 task", "3 requests", []),
        ("", "0 tasks", "0 requests", [NOTHING]),
        (DISCOVERY, f"0 tasks{DISCOVERED}", "0 requests and those of discovery", []),
        (f"{TASKS}task_files: [a.tasks]\n", "2 tasks, with those of 1 task file,", "2 requests", []),
        (
            f"{TASKS}{DISCOVERY}task_files: ['?.tasks', none.tasks]\n",
            f"3 tasks, with those of 2 task files,{DISCOVERED}",
            "3 requests and those of discovery",
            ["no task file matches none.tasks"],
        ),
    ],
)
def test_a_good_configuration_has_a_summary(
    check: Callable[[str], CheckResult], more: str, watched: str, requests: str, warnings: list[str]
) -> None:
    """Warnings are about what is allowed but probably not intended."""
    assert check(API + more) == CheckResult(
        f"watches {watched} at https://ninedata.example; a scrape sends up to {requests}", warnings=tuple(warnings)
    )


def test_every_fault_of_every_task_file_is_reported(check: Callable[[str], CheckResult]) -> None:
    """A task that an earlier source has is a fault as well."""
    Path("a.tasks").write_text(entry("cd-2") + entry("cd-1"))
    Path("b.tasks").write_text("- {}\n")
    Path("c.tasks").symlink_to("nowhere")
    assert check(f"{API}{TASKS}task_files: ['*.tasks']\n") == CheckResult(
        faults=(
            "a.tasks: the task id cd-1 is already in the configuration or in an earlier task file",
            "b.tasks:1: [0].task_id: is missing: the console's list of tasks has it",
            "c.tasks: cannot be read: No such file or directory",
        )
    )


def test_faults_of_the_configuration_come_before_those_of_task_files(check: Callable[[str], CheckResult]) -> None:
    """Without a good configuration it is not known which task files there are."""
    Path("a.tasks").write_text("nonsense")
    checked = check(f"{API}tasks: [{{x: a}}]\ntask_files: ['*.tasks']\n")
    assert [fault.partition(": ")[0] for fault in checked.faults] == ["config.yaml:2"] * 2
