"""Reload: the configuration as it is now takes effect, all of it, and costs no scrape that is under way."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from exporter.sandbox import Handle, Task, demo_tasks, fleet, run_in_thread
from exporter.sandbox.faults import Delay, Hang, HttpStatus, RateLimited
from tests.program.certificates import server_context
from tests.program.process import Exporter, Launcher, canary_sandbox, config_of, entries_of, until, write
from tests.program.scrape import Answer, Scrape
from tests.secrecy import CANARY, SECRET_KEY
from tests.web_config.certificates import new_issuer

Serve = Callable[..., Handle]

LIFECYCLE = "--web.enable-lifecycle"
FLEET = fleet(6, items=1)
IDS = [task.task_id for task in FLEET]
STAYS = "configuration not reloaded; the one before it stays in force"


class Ground:
    """An exporter with a configuration that a test writes anew."""

    def __init__(self, launch: Launcher, sandbox: Handle, *flags: str, **changes: Any) -> None:  # noqa: ANN401 - YAML
        self.sandbox = sandbox
        self.config = launch.config(config_of(sandbox, **changes))
        self.exporter: Exporter = launch.run(f"--config.file={self.config}", *flags)

    def write(self, tasks: tuple[Task, ...] | None = None, sandbox: Handle | None = None, **changes: Any) -> None:  # noqa: ANN401 - YAML
        """A configuration that watches these tasks, by default all."""
        write(self.config, config_of(sandbox or self.sandbox, tasks, **changes))

    def reload(self, tasks: tuple[Task, ...] | None = None, **changes: Any) -> None:  # noqa: ANN401 - YAML
        """Write a configuration, and have it take effect."""
        self.write(tasks, **changes)
        answer = self.exporter.reload()
        assert (answer.status, answer.text) == (200, "The configuration was reloaded.\n")

    def hang_up(self, tasks: tuple[Task, ...] | None = None, **changes: Any) -> None:  # noqa: ANN401 - YAML
        """The same by a signal."""
        self.write(tasks, **changes)
        before = len(self.exporter.logged("configuration reloaded"))
        self.exporter.popen.send_signal(signal.SIGHUP)
        until(lambda: len(self.exporter.logged("configuration reloaded")) > before, 30, "the reload")


@pytest.fixture
def ground(launch: Launcher, serve: Serve) -> Ground:
    return Ground(launch, serve(*FLEET), LIFECYCLE)


@pytest.fixture(scope="module")
def closed(launch_for_module: Launcher) -> Exporter:
    """Without the flag that opens /-/reload."""
    tasks = [{"task_id": "cd-1", "precheck_task_id": "p"}]
    api = {"base_url": "http://127.0.0.1:9", "access_key_id": "ak", "secret_key": SECRET_KEY}
    return launch_for_module.run(f"--config.file={launch_for_module.config({'api': api, 'tasks': tasks})}")


@pytest.mark.parametrize("how", [Ground.reload, Ground.hang_up])
def test_other_tasks_are_watched(ground: Ground, how: Callable[..., None]) -> None:
    """By the request and by the signal alike: in the next scrape, on the pages, in the log."""
    exporter = ground.exporter
    assert exporter.scrape().up.keys() == set(IDS)
    how(ground, FLEET[3:])
    assert exporter.scrape().up.keys() == set(IDS[3:])
    assert exporter.get(f"/tasks/{IDS[0]}").status == 404
    assert {task["task_id"] for task in exporter.json("/")["tasks"]} == set(IDS[3:])
    assert {target["labels"]["task_id"] for target in exporter.get("/sd").json} == set(IDS[3:])
    how(ground, FLEET[:4])
    assert exporter.scrape().up.keys() == set(IDS[:4])
    assert [line["tasks"] for line in exporter.logged("watching tasks")] == ["6", "3", "4"]
    assert len(exporter.logged("configuration reloaded")) == 2


def test_the_request_may_be_a_put(ground: Ground) -> None:
    """POST or PUT, as Prometheus has it; nothing that a link could do."""
    ground.write(FLEET[:1])
    assert ground.exporter.request("PUT", "/-/reload").status == 200
    assert ground.exporter.scrape().up.keys() == set(IDS[:1])
    for method in ("GET", "HEAD", "DELETE"):
        assert ground.exporter.request(method, "/-/reload").status == 405


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_without_the_flag_nobody_may(closed: Exporter, method: str) -> None:
    """403, and nothing is read; the signal needs no flag."""
    answer = closed.request(method, "/-/reload")
    assert (answer.status, answer.text) == (403, "Reloading is off; --web.enable-lifecycle turns it on.\n")
    assert closed.logged("configuration reloaded") == []


def test_the_server_and_the_key_take_effect(launch: Launcher, serve: Serve) -> None:
    """Requests go to the new address with the new key, and none to the old one."""
    old, new = serve(*FLEET[:2]), serve(*FLEET[2:])
    ground = Ground(launch, old, LIFECYCLE, api={"secret_key": f"{SECRET_KEY}-wrong"})
    assert set(ground.exporter.scrape().reasons.values()) == {"auth"}
    ground.reload()
    assert ground.exporter.scrape().up == dict.fromkeys(IDS[:2], 1)
    before = old.requests().total
    ground.reload(sandbox=new)
    assert ground.exporter.scrape().up == dict.fromkeys(IDS[2:], 1)
    assert old.requests().total == before
    assert f"at <code>{new.base_url}</code>" in ground.exporter.page("/")


def test_a_secret_file_takes_effect(ground: Ground) -> None:
    """In the place of a secret in the configuration."""
    (ground.config.parent / "key").write_text(f"{SECRET_KEY}-wrong")
    ground.reload(api={"secret_key": None, "secret_key_file": "key"})
    assert set(ground.exporter.scrape().reasons.values()) == {"auth"}
    (ground.config.parent / "key").write_text(SECRET_KEY)
    assert ground.exporter.scrape().down == set()


def test_limits_take_effect(ground: Ground) -> None:
    """Of concurrency, rate and time."""
    sandbox, exporter = ground.sandbox, ground.exporter
    sandbox.set_fault(Delay(delay_seconds=0.2))
    exporter.scrape()
    assert sandbox.requests().max_in_flight == len(FLEET)
    ground.reload(api={"concurrency": 2})
    sandbox.reset()
    sandbox.set_fault(Delay(delay_seconds=0.2))
    exporter.scrape()
    assert sandbox.requests().max_in_flight == 2
    ground.reload(api={"request_timeout": "100ms"})
    assert set(exporter.scrape().reasons.values()) == {"timeout"}
    sandbox.clear()
    ground.reload(api={"rate_limit": 0.5})
    assert "rate_limited" in exporter.scrape(timeout=3).reasons.values()
    ground.reload()
    assert exporter.scrape().down == set()


def test_the_timeout_of_scrapes_takes_effect(ground: Ground) -> None:
    """For those that name none."""
    ground.sandbox.set_fault(Hang(), IDS[0])
    ground.reload(scrape={"timeout": "1s"}, api={"request_timeout": "60s"})
    began = time.monotonic()
    assert ground.exporter.scrape().reasons == {IDS[0]: "deadline"}
    assert time.monotonic() - began < 5


def test_tls_takes_effect(launch: Launcher, tmp_path: Path) -> None:
    """Which issuers are trusted, and whether any need be; kept connections of before are not used."""
    issuer = new_issuer(tmp_path, "reloads")
    context = server_context(issuer, "IP:127.0.0.1", days=1)
    with run_in_thread(canary_sandbox(FLEET), ssl_context=context) as sandbox:
        ground = Ground(launch, sandbox, LIFECYCLE)
        assert set(ground.exporter.scrape().reasons.values()) == {"tls"}
        ground.reload(api={"tls": {"ca_file": str(issuer.own.certificate)}})
        assert ground.exporter.scrape().down == set()
        ground.reload()
        assert set(ground.exporter.scrape().reasons.values()) == {"tls"}
        ground.reload(api={"tls": {"insecure_skip_verify": True}})
        assert ground.exporter.scrape().down == set()


def test_a_proxy_takes_effect(ground: Ground) -> None:
    """One that is not there is missed by every query."""
    ground.reload(api={"proxy_url": "http://127.0.0.1:9"})
    assert set(ground.exporter.scrape().reasons.values()) == {"connect"}
    ground.reload()
    assert ground.exporter.scrape().down == set()


def test_failure_reasons_and_probes_take_effect(launch: Launcher, serve: Serve) -> None:
    """What is not to be in the metrics any more is not; a task that is not watched may be probed."""
    ground = Ground(launch, serve(*demo_tasks()), LIFECYCLE)
    exporter, unlisted = ground.exporter, "/probe?task_id=cd-tg3isu1xgs&precheck_task_id=pcte-dj02vti9tabd"
    inventory = tuple(task for task in demo_tasks() if task.name == "inventory-prod")
    assert exporter.scrape().samples("ninedata_precheck_item_failure_info")
    ground.reload(inventory, failure_reasons=False)
    scrape = exporter.scrape()
    assert scrape.statuses == {inventory[0].task_id: "Failed"}
    assert scrape.samples("ninedata_precheck_item_failure_info") == []
    assert exporter.get(unlisted).status == 400
    ground.reload(inventory, probe={"allow_unlisted": True})
    assert Scrape.of_text(exporter.get(unlisted).text).up == {"cd-tg3isu1xgs": 1}


def test_task_files_and_discovery_take_effect(launch: Launcher, serve: Serve) -> None:
    """Both come, and go with the key that named them."""
    ground = Ground(launch, serve(*FLEET, *fleet(3, kind="replication")), LIFECYCLE, tasks=FLEET[:1])
    exporter, folder = ground.exporter, ground.config.parent
    write(folder / "more.tasks", entries_of(FLEET[1:2]))
    ground.reload(FLEET[:1], task_files=["*.tasks"], discovery={"replication": {"enabled": True}})
    assert exporter.scrape().up.keys() == {*IDS[:2], *(f"rp-fleet-0000{n}" for n in (1, 2, 3))}
    names = {"replication": {"enabled": True, "names": ["*-00002"]}}
    ground.reload(FLEET[:1], task_files=["*.tasks"], discovery=names)
    assert exporter.scrape().up.keys() == {*IDS[:2], "rp-fleet-00002"}
    ground.reload(FLEET[:1])
    scrape = exporter.scrape()
    assert scrape.up.keys() == set(IDS[:1])
    assert "ninedata_discovery_" not in scrape.text
    assert "ninedata_exporter_task_file_" not in scrape.text


@pytest.fixture
def slow(ground: Ground) -> Iterator[socket.socket]:
    """A scrape of all tasks, under way while a test reloads; the API answers when the test lets it."""
    ground.sandbox.set_fault(Delay(delay_seconds=3))
    with ground.exporter.begin_scrape(timeout=60) as scraper:
        until(lambda: ground.sandbox.requests().in_flight == len(FLEET), 20, "all tasks are being asked about")
        ground.sandbox.clear()
        yield scraper


def answer_to(scraper: socket.socket) -> Answer:
    """What a scraper gets in the end."""
    response = HTTPResponse(scraper)
    response.begin()
    return Answer(response.status, dict(response.getheaders()), response.read())


def test_a_scrape_under_way_is_whole(ground: Ground, slow: socket.socket) -> None:
    """It ends with the tasks that it began with, whatever is watched since; pages and the log have the new ones."""
    ground.reload(FLEET[:1], api={"concurrency": 1})
    assert ground.exporter.scrape().up == {IDS[0]: 1}
    scrape = Scrape.of_text(answer_to(slow).text)
    assert scrape.up == dict.fromkeys(IDS, 1)
    (task,) = ground.exporter.json("/")["tasks"]
    assert (task["task_id"], task["status"]) == (IDS[0], "Success")
    assert ground.exporter.scrape().up == {IDS[0]: 1}
    assert len(ground.exporter.logged("precheck status first seen")) == len(FLEET)


def test_a_scrape_under_way_does_not_forget_the_new_tasks(launch: Launcher, serve: Serve) -> None:
    """What a scrape of the new configuration found stays on the pages when an older one ends after it."""
    ground = Ground(launch, serve(*FLEET), LIFECYCLE, tasks=FLEET[:3])
    ground.sandbox.set_fault(Delay(delay_seconds=3))
    with ground.exporter.begin_scrape(timeout=60) as scraper:
        until(lambda: ground.sandbox.requests().in_flight == 3, 20, "all tasks are being asked about")
        ground.sandbox.clear()
        ground.reload(FLEET[3:])
        assert ground.exporter.scrape().up == dict.fromkeys(IDS[3:], 1)
        assert Scrape.of_text(answer_to(scraper).text).up == dict.fromkeys(IDS[:3], 1)
    told = {task["task_id"]: task["status"] for task in ground.exporter.json("/")["tasks"]}
    assert told == dict.fromkeys(IDS[3:], "Success")


def test_it_can_be_stopped_while_an_old_scrape_is_under_way(ground: Ground, slow: socket.socket) -> None:
    """At once, and nothing is an error."""
    ground.reload(FLEET[:1])
    began = time.monotonic()
    assert ground.exporter.stop() == 0
    assert time.monotonic() - began < 3
    assert slow.recv(1) == b""
    assert [line for line in ground.exporter.log if line["level"] == "error"] == []


def test_no_connections_are_left_behind(ground: Ground) -> None:
    """After fifty reloads, each with scrapes before, during and after it, it has as many open as at first."""
    exporter = ground.exporter
    exporter.scrape()
    until(lambda: exporter.descriptors() > 0, 10, "a start")
    before = exporter.descriptors()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(50):
            scrape = pool.submit(exporter.scrape)
            ground.reload()
            assert scrape.result().down == set()
    exporter.scrape()
    until(lambda: exporter.descriptors() <= before + 2, 20, f"as many descriptors as the {before} at first")
    assert ground.sandbox.requests().in_flight == 0


def broken(ground: Ground) -> list[str]:
    """Write a configuration with faults, secrets among them; the faults."""
    content = config_of(ground.sandbox, api={"secret_key": f"{SECRET_KEY}\n{SECRET_KEY}", "concurrency": SECRET_KEY})
    write(ground.config, content | {"tasks": [{"task_id": "cd 1", "name": SECRET_KEY}], "extra": SECRET_KEY})
    return ["api.secret_key", "api.concurrency", "tasks[0].task_id", "tasks[0].precheck_task_id", "extra"]


def reload_successful(scrape: Scrape) -> float:
    return scrape.value("ninedata_exporter_config_last_reload_successful")


def reloaded_at(scrape: Scrape) -> float:
    return scrape.value("ninedata_exporter_config_last_reload_success_timestamp_seconds")


def test_a_broken_configuration_changes_nothing_and_is_told(ground: Ground) -> None:
    """All of its faults: in the answer, the log, on the page, as JSON; and a metric; until it is mended."""
    exporter = ground.exporter
    before = exporter.scrape()
    assert reload_successful(before) == 1
    keys = broken(ground)
    answer = exporter.reload()
    assert answer.status == 500
    first, *faults = answer.text.splitlines()
    assert first == "The configuration has faults; the one before it stays in force."
    assert [fault for key in keys for fault in faults if f": {key}: " in fault]
    assert sorted(fault.split(": ")[1] for fault in faults) == sorted(keys)
    assert all(fault.startswith(f"{ground.config}:") for fault in faults)
    scrape = exporter.scrape()
    assert scrape.up == dict.fromkeys(IDS, 1)
    assert reload_successful(scrape) == 0
    assert reloaded_at(scrape) == reloaded_at(before)
    assert [(line["level"], line["fault"]) for line in exporter.logged(STAYS)] == [("error", f) for f in faults]
    assert exporter.json("/")["config"] == {"reloaded": False, "faults": faults}
    page = exporter.page("/")
    assert "The configuration could not be reloaded; the one before it stays in force." in page
    assert page.count("<li><code>") == len(faults)
    assert CANARY not in answer.text + page + exporter.stderr
    ground.reload(FLEET[:2])
    scrape = exporter.scrape()
    assert (reload_successful(scrape), scrape.up.keys()) == (1, set(IDS[:2]))
    assert reloaded_at(scrape) > reloaded_at(before)
    assert exporter.json("/")["config"] == {"reloaded": True, "faults": []}
    assert "could not be reloaded" not in exporter.page("/")


def test_a_broken_configuration_is_told_of_a_signal_as_well(ground: Ground) -> None:
    """Although nobody waits for an answer."""
    broken(ground)
    ground.exporter.popen.send_signal(signal.SIGHUP)
    until(lambda: reload_successful(ground.exporter.scrape()) == 0, 30, "the metric of it")
    assert len(ground.exporter.logged(STAYS)) == 5
    assert ground.exporter.json("/")["config"]["reloaded"] is False
    ground.hang_up(FLEET[:1])
    assert reload_successful(ground.exporter.scrape()) == 1


@pytest.mark.parametrize("what", ["missing", "a folder", "not YAML", "empty"])
def test_what_is_no_configuration_at_all_changes_nothing(ground: Ground, what: str) -> None:
    """However it went wrong."""
    said = {
        "missing": "cannot be read: No such file or directory",
        "a folder": "cannot be read: Is a directory",
        "not YAML": "is not valid YAML",
        "empty": "is empty",
    }
    ground.config.unlink()
    if what == "a folder":
        ground.config.mkdir()
    elif what != "missing":
        ground.config.write_text("a: [" if what == "not YAML" else "")
    answer = ground.exporter.reload()
    assert answer.status == 500
    assert said[what] in answer.text
    assert ground.exporter.scrape().up == dict.fromkeys(IDS, 1)


def test_the_secret_of_a_file_that_cannot_be_read_is_missed_at_the_reload(ground: Ground) -> None:
    """The old configuration, with its secret, stays."""
    ground.write(api={"secret_key": None, "secret_key_file": "none"})
    answer = ground.exporter.reload()
    assert "api.secret_key_file: the file that it names cannot be read" in answer.text
    assert ground.exporter.scrape().down == set()


def test_reloads_at_the_same_time(ground: Ground) -> None:
    """All are answered, and what was written before them is in force; scrapes go on meanwhile, each of them whole."""
    exporter = ground.exporter
    with ThreadPoolExecutor(30) as pool:
        for count in (3, 1, 5):
            ground.write(FLEET[:count])
            reloads = [pool.submit(exporter.reload) for _ in range(20)]
            scrapes = [pool.submit(exporter.scrape) for _ in range(10)]
            assert [reload.result().status for reload in reloads] == [200] * 20
            assert all(scrape.result().down == set() for scrape in scrapes)
            assert exporter.scrape().up.keys() == set(IDS[:count])


def test_a_storm_of_signals(ground: Ground) -> None:
    """Hundreds do no harm, end soon, and leave the latest configuration in force."""
    exporter = ground.exporter
    for number in range(400):
        if number == 200:
            ground.write(FLEET[:2])
        exporter.popen.send_signal(signal.SIGHUP)
        # Python's handlers nest where a signal comes before the last one's has begun; coverage slows them down.
        time.sleep(0.002)
    until(lambda: exporter.scrape().up.keys() == set(IDS[:2]), 30, "the new configuration")
    until(lambda: not _reloading(exporter), 30, "an end of the reloads")
    assert exporter.scrape().down == set()
    assert exporter.stop() == 0


def _reloading(exporter: Exporter) -> bool:
    """Whether the log has another reload within half a second."""
    before = len(exporter.logged("configuration reloaded"))
    time.sleep(0.5)
    return len(exporter.logged("configuration reloaded")) > before


def test_a_signal_during_the_start_does_not_end_it(launch: Launcher, serve: Serve) -> None:
    """While a large task file is read, for which the start waits."""
    sandbox = serve(*FLEET)
    config = launch.config(config_of(sandbox, task_files=["*.tasks"]))
    write(config.parent / "a.tasks", entries_of(fleet(3000)))
    exporter = launch.begin(f"--config.file={config}", "--web.listen-address=127.0.0.1:0")
    until(lambda: bool(exporter.logged("starting ninedata-exporter")), 30, "a start")
    time.sleep(0.1)  # its next line of code ignores the signal
    while not exporter.logged("listening"):
        exporter.popen.send_signal(signal.SIGHUP)
        time.sleep(0.01)
        assert exporter.popen.poll() is None
    exporter.await_listening()
    assert exporter.get("/-/ready").status == 200


def test_a_pause_that_the_api_wants_outlives_a_reload(ground: Ground) -> None:
    """No request is sent before its end, whatever is reloaded."""
    ground.sandbox.set_fault(RateLimited(retry_after=60, times=1), IDS[0])
    ground.exporter.scrape()
    ground.sandbox.reset()
    ground.reload(api={"concurrency": 3})
    assert set(ground.exporter.scrape().reasons.values()) == {"rate_limited"}
    assert ground.sandbox.requests().total == 0


def test_discovered_tasks_outlive_a_reload_while_the_list_fails(launch: Launcher, serve: Serve) -> None:
    """They are known from before; that discovery fails is not logged anew, and that it works again is."""
    replications = fleet(5, items=1, kind="replication")
    enabled = {"replication": {"enabled": True}}
    ground = Ground(launch, serve(*replications, *FLEET), LIFECYCLE, tasks=FLEET, discovery=enabled)
    exporter = ground.exporter
    everything = {task.task_id for task in (*replications, *FLEET)}
    assert exporter.scrape().up == dict.fromkeys(everything, 1)
    ground.sandbox.set_fault(HttpStatus(status=500), "replication/list")
    exporter.scrape()
    ground.reload(FLEET, discovery=enabled, api={"concurrency": 3})
    assert {task["task_id"] for task in exporter.json("/")["tasks"]} == everything
    scrape = exporter.scrape()
    assert scrape.up == dict.fromkeys(everything, 1)
    assert scrape.value("ninedata_discovery_up") == 0
    ground.sandbox.clear()
    exporter.scrape()
    assert len(exporter.logged("discovery fails; the tasks known so far stay watched")) == 1
    assert len(exporter.logged("discovery works again")) == 1


def test_counters_go_on(ground: Ground) -> None:
    """A reload is no start: nothing that Prometheus counts begins again, and the pages know what was found."""
    before = ground.exporter.scrape().value("ninedata_api_requests_total", kind="data_compare")
    ground.reload()
    assert {task["status"] for task in ground.exporter.json("/")["tasks"]} == {"Success"}
    assert ground.exporter.scrape().value("ninedata_api_requests_total", kind="data_compare") == before + len(FLEET)
    assert len(ground.exporter.logged("precheck status first seen")) == len(FLEET)


def test_flags_stay(launch: Launcher, serve: Serve, tmp_path: Path) -> None:
    """Where it listens, and what it is, is no matter of the configuration."""
    del tmp_path
    ground = Ground(launch, serve(*FLEET), LIFECYCLE, "--shard=0/2", "--web.telemetry-path=/probes")
    before = ground.exporter.get("/probes").text
    ground.reload()
    after = ground.exporter.get("/probes").text
    shard = 'ninedata_exporter_shard_info{shard="0",shards="2"} 1.0'
    assert shard in before
    assert shard in after
    assert Scrape.of_text(before).up == Scrape.of_text(after).up
