"""Secrets do not show themselves, and a secret's file is read again when it changes."""

import copy
import json
import logging
import os
import pickle
import pprint
import string
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from exporter.credentials import MAX_SECRET_BYTES, FixedSecret, Secret, SecretFile, checked_secret, read_secret
from exporter.logs import JsonFormatter, LogfmtFormatter

PLAIN = "hunter2-hunter2"


@dataclass
class Holder:
    name: str
    secret: Secret


def fail(secret: Secret) -> None:
    raise ValueError(secret)


def raised(secret: Secret) -> str:
    """A traceback with the local variables of every frame."""
    with pytest.raises(ValueError, match=r"\*\*\*") as caught:
        fail(secret)
    return "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())


def logged(formatter: logging.Formatter, secret: Secret) -> str:
    values = {"msg": "with %s and %r", "args": (secret, secret), "fields": {"secret": secret, "all": [secret]}}
    return formatter.format(logging.makeLogRecord({"levelno": logging.INFO, **values}))


SHOWING: dict[str, Callable[[Secret], str]] = {
    "str": str,
    "repr": repr,
    "ascii": ascii,
    "f-string": lambda secret: f"{secret} {secret!r} {secret!s} {secret!a}",
    "format": lambda secret: "{} {!r}".format(secret, secret),  # noqa: UP032 - another way to show
    "percent": lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - another way to show
    "template": lambda secret: string.Template("$s").substitute(s=secret),
    "in a list": lambda secret: str([secret, (secret,), {secret}]),
    "in a mapping": lambda secret: str({"k": secret, secret: "v"}),
    "in a dataclass": lambda secret: str(Holder("a", secret)),
    "pprint": lambda secret: pprint.pformat({"k": [secret]}),
    "json with str": lambda secret: json.dumps({"k": secret}, default=str),
    "json with repr": lambda secret: json.dumps({"k": secret}, default=repr),
    "exception": lambda secret: str(ValueError(secret)) + repr(ValueError(secret)),
    "traceback": raised,
    "log line": lambda secret: logged(LogfmtFormatter(), secret),
    "log line in json": lambda secret: logged(JsonFormatter(), secret),
    "dir": lambda secret: str(dir(secret)),
    "fixed secret": lambda secret: f"{FixedSecret(secret)} {FixedSecret(secret).__dict__}",
}


@pytest.mark.parametrize("show", SHOWING.values(), ids=SHOWING.keys())
def test_a_secret_does_not_show_itself(show: Callable[[Secret], str]) -> None:
    """However it is printed by chance."""
    assert PLAIN not in show(Secret(PLAIN))


REFUSING: dict[str, Callable[..., object]] = {
    "pickle": pickle.dumps,
    "old pickle": lambda secret: pickle.dumps(secret, protocol=0),
    "copy": copy.copy,
    "deep copy": copy.deepcopy,
    "deep copy within": lambda secret: copy.deepcopy({"k": [secret]}),
    "as a dict": lambda secret: asdict(Holder("a", secret)),
    "json": json.dumps,
    "format with a width": lambda secret: f"{secret:>20}",
    "vars": vars,
    "iteration": iter,
    "addition": "Bearer ".__add__,
}


@pytest.mark.parametrize("use", REFUSING.values(), ids=REFUSING.keys())
def test_a_secret_cannot_be_stored_or_used_as_text_by_chance(use: Callable[[Secret], object]) -> None:
    """And the refusal does not show it either."""
    with pytest.raises(TypeError) as refused:
        use(Secret(PLAIN))
    assert PLAIN not in "".join(traceback.format_exception(refused.value))


def test_only_reveal_shows_a_secret() -> None:
    """Where it is used."""
    assert Secret(PLAIN).reveal() == PLAIN
    assert FixedSecret(Secret(PLAIN)).current().reveal() == PLAIN


def test_secrets_are_compared_by_what_they_hold() -> None:
    """A reload can see whether one changed; a plain text is no secret."""
    assert Secret(PLAIN) == Secret(PLAIN)
    assert Secret(PLAIN) != Secret(PLAIN + "x")
    assert Secret("密钥") == Secret("密钥")
    assert Secret(PLAIN) != PLAIN
    assert len({Secret(PLAIN), Secret(PLAIN), Secret("x")}) == 2


GOOD = {"plain": "ak-0001", "symbols": "!#$%&'()*+,-./:;<=>?@[]^_`{|}~\"\\", "long": "x" * 60_000}


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
@pytest.mark.parametrize("around", ["{}", "{}\n", "  {}\t\r\n", "\n\n{}"])
def test_white_space_around_a_secret_is_not_part_of_it(text: str, around: str, *, header: bool) -> None:
    """Editors and `echo` end a file with a newline."""
    assert checked_secret(around.format(text), header=header).reveal() == text


