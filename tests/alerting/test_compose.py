"""The compose file without a container engine: its structure, and each configuration with the program that reads it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerting import shipped

ROOT = shipped.ROOT
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

each_service = pytest.mark.parametrize("name", SERVICES)


def volumes(name: str) -> Iterator[tuple[str, str, str]]:
    """Source, target and mode of each volume of a service."""
    for volume in SERVICES[name].get("volumes", []):
        source, target, *mode = volume.split(":")
        yield source, target, "".join(mode)


def ports(name: str) -> list[tuple[str, str, str]]:
    """Host address, host port and container port of each port of a service."""
    return [tuple(port.split(":")) for port in SERVICES[name]["ports"]]


@pytest.fixture
def container(tmp_path: Path) -> Callable[[str], Path]:
    """The files of a service, as its container sees them."""

    def container(name: str) -> Path:
        for source, target, _ in volumes(name):
            if source.startswith("./"):
                place = tmp_path / target.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, place)
        return tmp_path

    return container


def run(*command: str) -> str:
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)  # noqa: S603
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


def test_it_has_the_four_parts() -> None:
    """And nothing that is not a key of a compose file."""
    assert set(SERVICES) == {"exporter", "prometheus", "alertmanager", "grafana"}
    assert set(COMPOSE) == {"x-hardened", "services", "volumes"}


@each_service
def test_an_image_is_built_here_or_of_one_version(name: str) -> None:
    """No tag that would be another image tomorrow."""
    service = SERVICES[name]
    if "build" in service:
        assert (ROOT / service["build"] / "Dockerfile").is_file()
    else:
        assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])


@each_service
def test_what_a_service_mounts_is_there(name: str) -> None:
    """Files of the repository to be read only; what is written goes to a volume that is declared."""
    for source, target, mode in volumes(name):
        assert target.startswith("/")
        if source.startswith("./"):
            assert (ROOT / source).exists(), source
            assert mode == "ro", source
        else:
            assert source in COMPOSE["volumes"]


def test_no_volume_is_without_use() -> None:
    """Each one is some service's, and one service's only."""
    used = [source for name in SERVICES for source, _, _ in volumes(name) if not source.startswith("./")]
    assert sorted(used) == sorted(COMPOSE["volumes"])


def test_ports_are_for_this_machine_only() -> None:
    """And no two the same."""
    published = [port for name in SERVICES for port in ports(name)]
    assert {host for host, _, _ in published} == {"127.0.0.1"}
    assert len({port for _, port, _ in published}) == len(published) == len(SERVICES)


@each_service
def test_a_service_is_confined_and_watched(name: str) -> None:
    """A root file system that cannot be written to, no capabilities, and a health check."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if "build" in service:
        assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text("utf-8")
    else:
        (_, _, port) = ports(name)[0]
        assert f"http://127.0.0.1:{port}/" in service["healthcheck"]["test"][-1]
    assert set(service.get("depends_on", {})) <= set(SERVICES)


def test_the_exporter_takes_its_command() -> None:
    """The flags are flags that it has, and its port is the one that is published."""
    assert run(sys.executable, "-m", "exporter", *SERVICES["exporter"]["command"], "--version")
    assert [port for _, _, port in ports("exporter")] == ["10199"]
    assert "EXPOSE 10199\n" in (ROOT / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_a_server_has_the_flags_it_is_given(name: str, program: Callable[[str], str]) -> None:
    """Asked of the program itself."""
    known = run(program(name), "--help")
    for flag in SERVICES[name]["command"]:
        assert f"{flag.partition('=')[0]}=" in known


def config_file(name: str) -> str:
    """The path that a server is told to read, without the leading slash."""
    (path,) = (flag.partition("=/")[2] for flag in SERVICES[name]["command"] if flag.startswith("--config.file="))
    return path


def test_prometheus_takes_what_it_mounts(container: Callable[[str], Path], program: Callable[[str], str]) -> None:
    """The configuration with the rules."""
    said = run(program("promtool"), "check", "config", str(container("prometheus") / config_file("prometheus")))
    assert "1 rule files found" in said
    assert "rules found" in said


def test_prometheus_is_set_up_as_the_sample_is() -> None:
    """But for the addresses, which are those of services, and an instance that a browser finds."""
    sample = yaml.safe_load(shipped.PROMETHEUS.read_text("utf-8"))
    used = yaml.safe_load((ROOT / "compose" / "prometheus.yaml").read_text("utf-8"))
    (alertmanagers,) = used["alerting"]["alertmanagers"][0].pop("static_configs")
    (exporters,) = used["scrape_configs"][0].pop("static_configs")
    del sample["alerting"]["alertmanagers"][0]["static_configs"], sample["scrape_configs"][0]["static_configs"]
    assert used == sample
    assert alertmanagers == {"targets": [address("alertmanager")]}
    ((_, published, _),) = ports("exporter")
    assert exporters == {"targets": [address("exporter")], "labels": {"instance": f"localhost:{published}"}}


def address(name: str) -> str:
    """Where the other containers find a service."""
    ((_, _, port),) = ports(name)
    return f"{name}:{port}"


def test_alertmanager_takes_what_it_mounts(container: Callable[[str], Path], program: Callable[[str], str]) -> None:
    """The shipped configuration with the templates."""
    config = container("alertmanager") / config_file("alertmanager")
    assert config.read_bytes() == shipped.ALERTMANAGER.read_bytes()
    assert " - 1 templates\n  SUCCESS" in run(program("amtool"), "check-config", str(config))


def test_grafana_finds_prometheus_and_the_dashboards(container: Callable[[str], Path]) -> None:
    """Its provisioning speaks of a service of this file and of a folder that is mounted."""
    files = container("grafana")
    provisioning = files / "etc/grafana/provisioning"
    sources = [source for path in provisioning.glob("datasources/*.yaml") for source in loaded(path)["datasources"]]
    assert [source["url"] for source in sources] == [f"http://{address('prometheus')}"]
    providers = [each for path in provisioning.glob("dashboards/*.yaml") for each in loaded(path)["providers"]]
    assert providers
    for provider in providers:
        assert list((files / provider["options"]["path"].lstrip("/")).glob("*.json"))
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (files / home.lstrip("/")).is_file()


def test_links_in_messages_lead_to_grafana() -> None:
    """Its address in the templates is the one at which it is published."""
    ((_, published, _),) = ports("grafana")
    templates = shipped.TEMPLATES.read_text("utf-8")
    assert f'define "ninedata.grafana_url" }}}}http://localhost:{published}{{{{' in templates


def loaded(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text("utf-8")))
