"""Task files of the running exporter: what they say counts at the next scrape, and what is wrong is told."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.sandbox import Handle, fleet
from tests.program.process import Exporter, Launcher, config_of, entries_of, write
from tests.program.scrape import Scrape

Serve = Callable[..., Handle]

FLEET = fleet(6, items=1)
IDS = [task.task_id for task in FLEET]
FAULT = "task file has a fault; its last good content, if any, stays in use"


class Ground:
    """An exporter that watches the first task by its configuration, and the files in a folder beside it."""

    def __init__(self, launch: Launcher, sandbox: Handle, *patterns: str, folder: str = "tasks.d") -> None:
        content = config_of(sandbox, FLEET[:1], task_files=list(patterns or ["tasks.d/*.yaml"]))
        self.config = launch.config(content)
        self.folder = self.config.parent / folder
        self.folder.mkdir()
        self._launch = launch
        self._exporter: Exporter | None = None

    @property
    def exporter(self) -> Exporter:
        """Started when it is needed first."""
        if self._exporter is None:
            self._exporter = self._launch.run(f"--config.file={self.config}")
        return self._exporter

    def put(self, name: str, *numbers: int) -> Path:
        """A file with these tasks of the fleet, renamed into its place."""
        path = self.folder / name
        write(path, entries_of(FLEET[number] for number in numbers))
        return path

    def watched(self) -> list[int]:
        """The numbers of the tasks that a scrape has, all of them up."""
        scrape = self.exporter.scrape()
        assert scrape.down == set()
        return sorted(IDS.index(task_id) for task_id in scrape.up)

    def files(self, metric: str) -> dict[str, float]:
        """The values of a metric of the files, by their names."""
        samples = self.exporter.scrape().samples(f"ninedata_exporter_task_file_{metric}")
        return {sample.labels["file"].removeprefix(f"{self.folder}/"): sample.value for sample in samples}

    def told(self) -> dict[str, list[str]]:
        """What the overview says in JSON about each file: its faults, and what is named before it."""
        return {
            file["file"].removeprefix(f"{self.folder}/"): file["faults"] + file["named_before"]
            for file in self.exporter.json("/")["task_files"]
        }


@pytest.fixture
def ground(launch: Launcher, serve: Serve) -> Ground:
    return Ground(launch, serve(*FLEET))


def test_files_come_change_and_go_without_a_reload(ground: Ground) -> None:
    """Each change is in the next scrape, on the pages, and in the log once."""
    began = time.time()
    assert ground.watched() == [0]
    ground.put("b.yaml", 1, 2)
    assert ground.watched() == [0, 1, 2]
    ground.put("a.yaml", 3)
    ground.put("b.yaml", 2)
    assert ground.watched() == [0, 2, 3]
    assert ground.exporter.get(f"/tasks/{IDS[1]}").status == 404
    assert ground.exporter.get(f"/tasks/{IDS[3]}").status == 200
    assert ground.files("tasks") == {"a.yaml": 1, "b.yaml": 1}
    assert ground.files("last_load_successful") == {"a.yaml": 1, "b.yaml": 1}
    assert all(began - 5 < at < time.time() for at in ground.files("last_load_success_timestamp_seconds").values())
    (ground.folder / "a.yaml").unlink()
    assert ground.watched() == [0, 2]
    assert ground.files("tasks") == {"b.yaml": 1}
    assert [line["msg"] for line in ground.exporter.log if line.get("file", "").endswith("a.yaml")] == [
        "task file read",
        "task file is gone",
    ]
    assert len(ground.exporter.logged("task file read")) == 3


def test_a_page_sees_a_change_before_any_scrape(ground: Ground) -> None:
    """And asks the API nothing for it."""
    assert [task["task_id"] for task in ground.exporter.json("/")["tasks"]] == IDS[:1]
    ground.put("a.yaml", 1)
    assert [task["task_id"] for task in ground.exporter.json("/")["tasks"]] == IDS[:2]
    assert ground.exporter.get(f"/tasks/{IDS[1]}").status == 200


def test_files_are_replaced_through_a_link(ground: Ground) -> None:
    """As Kubernetes replaces the files of a ConfigMap."""
    for name, number in (("..2026_01", 1), ("..2026_02", 2)):
        (ground.folder / name).mkdir()
        write(ground.folder / name / "tasks.yaml", entries_of([FLEET[number]]))
    (ground.folder / "..data").symlink_to("..2026_01")
    (ground.folder / "tasks.yaml").symlink_to("..data/tasks.yaml")
    assert ground.watched() == [0, 1]
    (ground.folder / "..data_tmp").symlink_to("..2026_02")
    (ground.folder / "..data_tmp").replace(ground.folder / "..data")
    assert ground.watched() == [0, 2]


BROKEN = {
    "not YAML": (b"- {task_id: cd-1", ":1: is not valid YAML: expected ',' or '}', but got '<stream end>'"),
    "an escape beyond all characters": (
        b'- {task_id: cd-1, precheck_task_id: p, name: "\\UFFFFFFFF"}\n',
        ": is not valid YAML: a number in it is too large",
    ),
    "no list": (b"tasks: []\n", ":1: must be a list of tasks"),
    "empty": (b"", ": is empty; write [] where it is to have no tasks"),
    "not UTF-8": (b"- task_id: cd-\xff\n", ":1: is not UTF-8 text"),
    "faulty": (b"- {task_id: cd-1}\n", ":1: [0].precheck_task_id: is missing"),
    "half written": (
        b"- task_id: cd-1\n  precheck_task_id: p\n- task_i",
        ":3: [1]: must be a mapping of keys, not text",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_keeps_its_tasks(ground: Ground, what: str) -> None:
    """What is wrong is told by a metric, the overview, and the log once; all other files count as ever."""
    content, fault = BROKEN[what]
    path = ground.put("a.yaml", 1, 2)
    assert ground.watched() == [0, 1, 2]
    loaded = ground.files("last_load_success_timestamp_seconds")["a.yaml"]
    path.write_bytes(content)
    ground.put("b.yaml", 3)
    for _ in range(3):
        assert ground.watched() == [0, 1, 2, 3]
    assert ground.files("last_load_successful") == {"a.yaml": 0, "b.yaml": 1}
    assert ground.files("tasks") == {"a.yaml": 2, "b.yaml": 1}
    assert ground.files("last_load_success_timestamp_seconds")["a.yaml"] == loaded
    (told,) = ground.told()["a.yaml"]
    assert told.startswith(f"{path}{fault}")
    assert [line["fault"] for line in ground.exporter.logged(FAULT)] == [told]
    page = ground.exporter.page("/")
    assert f"The task file <code>{path}</code> is not wholly in use." in page
    assert "Its last good content stays in use; its present one has a fault:" in page
    ground.put("a.yaml", 4)
    assert ground.watched() == [0, 3, 4]
    assert ground.files("last_load_successful") == {"a.yaml": 1, "b.yaml": 1}
    assert "is not wholly in use" not in ground.exporter.page("/")


@pytest.mark.parametrize("what", BROKEN)
def test_a_file_that_is_broken_from_the_start(ground: Ground, what: str) -> None:
    """The exporter starts, watches all else, and tells."""
    (ground.folder / "a.yaml").write_bytes(BROKEN[what][0])
    ground.put("b.yaml", 3)
    assert ground.watched() == [0, 3]
    assert ground.files("last_load_successful") == {"a.yaml": 0, "b.yaml": 1}
    assert ground.files("last_load_success_timestamp_seconds").keys() == {"b.yaml"}
    assert "It never had a good content; its present one has a fault:" in ground.exporter.page("/")
    assert len(ground.exporter.logged(FAULT)) == 1


def test_what_is_no_file_is_told(ground: Ground) -> None:
    """A folder, a pipe that nobody writes to, a link that leads nowhere, a name that is no text: none is waited for."""
    (ground.folder / "a.yaml").mkdir()
    os.mkfifo(ground.folder / "b.yaml")
    (ground.folder / "c.yaml").symlink_to("nowhere")
    Path(os.fsdecode(os.fsencode(ground.folder) + b"/d\xff.yaml")).touch()
    ground.put("e.yaml", 1)
    assert ground.watched() == [0, 1]
    told = {
        name: [fault.removeprefix(f"{ground.folder}/") for fault in faults] for name, faults in ground.told().items()
    }
    assert told == {
        "a.yaml": ["a.yaml: is no regular file"],
        "b.yaml": ["b.yaml: is no regular file"],
        "c.yaml": ["c.yaml: cannot be read: No such file or directory"],
        "d\\xff.yaml": ["d\\xff.yaml: the name is not UTF-8 text"],
        "e.yaml": [],
    }
    assert ground.files("last_load_successful")["d\\xff.yaml"] == 0
    assert "d\\xff.yaml" in ground.exporter.page("/")
    assert ground.exporter.stop() == 0


def test_a_task_is_named_once(ground: Ground) -> None:
    """The configuration counts before the files, those in their order; who names it again is told."""
    ground.put("b.yaml", 0, 2, 3)
    ground.put("a.yaml", 1, 2)
    renamed = entries_of([FLEET[3]])
    renamed[0]["name"] = "as c has it"
    write(ground.folder / "c.yaml", renamed)
    for _ in range(3):
        assert ground.watched() == [0, 1, 2, 3]
    scrape = ground.exporter.scrape()
    assert scrape.samples("ninedata_precheck_up", task="as c has it") == []
    assert ground.files("last_load_successful") == {"a.yaml": 1, "b.yaml": 0, "c.yaml": 0}
    assert ground.told() == {"a.yaml": [], "b.yaml": [IDS[0], IDS[2]], "c.yaml": [IDS[3]]}
    page = ground.exporter.page("/")
    assert f"These tasks are named before it, and stay as they are there: {IDS[0]}, {IDS[2]}" in page
    lines = ground.exporter.logged("task file names tasks that are named before it; those stay as they are")
    assert [line["task_ids"] for line in lines] == [f"{IDS[0]},{IDS[2]}", IDS[3]]
    ground.put("b.yaml", 5)
    assert ground.watched() == [0, 1, 2, 3, 5]
    scrape = ground.exporter.scrape()
    assert scrape.value("ninedata_precheck_up", task="as c has it") == 1
    assert ground.files("last_load_successful") == {"a.yaml": 1, "b.yaml": 1, "c.yaml": 1}


def test_a_task_twice_in_a_file_is_a_fault(ground: Ground) -> None:
    """As it is in the configuration."""
    ground.put("a.yaml", 1)
    assert ground.watched() == [0, 1]
    ground.put("a.yaml", 2, 3, 2)
    assert ground.watched() == [0, 1]
    (fault,) = ground.told()["a.yaml"]
    assert "[2].task_id: the same task id is already on line" in fault


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("tasks.d/*.yaml", [0, 1, 2]),
        ("tasks.d/[a]*", [0, 1]),
        ("tasks.d/a.yaml", [0, 1]),
        ("tasks.d/.*.yaml", [0, 3]),
        ("tasks.d/*/*.yaml", [0, 4]),
        ("*/b.yaml", [0, 2]),
        ("./tasks.d/../tasks.d/b.yaml", [0, 2]),
        ("none/*.yaml", [0]),
        ("missing.yaml", [0]),
    ],
)
def test_patterns_are_found_from_the_folder_of_the_configuration(
    launch: Launcher, serve: Serve, pattern: str, found: list[int]
) -> None:
    """As a shell finds them, wherever the exporter was started; one that matches nothing is told once."""
    ground = Ground(launch, serve(*FLEET), pattern)
    (ground.folder / "more").mkdir()
    for number, name in enumerate(["a.yaml", "b.yaml", ".hidden.yaml", "more/d.yaml"], 1):
        ground.put(name, number)
    for _ in range(2):
        assert ground.watched() == found
    unmatched = ground.exporter.logged("no task file matches")
    assert len(unmatched) == (found == [0])


@pytest.mark.parametrize("folder", ["[tasks]", "a*b?", "tasks and more", "任务"])
def test_the_folder_of_the_configuration_may_have_any_name(launch: Launcher, serve: Serve, folder: str) -> None:
    """What is a wildcard in a pattern is none in it."""
    sandbox = serve(*FLEET)
    path = launch.config({}).parent / folder / "config.yaml"
    path.parent.mkdir()
    write(path, config_of(sandbox, [], task_files=["*.tasks"]))
    write(path.parent / "a.tasks", entries_of([FLEET[1]]))
    exporter = launch.run(f"--config.file={path}")
    assert exporter.scrape().up == {IDS[1]: 1}
    write(path.parent / "a.tasks", entries_of([FLEET[2]]))
    assert exporter.scrape().up == {IDS[2]: 1}


def test_a_relative_configuration_has_its_files_beside_it(launch: Launcher, serve: Serve) -> None:
    """Named from the folder in which the exporter was started."""
    ground = Ground(launch, serve(*FLEET))
    ground.put("a.yaml", 1)
    relative = os.path.relpath(ground.config, Path(__file__).parents[2])
    exporter = launch.run(f"--config.file={relative}")
    assert exporter.scrape().up.keys() == set(IDS[:2])
    ground.put("b.yaml", 2)
    assert exporter.scrape().up.keys() == set(IDS[:3])


def test_every_kind_of_task_and_labels_may_be_in_a_file(launch: Launcher, serve: Serve) -> None:
    """An entry is what an entry of the configuration is."""
    tasks = [task for kind in ("data_compare", "schema_compare", "replication") for task in fleet(1, kind=kind)]
    sandbox = serve(*tasks)
    path = launch.config(config_of(sandbox, [], task_files=["tasks.yaml"]))
    entries = entries_of(tasks)
    entries[2]["labels"] = {"team": "dba"}
    write(path.parent / "tasks.yaml", entries)
    scrape = launch.run(f"--config.file={path}").scrape()
    assert scrape.up == {task.task_id: 1 for task in tasks}
    assert scrape.value("ninedata_precheck_up", team="dba", task_id="rp-fleet-00001") == 1


def test_a_large_file_is_there_from_the_first_scrape(launch: Launcher, serve: Serve) -> None:
    """However long it takes to read, the start waits for it."""
    tasks = fleet(5000, items=1)
    sandbox = serve(*tasks)
    path = launch.config(config_of(sandbox, [], task_files=["tasks.yaml"]))
    write(path.parent / "tasks.yaml", entries_of(tasks))
    exporter = launch.run(f"--config.file={path}")
    assert exporter.logged("watching tasks")[0]["tasks"] == "5000"
    assert len(exporter.json("/")["tasks"]) == 5000


def test_a_check_of_the_configuration_covers_its_files(ground: Ground, launch: Launcher) -> None:
    """Every fault of every file, in the order of the files; status 1, and not a word to the API."""
    ground.put("a.yaml", 1)
    check = launch.begin(f"--config.file={ground.config}", "--config.check")
    assert check.wait() == 0
    assert ": good: 2 tasks, with those of 1 task file, to watch at http" in check.stdout
    assert check.stderr == ""
    ground.put("b.yaml", 1, 2)
    (ground.folder / "c.yaml").write_text("- {task_id: cd-9}\n- {precheck_task_id: p, name: [x]}\n")
    (ground.folder / "d.yaml").write_bytes(b"")
    os.mkfifo(ground.folder / "e.yaml")
    check = launch.begin(f"--config.file={ground.config}", "--config.check")
    assert check.wait() == 1
    assert [line.removeprefix(f"{ground.folder}/") for line in check.stderr.splitlines()] == [
        f"b.yaml: the task id {IDS[1]} is already named before this file",
        "c.yaml:1: [0].precheck_task_id: is missing",
        "c.yaml:2: [1].task_id: is missing",
        "c.yaml:2: [1].name: must be text, not a list",
        "d.yaml: is empty; write [] where it is to have no tasks",
        "e.yaml: is no regular file",
    ]
    assert check.stdout == ""


def test_promtool_is_silent(ground: Ground, promtool_check: Callable[[str], str]) -> None:
    """About files that are well, and files that are not."""
    ground.put("a.yaml", 1)
    (ground.folder / "b.yaml").write_bytes(b'"\\n')
    (ground.folder / 'c "\\\n.yaml').write_bytes(b"[]")
    text = ground.exporter.scrape().text
    assert promtool_check(text) == ""
    names = {sample.labels["file"] for sample in Scrape.of_text(text).samples("ninedata_exporter_task_file_tasks")}
    assert f'{ground.folder}/c "\\\n.yaml' in names
