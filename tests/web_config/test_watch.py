"""The web configuration changes while it is in force."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest

from exporter.config import ConfigError
from exporter.web_config import WebConfig, WebConfigFile
from exporter.web_config.files import Files
from tests.web_config.certificates import Issuer

HASH = bcrypt.hashpw(b"hush", bcrypt.gensalt(4)).decode()
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
USERS = f"basic_auth_users: {{alice: {HASH}}}\n"
KEPT = "web configuration cannot be used; the last good one stays in force"

Fields = dict[str, object]


def latest(web: WebConfigFile) -> WebConfig:
    """What is in force after a look at the files."""
    seen = asyncio.run(web.latest())
    assert web.current() is seen
    return seen


@pytest.fixture
def path(folder: Path) -> Path:
    """A configuration with TLS and a user."""
    path = folder / "web.yaml"
    path.write_text(TLS + USERS)
    return path


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[str], list[Fields]]:
    """What is logged with a message."""
    caplog.set_level(logging.INFO)
    return lambda message: [vars(entry)["fields"] for entry in caplog.records if entry.message == message]


Logged = Callable[[str], list[Fields]]


def test_it_is_read_once_while_nothing_changes(path: Path, logged: Logged) -> None:
    """A look costs no more than the files' state; the log says once what is in force."""
    web = WebConfigFile(path)
    assert latest(web) is latest(web)
    assert web.last_reload_successful
    assert logged("web configuration read") == [
        {"file": str(path), "tls": True, "client_certificates": "none", "users": 1}
    ]
    assert logged("web configuration read again") == []


def test_one_that_cannot_be_used_at_first_is_refused(path: Path) -> None:
    path.write_text("basic_auth_users: {alice: hush}")
    with pytest.raises(ConfigError):
        WebConfigFile(path)


def test_a_change_is_seen_at_the_next_look(path: Path, logged: Logged) -> None:
    """Users come, TLS goes: an edit that is right is in force as a whole."""
    web = WebConfigFile(path)
    path.write_text(f"basic_auth_users: {{alice: {HASH}, bob: {HASH}}}")
    config = latest(web)
    assert (config.tls, len(config.users or ())) == (None, 2)
    assert logged("web configuration read again") == [
        {"file": str(path), "tls": False, "client_certificates": None, "users": 2}
    ]


@pytest.mark.parametrize("name", ["server.crt", "server.key", "issuer.crt"])
def test_a_change_of_any_file_is_seen(path: Path, folder: Path, name: str) -> None:
    """The certificate, its key, the issuers of the clients."""
    path.write_text(TLS.replace("}", ", client_ca_file: issuer.crt, client_auth_type: VerifyClientCertIfGiven}"))
    web = WebConfigFile(path)
    before = latest(web)
    (folder / name).write_text((folder / name).read_text() + "# renewed\n")
    assert latest(web) is not before
    assert web.last_reload_successful


def test_a_certificate_and_its_key_are_renewed_one_after_the_other(
    path: Path, folder: Path, issuer: Issuer, logged: Logged
) -> None:
    """In between they do not fit together: the old pair stays, until the new one is whole."""
    web = WebConfigFile(path)
    before = latest(web)
    new = issuer.issue("renewed", "IP:127.0.0.1")
    new.certificate.replace(folder / "server.crt")
    assert latest(web) is before
    assert not web.last_reload_successful
    new.key.replace(folder / "server.key")
    assert latest(web) is not before
    assert web.last_reload_successful
    assert [fields["error"] for fields in logged(KEPT)] == [
        f"{path}:1: tls_server_config.key_file: is not the key of the certificate in cert_file"
    ]


def test_files_may_be_replaced_through_a_link(path: Path, folder: Path) -> None:
    """A mounted secret is a link that is moved from one folder to the next."""
    for name in ("old", "new"):
        (folder / name).mkdir()
        (folder / name / "web.yaml").write_text(f"basic_auth_users: {{{name}: {HASH}}}")
    (folder / "data").symlink_to("old")
    path.unlink()
    path.symlink_to("data/web.yaml")
    web = WebConfigFile(path)
    before = latest(web)
    (folder / "next").symlink_to("new")
    (folder / "next").rename(folder / "data")
    assert latest(web) is not before


