"""Real servers: Prometheus and Alertmanager with what is shipped, as processes that end with their context."""

import http.client
import json
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.alerting import shipped
from tests.alerting.sinks import Sinks
from tests.alerting.unpacked import runnable
from tests.program.process import until

START_SECONDS = 60.0
STOP_SECONDS = 20.0
SMTP_PASSWORD = "pass of the mail server"


class Server:
    """A process that serves HTTP on loopback."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log_path = log

    def call(self, method: str, path: str, body: object = None, **parameters: str) -> tuple[int, Any]:
        """Status and answer, which is read as JSON where there is one."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
            headers = {} if body is None else {"Content-Type": "application/json"}
            connection.request(method, path + query, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(content) if is_json and content else content
        finally:
            connection.close()

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """The answer, which must be a good one."""
        status, answer = self.call("GET", path, **parameters)
        assert status == 200, answer
        return answer

    @property
    def is_ready(self) -> bool:
        try:
            return self.call("GET", "/-/ready")[0] == 200
        except OSError:
            return False

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")


class Prometheus(Server):
    """Its alerts, as its rules have them."""

    def alerts(self) -> set[tuple[str, str, str]]:
        """Of each alert its name, its task if it has one, and its state: pending or firing."""
        found = self.get("/api/v1/alerts")["data"]["alerts"]
        return {(each["labels"]["alertname"], each["labels"].get("task", ""), each["state"]) for each in found}


class Alertmanager(Server):
    """Its alerts, as they were sent to it."""

    def post(self, *alerts: Mapping[str, object]) -> None:
        """Send alerts."""
        status, answer = self.call("POST", "/api/v2/alerts", list(alerts))
        assert status == 200, answer

    def alerts(self) -> list[dict[str, Any]]:
        """Those that have not ended, with their state."""
        return list(self.get("/api/v2/alerts"))

    def active(self) -> set[tuple[str, str]]:
        """Of each of them its name, and its task if it has one."""
        return {(each["labels"]["alertname"], each["labels"].get("task", "")) for each in self.alerts()}


@contextmanager
def alertmanager(program: str, folder: Path, sinks: Sinks, times_as_fast: float) -> Iterator[Alertmanager]:
    """What is shipped, with the sinks for receivers."""
    (folder / "smtp-password").write_text(SMTP_PASSWORD)
    (folder / "chat-webhook-url").write_text(sinks.chat_url)
    config = shipped.replaced(
        shipped.ALERTMANAGER.read_text("utf-8"),
        {
            "smtp.example.com:587": sinks.mail_address,
            "smtp_require_tls: true": "smtp_require_tls: false",
            "/etc/alertmanager/secrets/smtp-password": f"{folder}/smtp-password",
            "/etc/alertmanager/secrets/chat-webhook-url": f"{folder}/chat-webhook-url",
        },
    )
    (folder / "alertmanager.yml").write_text(shipped.faster(config, times_as_fast), "utf-8")
    (folder / "ninedata.tmpl").write_bytes(shipped.TEMPLATES.read_bytes())
    port = free_port()
    program, share = runnable(program, folder)
    command = [
        program,
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    with _running(command, share, server := Alertmanager(port, folder / "log")):
        yield server


@contextmanager
def prometheus(
    program: str, folder: Path, exporter_port: int, alertmanager_port: int, times_as_fast: float
) -> Iterator[Prometheus]:
    """What is shipped, with the targets replaced."""
    config = shipped.replaced(
        shipped.faster(shipped.PROMETHEUS.read_text("utf-8"), times_as_fast),
        {
            '"localhost:9093"': f'"127.0.0.1:{alertmanager_port}"',
            '"localhost:10199"': f'"127.0.0.1:{exporter_port}"',
            # A busy machine needs more time than a fraction of the usual ten seconds.
            f"scrape_interval: {30000 / times_as_fast:.0f}ms": "scrape_interval: 1000ms",
            "scrape_timeout: 10s": "scrape_timeout: 1000ms",
        },
    )
    (folder / "prometheus.yml").write_text(config, "utf-8")
    (folder / shipped.RULES.name).write_text(shipped.faster(shipped.RULES.read_text("utf-8"), times_as_fast), "utf-8")
    port = free_port()
    command = [
        program,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--query.lookback-delta=10s",
        # Four times this, an alert lives on in Alertmanager without being heard of: longer than this machine may stall.
        "--rules.alert.resend-delay=5s",
        "--scrape.discovery-reload-interval=100ms",
        "--log.level=warn",
    ]
    with _running(command, folder, server := Prometheus(port, folder / "log")):
        yield server


@contextmanager
def _running(command: Sequence[str], folder: Path, server: Server) -> Iterator[None]:
    """A process that is ready, and ended with the context whatever happens."""
    with server.log_path.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)  # noqa: S603 - a component of the tests
    try:
        until(lambda: process.poll() is not None or server.is_ready, START_SECONDS, f"{command[0]} is ready")
        assert process.poll() is None, server.log
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
