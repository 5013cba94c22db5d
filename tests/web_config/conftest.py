"""Web configurations as files, beside certificates of all kinds."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.web_config import WebConfig, load_web_config
from tests.web_config.certificates import Issuer, new_issuer, openssl, weak_identity


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """The one whose certificates are trusted."""
    return new_issuer(tmp_path_factory.mktemp("certificates"), "issuer")


@pytest.fixture(scope="session")
def certificates(issuer: Issuer) -> Path:
    """A folder with the files that the configurations of these tests name."""
    folder = issuer.folder
    server = issuer.issue("server", "IP:127.0.0.1,DNS:localhost")
    issuer.issue("other", "DNS:other.example")
    weak_identity(folder)
    openssl("ec", "-in", str(server.key), "-aes256", "-passout", "pass:hush", "-out", str(folder / "locked.key"))
    (folder / "garbage.pem").write_text("hush\n")
    (folder / "empty.pem").touch()
    (folder / "huge.pem").write_bytes(b"#" * (1024 * 1024 + 1))
    return folder


@pytest.fixture
def folder(tmp_path: Path, certificates: Path) -> Path:
    """A folder of the test's own with all those files, in which it may do as it likes."""
    return Path(shutil.copytree(certificates, tmp_path / "web"))


@pytest.fixture
def loaded(folder: Path) -> Callable[[str], WebConfig]:
    """Loads a text as a web configuration beside those files."""

    def load_content(content: str) -> WebConfig:
        path = folder / "web.yaml"
        path.write_text(content, "utf-8")
        return load_web_config(path)

    return load_content
