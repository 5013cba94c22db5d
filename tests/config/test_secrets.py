"""Where the credentials come from."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.config import Config, ConfigError, load

Load = Callable[..., Config]

ENVIRONMENT = {"NINEDATA_ACCESS_KEY_ID": "hush-env-ak", "NINEDATA_SECRET_KEY": "hush-env-sk"}
BARE = "api:\n  base_url: https://ninedata.example\n"


def secrets_of(config: Config) -> tuple[str, str]:
    return config.api.access_key_id.current().reveal(), config.api.secret_key.current().reveal()


def fault_of(load_text: Load, text: str, environment: dict[str, str]) -> str:
    with pytest.raises(ConfigError) as caught:
        load_text(text, environment)
    (fault,) = caught.value.faults
    assert "hush" not in str(fault)
    return f"{fault.key}: {fault.message}"


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
    ("content", "message"),
    [
        (b" \n", "is empty"),
        (b"hush\nhush", "has characters that an access key id must not have"),
        (b"hush\xff", "is not UTF-8 text"),
    ],
)
def test_a_bad_secret_file_is_a_fault(load_text: Load, tmp_path: Path, content: bytes, message: str) -> None:
    """The message shows neither its path, which may be a secret by mistake, nor its content."""
    (tmp_path / "hush").write_bytes(content)
    fault = fault_of(load_text, f"{BARE}  access_key_id_file: hush\n", ENVIRONMENT)
    assert fault == f"api.access_key_id_file: the file {message}"


def test_a_bad_variable_is_named(load_text: Load) -> None:
    """An empty variable counts as missing."""
    bad = fault_of(load_text, BARE, ENVIRONMENT | {"NINEDATA_SECRET_KEY": "hush\nhush"})
    assert bad == "api.secret_key: NINEDATA_SECRET_KEY has line breaks or control characters"
    assert fault_of(load_text, BARE, ENVIRONMENT | {"NINEDATA_SECRET_KEY": ""}).startswith("api.secret_key: is missing")


def test_a_bad_secret_is_not_replaced_by_the_environment(load_text: Load) -> None:
    """A secret that the configuration names is the one that is meant."""
    assert fault_of(load_text, f"{BARE}  secret_key: ''\n", ENVIRONMENT) == "api.secret_key: is empty"
