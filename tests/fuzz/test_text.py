"""Texts from outside: clean, bounded, quickly read, and without the passwords in them."""

import re
import time
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from exporter.ninedata.text import clean, clean_name, cut_middle, is_printable
from tests.fuzz.inputs import HOSTILE, texts, values

EVERYTHING = (
    "@ mysql akia eyj identified set password --pass key=:// signature authorization bearer private key- sqlplus "
)
"""For each pattern what a text must have for it to be tried."""
PROSE = ("The account lacks SELECT on 3 schemas: stock. Grant it and run the precheck again. " * 200)[:8000]
LABORIOUS = (
    *(
        "a",
        "a:",
        "a@",
        "@",
        ":",
        "=",
        " ",
        "'",
        "password",
        "://",
        "://a:",
        "oracle:a:b/",
        "eyJaaaaaaaa",
        "eyJaaaaaaaa.",
    ),
    *(
        "sqlplus a/",
        "bearer a",
        "authorization:",
        "signature=",
        "set password to ",
        "$$",
        "-----BEGIN PRIVATE KEY-----",
    ),
    *("mysql ", "-p", "\\", "pwd=a ", "secret-", "identified by ", "--password ", "AKIA", "b" * 256, "\n"),
)
"""What the patterns look for."""

password = st.lists(
    st.text(st.sampled_from("BCXYZ189!#$%^*-_+.~"), max_size=20).map(lambda text: f"HUSH{text}"), min_size=1, max_size=4
)
"""Parts of one, between which there may be what also stands around a password."""
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
    st.lists(st.sampled_from((*HOSTILE, *LABORIOUS)), min_size=1, max_size=3),
    st.sampled_from(["", EVERYTHING]),
)
def test_no_text_takes_long(parts: list[str], before: str) -> None:
    """The patterns have no way to run away: a text takes at most a few times what it takes to go over its words."""
    text = (before + "".join(parts) * 8000)[:8000]
    assert seconds(lambda: clean(text)) < 25 * seconds(lambda: re.sub(r"\w", "x", PROSE))


def seconds(work: Callable[[], object]) -> float:
    """The CPU time that it takes, at its shortest."""

    def once() -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    return min(once() for _ in range(3))


@given(texts, st.sampled_from(FORMS), password, st.sampled_from(["", ",", ";", "&", ")"]), place, place, texts)
def test_passwords_in_the_usual_forms_are_masked(  # noqa: PLR0917 - the parts of a text
    before: str, form: str, parts_of_secret: list[str], mark: str, user: str, host: str, after: str
) -> None:
    """Whatever stands around them, and to the last letter."""
    secret = mark.join(parts_of_secret)
    text = form.format(password=secret, user=user, host=host)
    shown = clean(f"{before[:500]}\n{text}\n{after}")
    parts = {secret[at : at + 4] for at in range(len(secret) - 3)}
    assert not [part for part in parts if part in shown and part not in before + after]


@given(texts, st.integers(10, 600))
def test_a_shortened_text_keeps_both_ends(text: str, limit: int) -> None:
    """Within its limit."""
    shortened = cut_middle(text, limit)
    assert len(shortened) <= limit
    if len(text) <= limit:
        assert shortened == text
