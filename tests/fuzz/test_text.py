"""Texts from outside: clean, bounded, quickly read, and without the passwords in them."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from exporter.ninedata.text import clean, clean_name, cut_middle, is_printable
from tests.fuzz.inputs import HOSTILE, texts, values

CPU_SECONDS = 1.0
"""Far more than any text may take, and far less than a pattern that runs away."""

password = st.text(st.sampled_from("abcXYZ0189!#$%^*-_+.~"), min_size=6, max_size=40).map(
    lambda text: f"hush{text}hush"
)
place = st.from_regex(r"[a-z]{1,8}(\.[a-z]{2,4})?", fullmatch=True)
FORMS = (
    "jdbc:mysql://{user}:{password}@{host}:3306/db",
    "oracle:thin:{user}/{password}@{host}:1521",
    "cannot reach {user}:{password}@{host}",
    "password={password}",
    "Password : '{password}' rejected",
    '{{"secretKey": "{password}"}}',
    "Authorization: Bearer {password}",
    "ALTER USER {user} IDENTIFIED BY '{password}'",
    "mysqldump -h {host} -p{password} db",
    "--password {password} --host {host}",
    "token={password}&user={user}",
    "密码:{password}",
)


@given(values)
def test_any_value_becomes_a_clean_text(value: object) -> None:
    """Of bounded length, printable, and the same when it is cleaned again."""
    for text, limit in ((clean(value), 4000), (clean(value, 500), 500), (clean_name(value), 200)):
        assert len(text) <= limit
        assert is_printable(text.replace("\n", "").replace("\t", ""))
    assert clean_name(clean_name(value)) == clean_name(value)


@given(
    st.lists(st.sampled_from((*HOSTILE, "a", ":", "@", "=", " ", "'", "password", "://", "\\")), max_size=40),
    st.integers(1, 400),
)
def test_no_text_takes_long(parts: list[str], times: int) -> None:
    """The patterns that look for credentials have no way to run away."""
    text = "".join(parts) * times
    began = time.process_time()
    clean(text)
    assert time.process_time() - began < CPU_SECONDS


told = st.builds(str.format, st.sampled_from(FORMS), password=password, user=place, host=place)


@given(texts, told, texts)
def test_passwords_in_the_usual_forms_are_masked(before: str, text: str, after: str) -> None:
    """Whatever stands around them."""
    assert not re.search(r"hush.*hush", clean(f"{before[:500]}\n{text}\n{after}"))


@given(texts, st.integers(10, 600))
def test_a_shortened_text_keeps_both_ends(text: str, limit: int) -> None:
    """Within its limit."""
    shortened = cut_middle(text, limit)
    assert len(shortened) <= limit
    if len(text) <= limit:
        assert shortened == text
