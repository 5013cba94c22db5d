"""A site that watches two tasks; certificates of all kinds."""

import shutil
from pathlib import Path

import pytest

from tests.http.certificates import Issuer, new_issuer, openssl, weak_identity
from tests.http.site import ORDERS, STOCK, Site


@pytest.fixture
def site() -> Site:
    """Watches two tasks; nothing was scraped yet."""
    return Site(ORDERS, STOCK)


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """The issuer whose certificates are trusted."""
    return new_issuer(tmp_path_factory.mktemp("certificates"), "issuer")


@pytest.fixture(scope="session")
def certificates(issuer: Issuer) -> Path:
    """A folder with the files that the web configurations of these tests name."""
    folder = issuer.folder
    server = issuer.issue("server", "IP:127.0.0.1,DNS:localhost")
    issuer.issue("other", "DNS:other.example")
    weak_identity(folder)
    openssl("ec", "-in", str(server.key), "-aes256", "-passout", "pass:hush", "-out", str(folder / "locked.key"))
    (folder / "garbage.pem").write_text("hush\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path, certificates: Path) -> Path:
    """A copy of that folder for one test."""
    return Path(shutil.copytree(certificates, tmp_path / "web"))
