"""Where the two halves of the AccessKey come from, and that they show nowhere."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.config import Config, ConfigError, load
from exporter.credentials import SecretFile

Loaded = Callable[..., Config]
Faults = Callable[..., list[str]]

ENVIRONMENT = {"NINEDATA_ACCESS_KEY_ID": "hush-env-ak", "NINEDATA_SECRET_KEY": "hush-env-sk"}
BARE = "api:\n  base_url: https://ninedata.example\n"


def secrets_of(config: Config) -> tuple[str, str]:
    """As they are after a look at the files."""
    for secret in (config.api.access_key_id, config.api.secret_key):
        if isinstance(secret, SecretFile):
            secret.look()
    return config.api.access_key_id.current().reveal(), config.api.secret_key.current().reveal()


def test_from_the_environment(loaded: Loaded) -> None:
    """Where the file names no secret the environment's is used."""
    assert secrets_of(loaded(BARE, ENVIRONMENT)) == ("hush-env-ak", "hush-env-sk")


def test_the_file_goes_before_the_environment(loaded: Loaded) -> None:
    """A value or a file in the configuration is used though the environment has one too."""
    assert secrets_of(loaded(f"{BARE}  access_key_id: hush-ak\n  secret_key: hush-sk\n", ENVIRONMENT)) == (
        "hush-ak",
        "hush-sk",
    )


def test_each_half_from_its_own_place(loaded: Loaded, tmp_path: Path) -> None:
    """One may be written, the other in a file."""
    (tmp_path / "secret-key").write_text("hush-file-sk\n", "utf-8")
    config = loaded(f"{BARE}  secret_key_file: secret-key\n", {"NINEDATA_ACCESS_KEY_ID": "hush-env-ak"})
    assert secrets_of(config) == ("hush-env-ak", "hush-file-sk")


