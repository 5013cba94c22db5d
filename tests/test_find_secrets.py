"""The search of the repository for real keys."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("find_secrets", ROOT / "tools" / "find_secrets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Put together here, or this file would be found itself.
FOUND = (
    ("a private key", "-----BEGIN EC PRIVATE KEY-----\n" + "MHcCAQEEIB" * 7),
    ("a private key", "-----BEGIN PRIVATE KEY-----\n" + "    MHcCAQEEIB\r\n" * 7),
    ("a private key", "-----BEGIN RSA PRIVATE KEY-----\\n" + "MHcCAQEEIB\\n" * 7),
    ("a key of AWS", "AKIA" + "Q3EGRZXJ5TDN7ABC"),
    ("a key of Alibaba Cloud", "LTAI" + "5tQwErTyUiOpAsDfGh"),
    ("a key of Google", "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"),
    ("a token of GitHub", "ghp_" + "a1B2" * 9),
    ("a token of GitLab", "glpat-" + "a1B2c3D4e5F6g7H8i9J0"),
    ("a token of PyPI", "pypi-" + "AgE" + "IcHlwaS5vcmcCJD" * 4),
    ("a token of npm", "npm_" + "a1B2" * 9),
    ("a token of Slack", "xoxb-" + "123456789012-abc"),
    ("a JSON web token", "eyJ" + "hbGciOiJI.eyJ" + "zdWIiOiIxMjM.SflKxwRJSMe"),
    ("a value of a secret key", "secret_key: " + "q7Zt93bXwPf02LkVsRmNc85D"),
)
HARMLESS = (
    "secret_key: ${NINEDATA_SECRET_KEY}",
    "access_key_id: ak-...",
    "secret_key_file: /run/secrets/ninedata-key-1",
)


@pytest.mark.parametrize(("what", "text"), FOUND)
def test_a_key_is_found(tool: ModuleType, tmp_path: Path, what: str, text: str) -> None:
    """Its place is told, and not what stands there."""
    file = tmp_path / "file"
    file.write_text(f"first\n  value = '{text}'\n")
    (place,) = tool.places_in(file)
    assert place.endswith(f"file:2: looks like {what}")
    assert text[-8:] not in place


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_none_is_not_found(tool: ModuleType, tmp_path: Path, text: str) -> None:
    """Placeholders, and the names of files."""
    file = tmp_path / "file"
    file.write_text(text)
    assert list(tool.places_in(file)) == []


def test_there_is_none_here(tool: ModuleType) -> None:
    """In no file of the repository."""
    assert tool.main() == 0
