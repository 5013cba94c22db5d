"""Files that change while the exporter runs: the configuration by a reload, all others by themselves."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from exporter.sandbox import InjectedFault, fleet
from tests.http.certificates import new_issuer
from tests.program.conftest import FLEET, IDS
from tests.program.launcher import Launcher, entries, write
from tests.program.process import Exporter, until
from tests.secrecy import SECRET_KEY

NOTICED_SECONDS = 4.0
"""Two seconds, and what a busy machine adds."""


def last_reload_successful(exporter: Exporter) -> float:
    return exporter.scrape().value("ninedata_exporter_config_last_reload_successful")


def test_a_reload_by_signal_and_by_request(launch: Launcher) -> None:
    """Other tasks are watched; a configuration with a fault changes nothing and is told everywhere."""
    api = launch.serve(*FLEET)
    config = launch.config(api.config(FLEET[:2]))
    exporter = launch.run(f"--config.file={config}", "--web.enable-lifecycle")
    assert exporter.scrape().up.keys() == set(IDS[:2])
    write(config, api.config(FLEET[1:4]))
    assert exporter.request("POST", "/-/reload").status == 200
    assert exporter.scrape().up.keys() == set(IDS[1:4])
    config.write_text("tasks: [")
    answer = exporter.request("PUT", "/-/reload")
    assert (answer.status, str(config) in answer.text) == (500, True)
    assert last_reload_successful(exporter) == 0
    assert "is not valid YAML" in exporter.get("/").text
    assert exporter.scrape().up.keys() == set(IDS[1:4])
    write(config, api.config(FLEET[:1]))
    exporter.popen.send_signal(signal.SIGHUP)
    until(lambda: exporter.scrape().up.keys() == set(IDS[:1]), 10, "the reload")
    assert last_reload_successful(exporter) == 1


def test_reloads_under_load_lose_no_scrape(launch: Launcher) -> None:
    """Each scrape has the tasks of one configuration, all of them up."""
    api = launch.serve(*FLEET)
    api.sandbox.faults[""] = InjectedFault(kind="slow", seconds=0.05)
    config = launch.config(api.config())
    exporter = launch.run(f"--config.file={config}", "--web.enable-lifecycle")
    halves = [FLEET[:6], FLEET[6:]]
    expected = [dict.fromkeys(IDS, 1), dict.fromkeys(IDS[:6], 1), dict.fromkeys(IDS[6:], 1)]
    end = Event()

    def scrape_on() -> int:
        scrapes = 0
        while not end.is_set():
            assert exporter.scrape(timeout=10).up in expected
            scrapes += 1
        return scrapes

    with ThreadPoolExecutor(5) as pool:
        scrapers = [pool.submit(scrape_on) for _ in range(5)]
        for number in range(10):
            write(config, api.config(halves[number % 2]))
            assert exporter.request("POST", "/-/reload").status == 200
        end.set()
        assert all(scraper.result() for scraper in scrapers)


def test_a_secret_file_is_read_again(launch: Launcher, tmp_path: Path) -> None:
    """While it cannot be read, the last secret stays in use."""
    secret = tmp_path / "secret"
    secret.write_text("old")
    api = launch.serve(*FLEET[:2])
    exporter = launch.watch(api, api={"secret_key": None, "secret_key_file": str(secret)})
    assert set(exporter.scrape().reasons.values()) == {"auth"}
    secret.write_text(f"{SECRET_KEY}\n")
    until(lambda: not exporter.scrape().reasons, NOTICED_SECONDS, "the new secret is used")
    secret.unlink()
    until(lambda: exporter.logged("secret file has a fault, last good content stays in use"), 10, "it is told")
    assert exporter.scrape().reasons == {}


def test_a_certificate_file_with_a_fault_shows_in_a_metric_and_on_the_page(launch: Launcher, tmp_path: Path) -> None:
    """Its last good content stays in use."""
    ca_file = new_issuer(tmp_path, "issuer").own.certificate
    exporter = launch.watch(launch.serve(*FLEET[:2]), api={"tls": {"ca_file": str(ca_file)}})
    assert last_reload_successful(exporter) == 1
    ca_file.write_text("no certificate")
    until(lambda: last_reload_successful(exporter) == 0, NOTICED_SECONDS, "the fault is told")
    assert f"{ca_file}: has no certificate in PEM format" in exporter.get("/").text
    assert exporter.scrape().reasons == {}


def test_task_files_appear_change_break_and_vanish(launch: Launcher, tmp_path: Path) -> None:
    api = launch.serve(*FLEET)
    exporter = launch.watch(api, tasks=FLEET[:1], task_files=[str(tmp_path / "*.yaml")])
    assert exporter.scrape().up.keys() == set(IDS[:1])
    file = tmp_path / "orders.yaml"

    def watches(*task_ids: str) -> bool:
        return exporter.scrape().up.keys() == set(task_ids)

    def loaded() -> float:
        return exporter.scrape().value("ninedata_exporter_task_file_last_load_successful", file=str(file))

    write(file, entries(FLEET[1:3]))
    until(lambda: watches(*IDS[:3]), NOTICED_SECONDS, "the file is read")
    assert loaded() == 1
    write(file, entries(FLEET[1:2]))
    until(lambda: watches(*IDS[:2]), NOTICED_SECONDS, "the file is read again")
    file.write_text("- task_id: [")
    until(lambda: loaded() == 0, NOTICED_SECONDS, "the fault is told")
    assert watches(*IDS[:2])
    file.unlink()
    until(lambda: watches(IDS[0]), NOTICED_SECONDS, "the tasks of the file are forgotten")


@pytest.mark.parametrize("kind", ["data_compare", "schema_compare", "replication"])
def test_each_kind_of_task_is_watched(launch: Launcher, kind: str) -> None:
    tasks = fleet(3, kind)
    assert launch.watch(launch.serve(*tasks)).scrape().statuses == dict.fromkeys(
        [task.task_id for task in tasks], "Success"
    )
