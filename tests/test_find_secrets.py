"""The search of the repository for real keys."""

from pathlib import Path

import pytest

from tools.find_secrets import places_in

# Put together here, or this file would be found itself.
KEYS = {
    "a private key": "-----BEGIN EC PRIVATE KEY-----\n" + "MHcCAQEEIB" * 7,
    "a key of AWS": "AKIA" + "Q3EGRZXJ5TDN7ABC",
    "a key of Alibaba Cloud": "LTAI" + "5tQwErTyUiOpAsDfGh",
    "a key of Google": "AIza" + "SyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "a token of GitHub": "ghp_" + "a1B2" * 9,
    "a token of GitLab": "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "a token of PyPI": "pypi-" + "AgE" + "IcHlwaS5vcmcCJD" * 4,
    "a token of npm": "npm_" + "a1B2" * 9,
    "a token of Slack": "xoxb-" + "123456789012-abc",
    "a JSON web token": "eyJ" + "hbGciOiJI.eyJ" + "zdWIiOiIxMjM.SflKxwRJSMe",
    "a value of a secret key": "secret_key: " + "q7Zt93bXwPf02LkVsRmNc85D",
}


@pytest.mark.parametrize("what", KEYS)
def test_a_key_is_found_and_not_printed(tmp_path: Path, what: str) -> None:
    file = tmp_path / "file"
    file.write_text(f"first\n  value = '{KEYS[what]}'\n")
    (place,) = places_in(file)
    assert place.endswith(f"file:2: looks like {what}")
    assert KEYS[what][-8:] not in place


def test_placeholders_and_file_names_are_not_found(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("secret_key: ${NINEDATA_SECRET_KEY}\naccess_key_id: ak-...\nsecret_key_file: /run/secrets/key-1\n")
    assert list(places_in(file)) == []
