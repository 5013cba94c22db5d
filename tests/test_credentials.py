"""Secrets do not show themselves."""

import json
import logging
import traceback
from pathlib import Path

import pytest

from exporter.credentials import Secret, SecretFile, checked_secret


def test_a_secret_does_not_show_itself() -> None:
    """However it is printed by accident, in a traceback with local variables for example; only `reveal` shows it."""
    secret = Secret("hunter2")
    shown = [str(secret), f"{secret} {secret!r}", repr([{"key": (secret, secret.current())}])]
    shown.append(json.dumps({"key": secret}, default=str))
    with pytest.raises(TypeError) as caught:
        f"{secret:>20}"
    shown += traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
    assert "hunter2" not in "".join(shown)
    assert secret.reveal() == "hunter2"


@pytest.mark.parametrize(
    ("text", "header", "message"),
    [
        (" hunter2\r\n\n", True, None),
        ("pass phrase ü 密", False, None),
        ("", False, "is empty"),
        (" \n", True, "is empty"),
        ("one\ntwo", False, "has line breaks or control characters"),
        ("null\0", False, "has line breaks or control characters"),
        ("two words", True, "has characters that an access key id must not have"),
        ("ü", True, "has characters that an access key id must not have"),
        ("a\r\nX-Evil:1", True, "has characters that an access key id must not have"),
    ],
)
def test_a_secret_is_one_printable_line(text: str, message: str | None, *, header: bool) -> None:
    """Surrounding white space is not a part of it; one for a header must be ASCII without spaces."""
    if message is None:
        assert checked_secret(text, header=header).reveal() == text.strip()
    else:
        with pytest.raises(ValueError, match=f"^{message}$"):
            checked_secret(text, header=header)


def test_a_secret_file_follows_its_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A rotation that fails keeps the last good secret, and the log shows neither the old nor the new one."""
    caplog.set_level(logging.INFO)
    path = tmp_path / "key"
    path.write_bytes(b"\xef\xbb\xbfhunter2\n")
    file = SecretFile(path, header=True)
    assert file.current().reveal() == "hunter2"
    path.write_text("hunter3\nhunter3")
    file.refresh()
    assert file.current().reveal() == "hunter2"
    assert file.faults == (f"{path}: has characters that an access key id must not have",)
    path.write_text("hunter-four")
    file.refresh()
    assert file.current().reveal() == "hunter-four"
    assert [record.message for record in caplog.records] == [
        "secret file has a fault, last good content stays in use",
        "secret file loaded",
    ]
    assert "hunter" not in caplog.text + repr([vars(record) for record in caplog.records]) + repr(vars(file))


@pytest.mark.parametrize(
    ("content", "message"), [(b"hunter\xff", "is not UTF-8 text"), (b"x" * 65_537, "larger than 65536 bytes")]
)
def test_a_secret_file_must_be_good_at_first(tmp_path: Path, content: bytes, message: str) -> None:
    """The message does not show its content."""
    (tmp_path / "key").write_bytes(content)
    with pytest.raises((ValueError, OSError), match=message) as caught:
        SecretFile(tmp_path / "key")
    assert "hunter" not in str(caught.value)
