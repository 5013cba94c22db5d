"""Files that change while the exporter runs: the configuration, and all that it names."""

import json
import signal
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import bcrypt

from exporter.sandbox import InjectedFault, fleet
from tests.http.certificates import new_issuer
from tests.program.launcher import Exporter, Launcher, entries, write
from tests.programs import until
from tests.secrecy import CANARY, SECRET_KEY, Watch

FLEET = fleet(12)
IDS = [task.task_id for task in FLEET]
NOTICED_SECONDS = 10.0
"""Two seconds on a machine that is four times slower, and what its neighbours add."""


def reloaded(exporter: Exporter, what: str = "config") -> float:
    return exporter.scrape().value(f"ninedata_exporter_{what}_last_reload_successful")


def test_a_reload_by_signal_and_by_request(launch: Launcher) -> None:
    """Other tasks are watched; a configuration with a fault changes nothing and is told everywhere."""
    api = launch.serve(*FLEET)
    exporter = launch.start("--web.enable-lifecycle", "--no-config.auto-reload", config=api.config(FLEET[:2]))
    assert exporter.scrape().up.keys() == set(IDS[:2])
    write(exporter.config, api.config(FLEET[1:4]))
    assert exporter.request("POST", "/-/reload").status_code == 200
    assert exporter.scrape().up.keys() == set(IDS[1:4])
    exporter.config.write_text("tasks: [")
    answer = exporter.request("PUT", "/-/reload")
    assert (answer.status_code, str(exporter.config) in answer.text) == (500, True)
    assert reloaded(exporter) == 0
    assert "is not valid YAML" in exporter.get("/").text
    assert exporter.scrape().up.keys() == set(IDS[1:4])
    write(exporter.config, api.config(FLEET[:1]))
    exporter.popen.send_signal(signal.SIGHUP)
    until(lambda: exporter.scrape().up.keys() == set(IDS[:1]), "the reload")
    assert reloaded(exporter) == 1


def test_reloads_under_load_lose_no_scrape(launch: Launcher) -> None:
    """Each scrape has the tasks of one configuration, all of them up."""
    api = launch.serve(*FLEET)
    api.sandbox.faults[""] = InjectedFault(kind="slow", seconds=0.05)
    exporter = launch.start("--web.enable-lifecycle", config=api.config())
    expected = [dict.fromkeys(ids, 1) for ids in (IDS, IDS[:6], IDS[6:])]
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
            write(exporter.config, api.config((FLEET[:6], FLEET[6:])[number % 2]))
            assert exporter.request("POST", "/-/reload").status_code == 200
        end.set()
        assert all(scraper.result() for scraper in scrapers)


def test_files_that_the_configuration_names_are_read_again(launch: Launcher, tmp_path: Path) -> None:
    """By themselves: secrets, task files, certificates. One with a fault keeps its last good content, and says so."""
    secret, tasks, ca_file = tmp_path / "secret", tmp_path / "tasks.yaml", new_issuer(tmp_path, "ca").own.certificate
    secret.write_text("old")
    api = launch.serve(*FLEET[:3])
    config = api.config(FLEET[:1], task_files=[str(tmp_path / "*.yaml")])
    del config["api"]["secret_key"]
    config["api"] |= {"secret_key_file": str(secret), "tls": {"ca_file": str(ca_file)}}
    exporter = launch.start(config=config)
    assert exporter.scrape().reasons == {IDS[0]: "auth"}
    secret.write_text(f"{SECRET_KEY}\n")
    write(tasks, entries(FLEET[1:3]))
    until(lambda: exporter.scrape().up == dict.fromkeys(IDS[:3], 1), "the files are read", NOTICED_SECONDS)
    assert reloaded(exporter) == 1

    secret.unlink()
    tasks.write_text("- task_id: [")
    ca_file.write_text("no certificate")
    until(lambda: reloaded(exporter) == 0, "the faults are noticed", NOTICED_SECONDS)
    loaded = "ninedata_exporter_task_file_last_load_successful"
    until(lambda: exporter.scrape().value(loaded) == 0, "so is that of the task file")
    until(lambda: exporter.logged("secret file has a fault, last good content stays in use"), "and that of the secret")
    until(
        lambda: f"{ca_file}: has no certificate in PEM format" in exporter.get("/").text, "and that of the certificate"
    )
    assert exporter.scrape().up == dict.fromkeys(IDS[:3], 1)
    tasks.unlink()
    until(lambda: exporter.scrape().up == {IDS[0]: 1}, "the tasks of the file are forgotten", NOTICED_SECONDS)


def test_the_web_configuration_is_read_again(launch: Launcher, tmp_path: Path, secrecy: Watch) -> None:
    """A renewed certificate is used; a configuration with a fault lets nobody in."""
    issuer, password = new_issuer(tmp_path, "issuer"), f"{CANARY}-password"
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    secrecy.hide(hashed)
    issuer.issue("server", "IP:127.0.0.1")
    content = {
        "tls_server_config": {"cert_file": "server.crt", "key_file": "server.key"},
        "basic_auth_users": {"alice": hashed},
        "http_server_config": {"headers": {"X-Frame-Options": "deny"}},
    }
    file = tmp_path / "web.yaml"
    file.write_text(json.dumps(content))
    exporter = launch.start(f"--web.config.file={file}", config=launch.serve(*FLEET[:2]).config())
    exporter.issuer = issuer.own.certificate
    assert exporter.get("/metrics").status_code == 401
    exporter.auth = ("alice", password)
    answer = exporter.get("/metrics")
    assert (answer.status_code, answer.headers["x-frame-options"]) == (200, "deny")

    address = ("127.0.0.1", exporter.port)
    old = ssl.get_server_certificate(address)
    issuer.issue("server", "IP:127.0.0.1")
    until(lambda: ssl.get_server_certificate(address) != old, "the new certificate", NOTICED_SECONDS)
    file.write_text("tls_server_config: {}\n")
    until(lambda: reloaded(exporter, "web_config") == 0, "the fault is told", NOTICED_SECONDS)
    exporter.auth = None
    assert exporter.get("/metrics").status_code == 401
