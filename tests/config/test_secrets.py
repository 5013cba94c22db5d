"""Where the credentials come from."""

from pathlib import Path

import pytest

from exporter.config import Config, ConfigError, load
from tests.config.conftest import Load

ENVIRONMENT = {"NINEDATA_ACCESS_KEY_ID": "hush-env-ak", "NINEDATA_SECRET_KEY": "hush-env-sk"}
BARE = "api:\n  base_url: https://ninedata.example\n"


def secrets_of(config: Config) -> tuple[str, str]:
    return config.api.access_key_id.current().reveal(), config.api.secret_key.current().reveal()


def test_the_configuration_takes_precedence_over_the_environment(load_text: Load) -> None:
    """The environment is used for what the configuration does not give."""
    assert secrets_of(load_text(BARE, ENVIRONMENT)) == ("hush-env-ak", "hush-env-sk")
    assert secrets_of(load_text(f"{BARE}  secret_key: hush ä 密码\n", ENVIRONMENT)) == ("hush-env-ak", "hush ä 密码")


def test_secret_files_are_relative_to_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are listed for the file watcher."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/key").write_text("hush-1\n", "utf-8")
    keys = f"  access_key_id_file: key\n  secret_key_file: {tmp_path}/etc/key\n"
    (tmp_path / "etc/config.yaml").write_text(BARE + keys, "utf-8")
    monkeypatch.chdir(tmp_path)
    config = load(Path("etc/config.yaml"), {})
    assert secrets_of(config) == ("hush-1", "hush-1")
    (tmp_path / "etc/key").write_text("hush-number-2\n", "utf-8")
    for file in config.watched_files:
        file.refresh()
    assert secrets_of(config) == ("hush-number-2", "hush-number-2")


@pytest.mark.parametrize(
    ("keys", "variable", "fault"),
    [
        ("access_key_id_file: hush-empty", "hush", "access_key_id_file: the file is empty"),
        ("access_key_id_file: hush-bad", "hush", "access_key_id_file: the file is not UTF-8 text"),
        ("", "a\nhush", "secret_key: NINEDATA_SECRET_KEY has line breaks or control characters"),
        ("", "", "secret_key: is missing: give secret_key, secret_key_file or the environment variable"),
        ("secret_key: ''", "hush", "secret_key: is empty"),
    ],
)
def test_a_bad_secret_is_a_fault(load_text: Load, tmp_path: Path, keys: str, variable: str, fault: str) -> None:
    """The environment does not replace it. The message shows neither it nor its file's name, which may be a secret."""
    (tmp_path / "hush-empty").write_bytes(b" \n")
    (tmp_path / "hush-bad").write_bytes(b"hush\xff")
    with pytest.raises(ConfigError) as caught:
        load_text(f"{BARE}  {keys}\n", ENVIRONMENT | {"NINEDATA_SECRET_KEY": variable})
    (found,) = caught.value.faults
    assert f"{found.key}: {found.message}".startswith(f"api.{fault}")
    assert "hush" not in str(found)
