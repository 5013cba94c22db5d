"""compose.yaml without a container engine: each configuration, as its container sees it, with its own program."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.alerting.shipped_alerting import ALERTMANAGER
from tests.programs import ROOT, component, run

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def volumes(name: str) -> Iterator[list[str]]:
    """Source, target and perhaps mode of each volume of a service."""
    return (volume.split(":") for volume in SERVICES[name].get("volumes", []))


@pytest.fixture
def container(tmp_path: Path) -> Callable[[str], Path]:
    """The files of a service, as its container sees them."""

    def container(name: str) -> Path:
        for source, target, *_ in volumes(name):
            if source.startswith("./"):
                place = tmp_path / target.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, place)
        return tmp_path

    return container


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_confined_and_open_to_this_machine_only(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    for source, _, *mode in volumes(name):
        assert mode == ["ro"] if source.startswith("./") else source in COMPOSE["volumes"]


def test_prometheus_loads_the_rules_and_its_configuration_is_the_sample(container: Callable[[str], Path]) -> None:
    """But for addresses, and for the rule that says where Grafana is."""
    config = container("prometheus") / "etc/prometheus/prometheus.yaml"
    assert "2 rule files found" in run(component("promtool"), "check", "config", str(config))
    used, sample = (
        yaml.safe_load(path.read_text("utf-8")) for path in (config, ROOT / "prometheus" / "prometheus.example.yaml")
    )
    for each in (used, sample):
        del each["alerting"]["alertmanagers"][0]["static_configs"], each["scrape_configs"][0]["static_configs"]
        each["rule_files"] = []
    assert used == sample


def test_alertmanager_loads_the_sample_with_its_templates(container: Callable[[str], Path]) -> None:
    config = container("alertmanager") / "etc/alertmanager/alertmanager.yaml"
    assert config.read_bytes() == ALERTMANAGER.read_bytes()
    assert "2 templates\n  SUCCESS" in run(component("amtool"), "check-config", str(config))


def test_links_of_alerts_lead_to_grafana() -> None:
    (port,) = (port.split(":")[1] for port in SERVICES["grafana"]["ports"])
    (group,) = yaml.safe_load((ROOT / "compose" / "links.rules.yaml").read_text("utf-8"))["groups"]
    assert group["rules"][0]["labels"] == {"url": f"http://localhost:{port}"}
