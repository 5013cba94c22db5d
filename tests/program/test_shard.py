"""--shard I/N: several exporters with one configuration watch together what one would."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.sandbox import Handle, demo_tasks, fleet, run_in_thread
from exporter.sandbox.faults import HttpStatus
from tests.program.process import Exporter, Launcher, canary_sandbox, config_of, entries_of, write
from tests.program.scrape import Scrape

COUNT = 3
NAMED = fleet(30, items=2)
FILED = fleet(20, items=2, kind="schema_compare")
LISTED = fleet(25, items=2, kind="replication")
ALL = {task.task_id for task in NAMED + FILED + LISTED}

# Of what a scrape has, what is the exporter's own, or differs from one scrape to the next.
PER_TASK = "ninedata_precheck_"
MOVING = "ninedata_precheck_query_duration_seconds"

Serve = Callable[..., Handle]


@dataclass
class Fleet:
    """One configuration with tasks from all three places, and exporters that share it."""

    sandbox: Handle
    config: Path
    whole: Exporter
    shards: list[Exporter]


@pytest.fixture(scope="module")
def shared(launch_for_module: Launcher) -> Iterator[Fleet]:
    with run_in_thread(canary_sandbox(NAMED + FILED + LISTED, max_page_size=10)) as sandbox:
        content = config_of(sandbox, NAMED, task_files=["*.tasks"], discovery={"replication": {"enabled": True}})
        config = launch_for_module.config(content)
        write(config.parent / "a.tasks", entries_of(FILED[:10]))
        write(config.parent / "b.tasks", entries_of(FILED[10:]))
        whole = launch_for_module.run(f"--config.file={config}")
        shards = [
            launch_for_module.run(f"--config.file={config}", f"--shard={index}/{COUNT}") for index in range(COUNT)
        ]
        yield Fleet(sandbox, config, whole, shards)


@pytest.fixture
def exporters(shared: Fleet) -> Fleet:
    """The sandbox behaves, and all discovered tasks are known."""
    shared.sandbox.reset()
    for exporter in (shared.whole, *shared.shards):
        exporter.scrape()
    return shared


def lines_of(scrape: Scrape) -> Counter[str]:
    """The series of the tasks with their values."""
    return Counter(
        line for line in scrape.text.splitlines() if line.startswith(PER_TASK) and not line.startswith(MOVING)
    )


def test_together_they_give_what_one_gives(exporters: Fleet) -> None:
    """Every series of every task once, whatever names the task; and no one has all of the work."""
    scrapes = [exporter.scrape() for exporter in exporters.shards]
    whole = exporters.whole.scrape()
    assert whole.up == dict.fromkeys(ALL, 1)
    assert sum((lines_of(scrape) for scrape in scrapes), Counter()) == lines_of(whole)
    assert all(len(ALL) / COUNT / 2 < len(scrape.up) < len(ALL) / COUNT * 2 for scrape in scrapes)


def test_what_is_counted_adds_up(exporters: Fleet) -> None:
    """Watched tasks of each kind, and discovered ones; all know the same files."""
    scrapes = [exporter.scrape() for exporter in exporters.shards]

    def total(name: str, **labels: str) -> float:
        return sum(scrape.value(name, **labels) for scrape in scrapes)

    assert total("ninedata_exporter_watched_tasks", kind="data_compare") == len(NAMED)
    assert total("ninedata_exporter_watched_tasks", kind="schema_compare") == len(FILED)
    assert total("ninedata_exporter_watched_tasks", kind="replication") == len(LISTED)
    assert total("ninedata_discovery_tasks", kind="replication") == len(LISTED)
    for scrape in scrapes:
        assert [s.value for s in scrape.samples("ninedata_exporter_task_file_tasks")] == [10, 10]


def test_each_asks_about_its_own_tasks_alone(exporters: Fleet) -> None:
    """The list is read by all of them, each task is asked about by one."""
    exporters.sandbox.reset()
    for exporter in exporters.shards:
        exporter.scrape()
    asked = dict(exporters.sandbox.requests().per_task)
    assert asked.pop("replication/list") == COUNT * 3
    assert asked == dict.fromkeys(ALL, 1)


def test_each_says_which_it_is(exporters: Fleet) -> None:
    """By a metric, on the overview, and in the log; the one without the flag has no word of it."""
    for index, exporter in enumerate(exporters.shards):
        labels = {"shard": str(index), "shards": str(COUNT)}
        assert exporter.scrape().value("ninedata_exporter_shard_info", **labels) == 1
        assert f", shard <code>{index}/{COUNT}</code>" in exporter.page("/")
        assert exporter.logged("watching tasks")[0]["shard"] == f"{index}/{COUNT}"
    assert "shard" not in exporters.whole.scrape().text.replace("--shard", "")
    assert "shard" not in exporters.whole.page("/")
    assert "shard" not in exporters.whole.logged("watching tasks")[0]


def test_pages_have_the_shards_tasks(exporters: Fleet) -> None:
    """And so has the list of targets; any of them can be probed anywhere."""
    shown, targets = Counter[str](), Counter[str]()
    for exporter in exporters.shards:
        shown.update(task["task_id"] for task in exporter.json("/")["tasks"])
        targets.update(target["labels"]["task_id"] for target in exporter.get("/sd").json)
    assert shown == targets == Counter(ALL)
    probed = NAMED[0].task_id
    assert all(Scrape.of_text(e.get(f"/probe?task_id={probed}").text).up == {probed: 1} for e in exporters.shards)
    assert sum(e.get(f"/tasks/{probed}").status == 200 for e in exporters.shards) == 1


def test_a_file_that_changes_changes_for_all(exporters: Fleet) -> None:
    """A task that comes is in one of them, and one that goes is in none."""
    gone, came = FILED[0].task_id, "cc-new"
    write(exporters.config.parent / "a.tasks", [*entries_of(FILED[1:10]), {"task_id": came, "precheck_task_id": "p"}])
    watched = Counter(task_id for exporter in exporters.shards for task_id in exporter.scrape().up)
    assert watched == Counter(ALL - {gone} | {came})
    write(exporters.config.parent / "a.tasks", entries_of(FILED[:10]))


def test_a_failed_discovery_keeps_each_ones_tasks(exporters: Fleet) -> None:
    """All of them together still have all."""
    exporters.sandbox.set_fault(HttpStatus(status=500), "replication/list")
    scrapes = [exporter.scrape() for exporter in exporters.shards]
    assert Counter(task_id for scrape in scrapes for task_id in scrape.up) == Counter(ALL)
    assert [scrape.value("ninedata_discovery_up") for scrape in scrapes] == [0] * COUNT


def test_one_more_takes_a_share_of_each(exporters: Fleet, launch: Launcher) -> None:
    """And every task that does not go to the new one stays where it is, with its series."""
    before = [exporter.scrape().up.keys() for exporter in exporters.shards]
    after = [
        launch.run(f"--config.file={exporters.config}", f"--shard={index}/{COUNT + 1}").scrape().up.keys()
        for index in range(COUNT + 1)
    ]
    assert Counter(task_id for shard in after for task_id in shard) == Counter(ALL)
    assert all(new <= old for new, old in zip(after, before, strict=False))
    assert len(after[COUNT]) < 2 * len(ALL) / (COUNT + 1)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "must be I/N, such as 0/3 for the first of three"),
        ("3", "must be I/N, such as 0/3 for the first of three"),
        ("a/b", "must be I/N, such as 0/3 for the first of three"),
        ("-1/3", "must be I/N, such as 0/3 for the first of three"),
        ("3/3", "must be I/N with I from 0 to 2"),
        ("0/0", "must be of 1 to 10000 shards"),
        ("0/20000", "must be of 1 to 10000 shards"),
    ],
)
def test_what_is_no_shard_is_refused(launch: Launcher, value: str, why: str) -> None:
    """Status 1, the flag and what it must be, no traceback."""
    exporter = launch.begin("--config.file=any.yaml", f"--shard={value}")
    assert exporter.wait() == 1
    assert exporter.stderr == f"ninedata-exporter: argument --shard: {why}\nSee ninedata-exporter --help.\n"


def test_the_only_shard_of_one_is_the_whole(launch: Launcher, serve: Serve) -> None:
    """So that a number of one needs no exception where it is configured."""
    exporter = launch(serve(*NAMED), "--shard=0/1")
    assert exporter.scrape().up.keys() == {task.task_id for task in NAMED}


def test_the_demonstration_can_be_sharded(launch: Launcher) -> None:
    """To see what it does."""
    watched = Counter[str]()
    for index in range(2):
        watched.update(launch.run("--demo", f"--shard={index}/2").scrape().up.keys())
    assert watched == Counter(task.task_id for task in demo_tasks())