BREAKS = {
    "emptied": lambda path: path.write_text(""),
    "removed": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "cut off": lambda path: path.write_text((TLS + USERS)[:-10]),
    "without a hash": lambda path: path.write_text(f"{TLS}basic_auth_users: {{alice: }}"),
    "without users": lambda path: path.write_text(f"{TLS}basic_auth_users:\n"),
    "without a certificate": lambda path: path.write_text(f"tls_server_config:\n{USERS}"),
    "the certificate removed": lambda path: (path.parent / "server.crt").unlink(),
    "the key emptied": lambda path: (path.parent / "server.key").write_text(""),
    "with an escape beyond all characters": lambda path: path.write_text(f'{TLS}x: "\\UFFFFFFFF"\n'),
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe"),
}


@pytest.mark.parametrize("change", BREAKS.values(), ids=BREAKS)
def test_a_broken_change_opens_nothing(path: Path, logged: Logged, change: Callable[[Path], object]) -> None:
    """The last good one stays in force as a whole, and the log says why, once."""
    web = WebConfigFile(path)
    before = latest(web)
    change(path)
    for _ in range(3):
        assert latest(web) is before
        assert not web.last_reload_successful
    (said,) = logged(KEPT)
    assert str(path) in str(said["error"])
    assert HASH not in str(said)


def test_a_broken_change_that_is_mended_is_in_force(path: Path, logged: Logged) -> None:
    """Also where it becomes again just what it was."""
    web = WebConfigFile(path)
    aside = path.rename(path.with_name("aside"))
    latest(web)
    aside.rename(path)
    assert len(latest(web).users or ()) == 1
    assert web.last_reload_successful
    assert len(logged("web configuration read again")) == 1


def test_another_fault_is_said_anew(path: Path, logged: Logged) -> None:
    """Whoever mends it in steps sees what is left."""
    web = WebConfigFile(path)
    for content in ("rate_limit: {burst: 1}\nnope: 1", "nope: 1", "nope: 1 "):
        path.write_text(content)
        latest(web)
    assert [fields["faults"] for fields in logged(KEPT)] == [2, 1]


def test_only_the_first_faults_are_logged(path: Path, logged: Logged) -> None:
    """A line of the log stays a line, however broken the file."""
    web = WebConfigFile(path)
    path.write_text("".join(f"key{number}: 1\n" for number in range(1000)))
    latest(web)
    (said,) = logged(KEPT)
    assert said["faults"] == 1000
    assert str(said["error"]).count("is not a known key") == 5


def test_a_change_while_it_is_being_read_is_not_missed(
    path: Path, folder: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written after it was read is read at the next look."""
    web = WebConfigFile(path)
    new = issuer.issue("meanwhile", "IP:127.0.0.1")
    real = Path.open

    def open_and_change(file: Path, mode: str = "r") -> object:
        opened = real(file, mode)
        if file == folder / "server.key" and new.certificate.exists():
            new.certificate.replace(folder / "server.crt")
            new.key.replace(folder / "server.key")
        return opened

    path.write_text(TLS)
    monkeypatch.setattr(Path, "open", open_and_change)
    first = latest(web)
    second = latest(web)
    assert second is not first
    assert latest(web) is second


@pytest.mark.anyio
async def test_a_file_system_that_hangs_stalls_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in force stays so, and is there in about a second."""
    web, answering = WebConfigFile(path), threading.Event()
    before = web.current()
    monkeypatch.setattr(Files, "changed", lambda _: answering.wait(30))
    began = time.monotonic()
    try:
        assert [await web.latest() for _ in range(10)] == [before] * 10
    finally:
        answering.set()
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(("content", "warned"), [(USERS, True), (TLS + USERS, False), (TLS, False)])
def test_passwords_in_the_clear_are_warned_of(path: Path, logged: Logged, content: str, warned: bool) -> None:  # noqa: FBT001 - a column
    """Basic authentication without TLS shows each password to the network."""
    path.write_text(content)
    WebConfigFile(path)
    message = "passwords cross the network in the clear: there are basic_auth_users but no tls_server_config"
    assert bool(logged(message)) is warned