def test_files_are_found_from_the_configurations_folder(
    tmp_path: Path, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from where the process happens to stand; an absolute path is taken as it is."""
    folder, elsewhere = tmp_path / "secrets", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "ak").write_text("hush-ak", "utf-8")
    (folder / "sk").write_text("hush-sk", "utf-8")
    monkeypatch.chdir(elsewhere)
    config = loaded(f"{BARE}  access_key_id_file: secrets/ak\n  secret_key_file: {folder}/sk\n")
    assert secrets_of(config) == ("hush-ak", "hush-sk")


def test_a_relative_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where the configuration itself is named by a relative path."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/key").write_text("hush", "utf-8")
    (tmp_path / "etc/config.yaml").write_text(f"{BARE}  access_key_id_file: key\n  secret_key_file: key\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert secrets_of(load(Path("etc/config.yaml"), {})) == ("hush", "hush")


@pytest.mark.parametrize("content", [b"hush", b"hush\n", b"  hush\r\n\n", b"\xef\xbb\xbfhush\n"])
def test_white_space_around_a_secret_is_no_part_of_it(loaded: Loaded, tmp_path: Path, content: bytes) -> None:
    """Editors end a file with a line break."""
    (tmp_path / "key").write_bytes(content)
    assert secrets_of(loaded(f"{BARE}  access_key_id_file: key\n  secret_key_file: key\n")) == ("hush", "hush")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"hush\nhush", "has line breaks or control characters within"),
        (b"hush\x00", "has line breaks or control characters within"),
        (b"hush\xff", "is not UTF-8 text"),
        (b"hush" * 20_000, "is larger than 65536 bytes; that is no secret"),
    ],
)
def test_what_no_secret_file_can_hold(faults: Faults, tmp_path: Path, content: bytes, message: str) -> None:
    """Each fault names the file, and shows nothing of it."""
    (tmp_path / "key").write_bytes(content)
    assert faults(f"{BARE}  secret_key_file: key\n", ENVIRONMENT) == [
        f"config.yaml:3: api.secret_key_file: the file that it names {message}"
    ]


@pytest.mark.parametrize("content", ["hush ak", "hush-äk", "hush\tak"])
def test_an_access_key_id_must_fit_in_a_header(faults: Faults, tmp_path: Path, content: str) -> None:
    """It is sent in a header, which must not become two."""
    (tmp_path / "key").write_text(content, "utf-8")
    assert faults(f"{BARE}  access_key_id_file: key\n", ENVIRONMENT) == [
        "config.yaml:3: api.access_key_id_file: the file that it names has characters that an access key id cannot have"
    ]


def test_a_secret_key_may_have_any_printable_character(loaded: Loaded) -> None:
    """It is hashed, never sent."""
    config = loaded(f"{BARE}  secret_key: 'hush ä 密码 😀'\n", ENVIRONMENT)
    assert secrets_of(config)[1] == "hush ä 密码 😀"


@pytest.mark.parametrize("value", ["hush\nhush", "hush\udcff"])
def test_a_broken_variable_is_named(faults: Faults, value: str) -> None:
    """A fault of a secret from the environment names the variable."""
    assert faults(BARE, ENVIRONMENT | {"NINEDATA_SECRET_KEY": value}) == [
        "config.yaml:2: api.secret_key: NINEDATA_SECRET_KEY has line breaks or control characters within"
    ]


def test_an_empty_variable_counts_as_missing(faults: Faults) -> None:
    """Container engines set variables that nobody filled in."""
    (fault,) = faults(BARE, ENVIRONMENT | {"NINEDATA_SECRET_KEY": ""})
    assert fault.startswith("config.yaml:2: api.secret_key: is missing: ")


def test_an_unusable_secret_does_not_fall_back_to_the_environment(faults: Faults) -> None:
    """Whoever names a secret means that one."""
    assert faults(f"{BARE}  access_key_id_file: missing\n  secret_key: ''\n", ENVIRONMENT) == [
        "config.yaml:3: api.access_key_id_file: the file that it names cannot be read: No such file or directory",
        "config.yaml:4: api.secret_key: is empty",
    ]


def test_a_secret_file_is_read_again_when_it_changes(loaded: Loaded, tmp_path: Path) -> None:
    """A new key needs no restart, whether the file is written anew or replaced."""
    key = tmp_path / "key"
    key.write_text("hush-1", "utf-8")
    config = loaded(f"{BARE}  secret_key_file: key\n", ENVIRONMENT)
    assert secrets_of(config)[1] == "hush-1"
    key.write_text("hush-number-2", "utf-8")
    assert secrets_of(config)[1] == "hush-number-2"
    (tmp_path / "new").write_text("hush-replaced", "utf-8")
    (tmp_path / "new").replace(key)
    assert secrets_of(config)[1] == "hush-replaced"


def test_a_secret_file_that_breaks_does_not_end_a_working_exporter(
    loaded: Loaded, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The last good secret stays in use; the log says so once, and not what the file holds."""
    key = tmp_path / "key"
    key.write_text("hush-1", "utf-8")
    config = loaded(f"{BARE}  secret_key_file: key\n", ENVIRONMENT)
    key.write_text("hush-2\nhush-2", "utf-8")
    assert [secrets_of(config)[1] for _ in range(3)] == ["hush-1"] * 3
    key.unlink()
    assert [secrets_of(config)[1] for _ in range(3)] == ["hush-1"] * 3
    assert [record.message for record in caplog.records] == [
        "secret file cannot be read; the last good secret stays in use"
    ]
    assert "hush" not in caplog.text + repr([vars(record) for record in caplog.records])
    key.write_text("hush-number-3", "utf-8")
    assert secrets_of(config)[1] == "hush-number-3"


def test_a_configuration_does_not_print_its_secrets(loaded: Loaded, tmp_path: Path) -> None:
    """Neither as text nor as `repr`, and it cannot be stored."""
    (tmp_path / "key").write_text("hush-file", "utf-8")
    config = loaded(
        f"{BARE}  access_key_id_file: key\n  secret_key: hush-sk\n  proxy_url: http://user:hush@proxy.example\n"
    )
    for shown in (repr(config), str(config), f"{config.api}", repr(config.api.secret_key.current())):
        assert "hush" not in shown
    for stored in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            stored(config.api.secret_key)


def test_the_error_does_not_print_them_either(tmp_path: Path) -> None:
    """A broken configuration may have good secrets, or secrets in the wrong place."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{BARE}  access_key_id: hush-ak\n  secret_key: hush-sk\n  secret: hush\ntasks: hush\n", "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, ENVIRONMENT)
    assert len(caught.value.faults) == 2
    assert "hush" not in f"{caught.value!s}{caught.value!r}{caught.value.faults!r}"