@pytest.mark.parametrize("text", ["two words", "密钥", "é", "\u00b2"])
def test_a_secret_that_is_no_header_can_be_any_line(text: str) -> None:
    """Only its hash is sent."""
    assert checked_secret(text).reveal() == text


@pytest.mark.parametrize("text", ["", " ", "\n", "\t\r\n "])
@pytest.mark.parametrize("header", [False, True])
def test_a_secret_is_not_empty(text: str, *, header: bool) -> None:
    """That would be a mistake, and is better said at the start."""
    with pytest.raises(ValueError, match=r"^is empty$"):
        checked_secret(text, header=header)


@pytest.mark.parametrize(
    "text",
    [f"{PLAIN}\n{PLAIN}", f"{PLAIN}\rx", f"{PLAIN}\x00x", f"{PLAIN}\x1b[0m", f"{PLAIN}\u2028x", f"{PLAIN}\ud800"],
)
def test_a_secret_is_one_printable_line(text: str) -> None:
    """Two keys in one file are a mistake; the message does not show them."""
    with pytest.raises(ValueError, match=r"^has line breaks or control characters within$"):
        checked_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "ak\r\nx-injected: 1",
        "ak\nx-injected: 1",
        "ak\rx",
        "ak\x00",
        "ak\x7fx",
        "ak\tx",
        "ak x",
        "ak-é",
        "ak-密",
        "ak\u200bx",
        "ak\u00a0x",
        "ak\ud800",
    ],
)
def test_a_secret_that_is_sent_in_a_header_cannot_add_others(text: str) -> None:
    """Printable ASCII without spaces."""
    with pytest.raises(ValueError, match=r"^has characters that an access key id cannot have$"):
        checked_secret(text, header=True)


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"key", "key"),
        (b"key\n", "key"),
        (b"\r\n key \r\n", "key"),
        (b"\xef\xbb\xbfkey\n", "key"),
        ("密钥\n".encode(), "密钥"),
        (b"x" * MAX_SECRET_BYTES, "x" * MAX_SECRET_BYTES),
    ],
    ids=["plain", "newline", "white space", "byte order mark", "unicode", "largest"],
)
def test_a_file_is_read_as_a_secret(tmp_path: Path, content: bytes, secret: str) -> None:
    """As people and tools write it."""
    file = tmp_path / "key"
    file.write_bytes(content)
    assert read_secret(file).reveal() == secret
    assert SecretFile(file).current().reveal() == secret


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
        (b"hunter2\nhunter2", "has line breaks or control characters within"),
        ("密钥".encode("gbk"), "is not UTF-8 text"),
        ("hunter2".encode("utf-16"), "is not UTF-8 text"),
        (b"x" * (MAX_SECRET_BYTES + 1), "is larger than 65536 bytes; that is no secret"),
    ],
    ids=["empty", "blank", "two lines", "gbk", "utf-16", "too large"],
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """With a reason, without its content."""
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - its whole text is compared
        SecretFile(file)
    assert str(refused.value) == message


