"""The credentials: what a wrong one looks like, how one is changed, and that none shows."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from exporter.sandbox import Handle, fleet
from tests.program.process import Launcher, Process, until
from tests.secrecy import SECRET_KEY, Watch


@pytest.fixture
def command(launch: Launcher) -> Process:
    """The sandbox as a program of its own, after its greeting."""
    process = launch.program("exporter.sandbox", "--listen-address=127.0.0.1:0")
    until(lambda: process.stderr.endswith("\n\n") or process.popen.poll() is not None, 30, "a greeting")
    return process


@pytest.fixture
def printed(command: Process) -> dict[str, Any]:
    """The configuration in its greeting."""
    config = yaml.safe_load(command.stderr[command.stderr.index("api:\n") :])
    assert isinstance(config, dict)
    return config


def test_the_sandbox_on_its_own_and_its_configuration(
    launch: Launcher, command: Process, printed: dict[str, Any]
) -> None:
    """What the sandbox's command prints is a configuration to be pasted: all of its tasks are up."""
    exporter = launch.run(f"--config.file={launch.config(printed)}")
    watched = [task["task_id"] for task in printed["tasks"]]
    assert exporter.scrape().up == dict.fromkeys(watched, 1.0)
    assert command.stop() == 0
    assert exporter.scrape().reasons == dict.fromkeys(watched, "connect")


def test_a_wrong_secret_is_told(launch: Launcher, printed: dict[str, Any]) -> None:
    """All tasks are down for `auth`, the scrape itself is good, and the page and the log say what to do."""
    printed["api"]["secret_key"] = f"{SECRET_KEY}-wrong"
    exporter = launch.run(f"--config.file={launch.config(printed)}")
    scrape = exporter.scrape()
    assert scrape.reasons == {task["task_id"]: "auth" for task in printed["tasks"]}
    assert scrape.down == set(scrape.up)
    assert scrape.statuses == {}
    for page in ("/", *(f"/tasks/{task_id}" for task_id in scrape.down)):
        assert "The query fails: auth" in exporter.page(page)
        assert "See whether the access key id and the secret key belong together" in exporter.page(page)
    told = exporter.logged("query fails")
    assert {line["task_id"] for line in told} == scrape.down
    for line in told:
        assert (line["level"], line["reason"]) == ("warn", "auth")
        assert "signature" in line["error"]


def test_a_secret_file_may_change_at_any_time(launch: Launcher, sandbox: Handle, tmp_path: Path) -> None:
    """The next scrape uses the new secret, without a reload; one that cannot be read leaves the last good one."""
    file = tmp_path / "secret"
    file.write_text(f"{SECRET_KEY}-old\n")
    exporter = launch(sandbox, api={"secret_key": None, "secret_key_file": str(file)})
    assert set(exporter.scrape().reasons.values()) == {"auth"}
    file.write_text(f"{sandbox.secret_key}\n")
    assert exporter.scrape().reasons == {"cd-o0g6l3wt5s": "not_found"}
    assert len(exporter.logged("secret file read again")) == 1
    file.unlink()
    for _ in range(3):
        assert exporter.scrape().reasons == {"cd-o0g6l3wt5s": "not_found"}
    complaints = [line for line in exporter.log if "secret file cannot be read" in line["msg"]]
    assert [line["error"] for line in complaints] == ["No such file or directory"]


def test_a_secret_file_may_be_replaced_through_a_link(launch: Launcher, sandbox: Handle, tmp_path: Path) -> None:
    """A mounted secret is a link that is moved from one folder to the next."""
    for name, secret in (("old", f"{SECRET_KEY}-old"), ("new", sandbox.secret_key)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "key").write_text(secret)
    (tmp_path / "data").symlink_to("old")
    exporter = launch(sandbox, api={"secret_key": None, "secret_key_file": str(tmp_path / "data" / "key")})
    assert set(exporter.scrape().reasons.values()) == {"auth"}
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").rename(tmp_path / "data")
    assert exporter.scrape().reasons == {"cd-o0g6l3wt5s": "not_found"}


class Echo(BaseHTTPRequestHandler):
    """A server, or a debugging proxy before one, that answers with all that it was sent."""

    protocol_version = "HTTP/1.1"
    secrecy: Watch
    status = 200

    def do_GET(self) -> None:
        self.secrecy.hide(self.headers["signature"])
        sent = f"{self.requestline} {self.headers.items()}"
        item = {"precheckItem": sent[-150:], "itemName": sent, "status": "Failed", "errorMessage": sent}
        good = {"success": True, "requestId": sent, "data": {"status": sent, "precheckItems": [item]}}
        bad = {"success": False, "errorCode": sent, "message": sent, "requestId": sent}
        body = json.dumps(good if self.status == 200 else bad).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@pytest.fixture
def echo(secrecy: Watch) -> Iterator[tuple[str, type[Echo]]]:
    handler = type("ThisEcho", (Echo,), {"secrecy": secrecy})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
        server.shutdown()
        thread.join()


def test_credentials_that_come_back_do_not_show(
    launch: Launcher, sandbox: Handle, echo: tuple[str, type[Echo]]
) -> None:
    """An answer that repeats the request's headers carries neither key nor signature into metrics, pages or log."""
    url, handler = echo
    exporter = launch(sandbox, "--log.level=debug", tasks=fleet(1), api={"base_url": url})
    for handler.status in (200, 400, 403, 500):
        assert exporter.scrape().up == {"cd-fleet-00001": float(handler.status == 200)}
        shown = [exporter.page("/"), exporter.page("/tasks/cd-fleet-00001"), exporter.stderr]
        assert all("***" in text for text in shown)
        # That no secret is in them is for the search of all output to find.
        assert exporter.get("/tasks/cd-fleet-00001", {"Accept": "application/json"}).status == 200
