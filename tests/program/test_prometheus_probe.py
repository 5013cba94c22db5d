"""A real Prometheus with the sample configuration of one target per task, and the real exporter."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from exporter.sandbox import Handle, Task, demo_tasks, run_in_thread
from exporter.sandbox.faults import Hang
from tests.program.components import component
from tests.program.process import ROOT, Exporter, canary_sandbox, config_of, launcher, until
from tests.program.prometheus import Prometheus, configured
from tests.secrecy import Watch

SAMPLE = ROOT / "prometheus" / "prometheus.probe.example.yaml"
SEEN_SECONDS = 30.0

NAMED = tuple(task for task in demo_tasks() if task.kind == "data_compare")
"""In the configuration."""
IN_FILE = next(task for task in demo_tasks() if task.kind == "schema_compare")
"""In a task file, which some tests take away and put back."""
DISCOVERED = tuple(task for task in demo_tasks() if task.kind == "replication")
ORDERS = "cd-tg3isu1xgs"


@dataclass
class Monitoring:
    sandbox: Handle
    exporter: Exporter
    prometheus: Prometheus
    tasks: Path
    """The task file."""

    def watch(self, *tasks: Task) -> None:
        """Put tasks into the task file."""
        entries = [
            {"task_id": t.task_id, "precheck_task_id": t.precheck_task_id, "kind": t.kind, "name": t.name}
            for t in tasks
        ]
        written = self.tasks.with_name(".new")
        written.write_text(yaml.safe_dump(entries))
        written.rename(self.tasks)

    def up(self, selector: str = "") -> dict[str, float]:
        """Of each task that is a target, by its id."""
        return self.prometheus.by("task_id", f'up{{task_id!="",{selector}}}')


def sample(port: int) -> dict[str, object]:
    """The sample configuration in a hurry, without an Alertmanager."""
    config: dict[str, object] = yaml.safe_load(
        SAMPLE.read_text("utf-8").replace("localhost:10199", f"127.0.0.1:{port}")
    )
    del config["alerting"]
    config["global"] = {"evaluation_interval": "1s"}
    config["rule_files"] = [str(SAMPLE.parent / "ninedata.rules.yaml")]
    jobs = config["scrape_configs"]
    assert isinstance(jobs, list)
    for job in jobs:
        job |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        for sd in job.get("http_sd_configs", []):
            sd["refresh_interval"] = "1s"
    return config


@pytest.fixture(scope="module")
def running(
    secrecy: Watch, pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monitoring]:
    """One for all tests, since its start takes the longest."""
    program = component("prometheus", pytestconfig)
    folder = tmp_path_factory.mktemp("exporter")
    with run_in_thread(canary_sandbox(demo_tasks())) as sandbox, launcher(secrecy, folder) as launch:
        labels = {"team": "replication", "env": "prod"}
        config = config_of(
            sandbox,
            NAMED,
            task_files=[f"{folder}/*.tasks.yaml"],
            discovery={"replication": {"enabled": True, "labels": labels}},
        )
        exporter = launch.run(f"--config.file={launch.config(config)}")
        monitoring = tmp_path_factory.mktemp("prometheus")
        with configured(program, sample(exporter.port), monitoring) as prometheus:
            yield Monitoring(sandbox, exporter, prometheus, folder / "one.tasks.yaml")


@pytest.fixture
def monitoring(running: Monitoring) -> Monitoring:
    """With a sandbox that behaves, and all tasks as targets."""
    running.sandbox.clear()
    running.watch(IN_FILE)
    all_up = {task.task_id: 1.0 for task in (*NAMED, IN_FILE, *DISCOVERED)}
    until(lambda: running.up() == all_up, SEEN_SECONDS, "every task is a target")
    failing = [({}, 1.0)]
    until(
        lambda: running.prometheus.query("sum(ninedata_precheck_up == bool 0)") == failing, SEEN_SECONDS, "all is well"
    )
    return running


def test_each_task_has_an_up_of_its_own(monitoring: Monitoring) -> None:
    """Named, from a file, or discovered; beside them stands the exporter, under the same job and instance."""
    (exporter,) = monitoring.prometheus.query('up{task_id=""}')
    where = {"job": "ninedata", "instance": f"127.0.0.1:{monitoring.exporter.port}"}
    assert exporter == ({"__name__": "up", **where}, 1.0)
    for labels, value in monitoring.prometheus.query('up{task_id!=""}'):
        assert {name: labels[name] for name in where} == where
        assert value == 1.0


def test_the_configured_labels_are_those_of_the_target(monitoring: Monitoring) -> None:
    """`up` can be told apart by team, and so can everything that Prometheus itself says of the target."""
    teams = {task.task_id: 1.0 for task in NAMED if task.labels["team"] == "finance"}
    assert monitoring.up('team="finance"') == teams
    assert set(monitoring.up('team="replication"')) == {task.task_id for task in DISCOVERED}
    seconds = monitoring.prometheus.query('scrape_duration_seconds{team="finance"}')
    assert {labels["task_id"] for labels, _ in seconds} == teams.keys()


def test_no_label_is_exported(monitoring: Monitoring) -> None:
    """Target and series agree, so none is renamed."""
    assert monitoring.prometheus.query('{__name__=~".+",exported_task_id!=""}') == []
    names = monitoring.prometheus.api("labels")
    assert isinstance(names, list)
    assert [name for name in names if name.startswith("exported_")] == []


def test_the_series_are_those_of_one_target_for_all(monitoring: Monitoring) -> None:
    """Each task's status is known once, and the exporter's own metrics are, too."""
    counted = monitoring.prometheus.by("task_id", "count by (task_id) (ninedata_precheck_up)")
    assert counted == {task.task_id: 1.0 for task in (*NAMED, IN_FILE, *DISCOVERED)}
    assert len(monitoring.prometheus.query("ninedata_exporter_build_info")) == 1
    assert monitoring.prometheus.by("kind", "ninedata_discovery_tasks") == {"replication": len(DISCOVERED)}
    assert monitoring.prometheus.by("kind", "ninedata_exporter_watched_tasks") == {
        "data_compare": len(NAMED),
        "schema_compare": 1,
        "replication": len(DISCOVERED),
    }


def test_a_hanging_query_times_out_alone(monitoring: Monitoring) -> None:
    """Its target is up and says why; no other one waits for it."""
    monitoring.sandbox.set_fault(Hang(), ORDERS)
    prometheus = monitoring.prometheus
    missed = f'ninedata_precheck_query_failure_info{{task_id="{ORDERS}",reason="deadline"}}'
    until(lambda: bool(prometheus.query(missed)), SEEN_SECONDS, "the deadline is missed")
    assert prometheus.query("sum(ninedata_precheck_up == bool 0)") == [({}, 2.0)], "it and the one that is not found"
    assert set(monitoring.up().values()) == {1.0}
    seconds = prometheus.by("task_id", 'scrape_duration_seconds{task_id!=""}')
    hanging = seconds.pop(ORDERS)
    assert hanging > 0.4
    assert sorted(seconds.values())[len(seconds) // 2] < hanging


def test_tasks_come_and_go_with_a_task_file(monitoring: Monitoring) -> None:
    """Without a restart, and without what is left of one that is gone."""
    monitoring.watch()
    until(lambda: IN_FILE.task_id not in monitoring.up(), SEEN_SECONDS, "the target is gone")
    assert monitoring.prometheus.query(f'{{__name__=~"ninedata_precheck_.+",task_id="{IN_FILE.task_id}"}}') == []
    monitoring.watch(IN_FILE)
    until(lambda: monitoring.up().get(IN_FILE.task_id) == 1.0, SEEN_SECONDS, "the target is there")
    info = monitoring.prometheus.query(f'ninedata_precheck_info{{task_id="{IN_FILE.task_id}"}}')
    assert [labels["kind"] for labels, _ in info] == ["schema_compare"]


def test_the_rules_take_these_series(monitoring: Monitoring) -> None:
    """No rule fails, and no alert about the exporter or about scraping is on its way."""
    rules = monitoring.prometheus.api("rules")
    assert isinstance(rules, dict)
    assert [rule for group in rules["groups"] for rule in group["rules"] if rule["health"] == "err"] == []
    about = {labels["alertname"] for labels, _ in monitoring.prometheus.query('ALERTS{task_id=""}')}
    assert about == set()


def test_the_exporter_met_no_error_of_its_own(monitoring: Monitoring) -> None:
    assert [line for line in monitoring.exporter.log if line["level"] == "error"] == []