def test_a_file_that_cannot_be_read_is_an_error_of_the_system(tmp_path: Path) -> None:
    """Missing, or a folder."""
    with pytest.raises(FileNotFoundError):
        SecretFile(tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        SecretFile(tmp_path)


def test_a_file_for_a_header_holds_nothing_that_could_add_others(tmp_path: Path) -> None:
    """At first, and when it changes: then the last good one stays."""
    file = tmp_path / "id"
    file.write_text("ak-1\nx-injected: 1")
    with pytest.raises(ValueError, match="access key id"):
        SecretFile(file, header=True)
    file.write_text("ak-1")
    source = SecretFile(file, header=True)
    file.write_text("ak-2\r\nx-injected: 1")
    source.look()
    assert source.current().reveal() == "ak-1"


def looked_up(source: SecretFile) -> str:
    """The secret after a look at its file."""
    source.look()
    return source.current().reveal()


def rewrite(file: Path, content: str) -> None:
    file.write_text(content)


def replace(file: Path, content: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(content)
    new.replace(file)


def remove_and_create(file: Path, content: str) -> None:
    file.unlink()
    file.write_text(content)


@pytest.mark.parametrize("change", [rewrite, replace, remove_and_create])
def test_a_changed_file_is_read_again(
    tmp_path: Path, change: Callable[[Path, str], None], caplog: pytest.LogCaptureFixture
) -> None:
    """However it was changed, and the log says so without showing it."""
    caplog.set_level(logging.INFO)
    file = tmp_path / "key"
    file.write_text("first")
    source = SecretFile(file)
    change(file, "the second")
    assert [looked_up(source) for _ in range(3)] == ["the second"] * 3
    (record,) = caplog.records
    assert (record.message, record.levelname) == ("secret file read again", "INFO")
    assert record.__dict__["fields"] == {"file": str(file)}


def test_only_a_look_takes_time(tmp_path: Path) -> None:
    """Every request asks for the secret, and must not wait for a file system."""
    file = tmp_path / "key"
    file.write_text("first")
    source = SecretFile(file)
    rewrite(file, "the second")
    assert source.current().reveal() == "first"
    assert looked_up(source) == "the second"


def test_a_file_of_the_same_size_and_time_is_read_again(tmp_path: Path) -> None:
    """Some tools copy the time of what they replace."""
    file = tmp_path / "key"
    file.write_text("first")
    source = SecretFile(file)
    times = file.stat()
    replace(file, "other")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert looked_up(source) == "other"


def test_a_link_whose_target_is_replaced_is_read_again(tmp_path: Path) -> None:
    """As Kubernetes updates a mounted secret: the link to the folder behind the link changes."""
    for version in ("1", "2"):
        folder = tmp_path / f"..version{version}"
        folder.mkdir()
        (folder / "key").write_text(f"key-{version}")
    data = tmp_path / "..data"
    data.symlink_to("..version1")
    mounted = tmp_path / "key"
    mounted.symlink_to("..data/key")
    source = SecretFile(mounted)
    assert looked_up(source) == "key-1"

    new = tmp_path / "..data_tmp"
    new.symlink_to("..version2")
    new.replace(data)
    assert looked_up(source) == "key-2"


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every scrape looks at it."""
    file = tmp_path / "key"
    file.write_text("first")
    source = SecretFile(file)

    def opened(*_: object, **__: object) -> object:
        raise AssertionError("the file was opened")

    monkeypatch.setattr(Path, "open", opened)
    assert looked_up(source) == "first"


def spoil_by_removing(file: Path) -> None:
    file.unlink()


def spoil_by_emptying(file: Path) -> None:
    file.write_text("")


def spoil_by_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def spoil_by_a_dangling_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("nowhere")


def spoil_by_two_lines(file: Path) -> None:
    file.write_text("hunter2\nhunter2\n")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (spoil_by_removing, "No such file or directory"),
        (spoil_by_emptying, "is empty"),
        (spoil_by_a_folder, "Is a directory"),
        (spoil_by_a_dangling_link, "No such file or directory"),
        (spoil_by_two_lines, "has line breaks or control characters within"),
    ],
)
def test_the_last_good_secret_stays_where_the_file_is_spoilt(
    tmp_path: Path, spoil: Callable[[Path], None], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A rotation that goes wrong does not end a working exporter, and is logged once, not at every request."""
    file = tmp_path / "key"
    file.write_text("the good one")
    source = SecretFile(file)
    spoil(file)
    assert [looked_up(source) for _ in range(5)] == ["the good one"] * 5
    (record,) = caplog.records
    assert (record.message, record.levelname) == (
        "secret file cannot be read; the last good secret stays in use",
        "WARNING",
    )
    assert record.__dict__["fields"] == {"file": str(file), "error": why}


def test_a_file_that_is_mended_is_read_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And the next time that it is spoilt is logged anew."""
    caplog.set_level(logging.INFO)
    file = tmp_path / "key"
    file.write_text("first")
    source = SecretFile(file)
    file.write_text("")
    assert looked_up(source) == "first"
    file.write_text("the second")
    assert looked_up(source) == "the second"
    file.unlink()
    assert looked_up(source) == "the second"
    assert looked_up(source) == "the second"
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING"]


def test_a_file_that_comes_back_as_it_was_is_no_news(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The secret was in use all the time."""
    file, aside = tmp_path / "key", tmp_path / "aside"
    file.write_text("first")
    source = SecretFile(file)
    file.rename(aside)
    source.look()
    aside.rename(file)
    assert looked_up(source) == "first"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_secret_file_does_not_show_its_secret(tmp_path: Path) -> None:
    """Nor do its fields."""
    file = tmp_path / "key"
    file.write_text(PLAIN)
    source = SecretFile(file)
    assert PLAIN not in f"{source} {source!r} {source.__dict__}"
