"""Texts from outside are made printable and bounded, and otherwise left alone."""

import pytest

from exporter.ninedata.text import MAX_NAME, MAX_TEXT, clean, clean_name, cut_middle, is_printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("dos\r\nlines", "dos\nlines"),
        ("  trimmed \n", "trimmed"),
        ("\x1b[31mred\x07\x7f\x9b", "�[31mred���"),
        ("carriage\rreturn, line\u2028, evil\u202etxt.exe", "carriage�return, line�, evil�txt.exe"),
        ("lone \ud800 surrogate, none\ufffe", "lone � surrogate, none�"),
        ("中文 é 😀 a\u200bb", "中文 é 😀 a\u200bb"),
    ],
    ids=ascii,
)
def test_a_text_has_no_unprintable_characters(text: str, expected: str) -> None:
    """Lines and tabs stay; what ends lines, moves cursors or cannot be encoded is replaced."""
    assert clean(text) == expected
    expected.encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [("  Target \t Connection\nCheck ", "Target Connection Check"), ("a\u2028b\x1bc", "a�b�c"), (None, ""), (7, "7")],
    ids=ascii,
)
def test_a_name_is_one_line(value: object, expected: str) -> None:
    assert clean_name(value) == expected


def test_a_text_is_cut_to_the_limit_and_shows_it() -> None:
    assert clean("x" * 30, limit=30) == "x" * 30
    assert clean("x" * 31, limit=30) == "x" * 29 + "…"
    assert len(clean("x" * 1_000_000)) == MAX_TEXT
    assert clean(" " * 1_000_000) == ""


def test_cutting_in_the_middle_keeps_both_ends() -> None:
    """The reason stands at the start, the remedy mostly at the end."""
    text = "Tables are missing: " + ", ".join(f"t{n}" for n in range(1000)) + ". Create them and run again."
    assert cut_middle(text, 83) == "Tables are missing: t0, t1, t2, t3, t4, t5, t6, t7, … Create them and run again."


@pytest.mark.parametrize("letter", ["x", "检", "😀"], ids=ascii)
def test_labels_are_cut_by_their_bytes(letter: str) -> None:
    """Prometheus counts the bytes of UTF-8. No character is cut in two."""
    text = letter * 500
    for limit in (*range(100, 112), len(text.encode()) - 1):
        shortened = cut_middle(text, limit)
        assert limit - 2 * len(letter.encode()) < len(shortened.encode()) <= limit
        assert shortened.replace(letter, "") == " … "
    assert cut_middle(text, len(text.encode())) == text
    assert max(len(clean_name(name).encode()) for name in (text, text[:MAX_NAME])) <= MAX_NAME
    assert clean_name(text).replace(letter, "") == "…"


@pytest.mark.parametrize("place", [495, 9975])
def test_half_a_credential_is_never_shown(place: int) -> None:
    """Where the text is cut, and where it is read no further."""
    text = ("password=" + "y" * 9900 + " ").ljust(place) if place > 5000 else "." * place
    assert "hunter" not in clean(text + " mysql://root:hunter2hunter2@db:3306" + " and so on" * 500, limit=500)


@pytest.mark.parametrize("text", ["two\nlines", "tab\t", "\x1b[0m", "\ud800", "\u202e"], ids=ascii)
def test_a_text_with_control_characters_cannot_be_shown_as_it_is(text: str) -> None:
    assert not is_printable(text)
    assert is_printable("检查 item 1")
