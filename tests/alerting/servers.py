"""Prometheus and Alertmanager as processes, with what is shipped: only waiting times and addresses are changed."""

import json
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.alerting.sinks import Sinks

ROOT = Path(__file__).parents[2]
RULES = ROOT / "prometheus" / "ninedata.rules.yaml"
ALERTMANAGER = ROOT / "alertmanager" / "alertmanager.example.yaml"

_DURATION = re.compile(r"(?m)((?:\b(?:for|interval|keep_firing_for): )|(?:\[)|(?:offset ))(\d+[smhd])(?=[\]\s)]|$)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def faster(rules: str, times: float) -> str:
    """The rules with every `for: 2m` and every window `[5m]` so many times as short."""
    return _DURATION.sub(lambda found: f"{found[1]}{milliseconds(found[2]) / times:.0f}ms", rules)


def milliseconds(duration: str) -> int:
    """A duration of one unit, as rules have it."""
    return int(duration[:-1]) * _SECONDS[duration[-1]] * 1000


def until(condition: Callable[[], bool], seconds: float, what: Callable[[], object] = str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what()}"
        time.sleep(0.02)


class Server:
    """A process that serves HTTP on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port

    def fetch(self, path: str, content: object = None) -> bytes:
        """The answer to a GET, or to a POST of JSON."""
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - the same
            return bytes(response.read())

    @property
    def is_ready(self) -> bool:
        try:
            self.fetch("/-/ready")
        except OSError:
            return False
        return True

    def post(self, *alerts: Mapping[str, object]) -> None:
        """Send alerts to Alertmanager."""
        self.fetch("/api/v2/alerts", list(alerts))

    def states(self) -> dict[str, str]:
        """Of each alert in Alertmanager its name, with whether it is active or suppressed."""
        alerts = json.loads(self.fetch("/api/v2/alerts"))
        return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in alerts}


def sample(sinks: Sinks, folder: Path, **waits: str) -> dict[str, Any]:
    """The sample configuration with the sinks for receivers and other waits, such as `group_wait`, in every route."""
    secret = folder / "secret"
    secret.write_text(f"{sinks.url}/slack")
    text = re.sub(r"/etc/alertmanager/secrets/[\w-]+", str(secret), ALERTMANAGER.read_text("utf-8"))
    for name, wait in waits.items():
        text = re.sub(rf"\b{name}: \w+", f"{name}: {wait}", text)
    config: dict[str, Any] = yaml.safe_load(text)
    config["global"] |= {
        "smtp_smarthost": sinks.mail_address,
        "smtp_require_tls": False,
        "pagerduty_url": f"{sinks.url}/pagerduty",
        "wechat_api_url": f"{sinks.url}/wecom/",
    }
    for receiver in config["receivers"]:
        for webhook in receiver.get("webhook_configs", []):
            webhook["url"] = f"{sinks.url}/dingtalk"
    config["templates"] = [str(ALERTMANAGER.parent / name) for name in config["templates"]]
    return config


@contextmanager
def alertmanager(program: str, folder: Path, config: Mapping[str, Any]) -> Iterator[Server]:
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config), "utf-8")
    program, home = _startable(program, folder)
    command = [
        program,
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{(port := free_port())}",
        "--web.external-url=http://alertmanager.example.com",
        "--web.route-prefix=/",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    with _running(command, home, folder / "log", server := Server(port)):
        yield server


@contextmanager
def prometheus(program: str, folder: Path, config: Mapping[str, Any], rules: str) -> Iterator[Server]:
    (folder / "prometheus.yml").write_text(yaml.safe_dump({**config, "rule_files": ["rules.yaml"]}), "utf-8")
    (folder / "rules.yaml").write_text(rules, "utf-8")
    command = [
        program,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{(port := free_port())}",
        "--query.lookback-delta=5s",
        # Alertmanager takes an alert for resolved that it has not heard of for four times this.
        "--rules.alert.resend-delay=5s",
        "--scrape.discovery-reload-interval=100ms",
        "--log.level=warn",
    ]
    with _running(command, folder, folder / "log", server := Server(port)):
        yield server


@contextmanager
def _running(command: Sequence[str], home: Path, log: Path, server: Server) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=home, stdout=output, stderr=output)  # noqa: S603 - a component
    try:
        until(lambda: process.poll() is not None or server.is_ready, 60)
        assert process.poll() is None, log.read_text("utf-8")
        yield
    finally:
        process.kill()
        process.wait()


def _startable(program: str, folder: Path) -> tuple[str, Path]:
    """Debian's Alertmanager reads its own templates from one absolute path, where they are only if it is installed.

    One that is merely unpacked becomes a copy with a relative path of the same length, and the folder to start it in.
    """
    home = Path(program).resolve().parents[1] / "share" / "prometheus"
    installed = Path("/usr/share/prometheus/alertmanager")
    if installed.exists() or not (home / "alertmanager").exists():
        return program, folder
    copy = folder / "alertmanager"
    relative = b"./" * 11 + b"alertmanager"
    copy.write_bytes(Path(program).read_bytes().replace(str(installed).encode(), relative))
    copy.chmod(0o755)
    return str(copy), home


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
