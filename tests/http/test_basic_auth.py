"""Passwords: who is admitted, and what a check costs."""

import asyncio
import base64
import threading

import bcrypt
import pytest

from exporter.http.basic_auth import Users

pytestmark = pytest.mark.anyio


def basic(text: str | bytes) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    return "Basic " + base64.b64encode(content).decode()


def hashed(password: str, cost: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


class Bcrypt:
    """Counts the checks, which wait while the gate is closed."""

    def __init__(self) -> None:
        self.costs: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self._real = bcrypt.checkpw

    def check(self, password: bytes, hashed_password: bytes) -> bool:
        self.costs.append(int(hashed_password[4:6]))
        assert threading.current_thread() is not threading.main_thread()
        self.gate.wait(30)
        return self._real(password, hashed_password)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Bcrypt:
    counting = Bcrypt()
    monkeypatch.setattr(bcrypt, "checkpw", counting.check)
    return counting


LONGEST = "x" * 72


@pytest.mark.parametrize(
    ("header", "password"),
    [
        (basic("alice:hush"), "hush"),
        (basic("alice:hush:hush"), "hush:hush"),
        (basic("alice:hüsch"), "hüsch"),
        (basic("alice:"), ""),
        (basic(f"alice:{LONGEST}"), LONGEST),
        ("bASIC" + basic("alice:hush")[5:], "hush"),
    ],
    ids=["plain", "with a colon", "not ASCII", "empty", "longest", "scheme in any case"],
)
async def test_the_right_password_is_admitted(header: str, password: str) -> None:
    assert await Users({"alice": hashed(password)}).admit([header])


@pytest.mark.parametrize("version", ["$2a$", "$2b$", "$2y$"])
async def test_every_version_of_bcrypt(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In FIPS mode too, where Python refuses blake2."""
    monkeypatch.delattr("hashlib.blake2b")
    users = Users({"alice": version + hashed("hüsch")[4:]})
    assert await users.admit([basic("alice:hüsch")])
    assert not await users.admit([basic("alice:hush")])


async def test_wrong_passwords_and_names_are_not_admitted() -> None:
    users = Users({"alice": hashed("hush"), "bob": hashed("hush-hush")})
    for text in ("alice:hush-hush", "bob:hush", "alice:", ":hush", "Alice:hush", "nobody:", "nobody:."):
        assert not await users.admit([basic(text)])


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Basic"],
        ["Basic !!!!"],
        ["Basic YWxpY2U6aHVza"],
        ["Bearer " + basic("alice:hush")[6:]],
        [basic("alice")],
        [basic(b"alice:\xff\xfe")],
        [basic("alice:hush\0hush")],
        [basic(f"alice:{LONGEST}x")],
        [basic("alice:hush"), basic("alice:hush")],
    ],
)
async def test_a_header_that_cannot_be_right_costs_no_check(checks: Bcrypt, headers: list[str]) -> None:
    assert not await Users({"alice": hashed("hush")}).admit(headers)
    assert checks.costs == []


async def test_a_good_password_is_checked_once(checks: Bcrypt) -> None:
    """A wrong one each time, and the good one stays remembered."""
    users = Users({"alice": hashed("hush")})
    for text in ("alice:hush", "alice:hush", "alice:wrong", "alice:wrong", "alice:hush"):
        assert await users.admit([basic(text)]) is (text == "alice:hush")
    assert len(checks.costs) == 3


async def test_requests_at_the_same_time_share_the_check_of_a_password(checks: Bcrypt) -> None:
    """Two checks run at once; the other requests find their result."""
    users = Users({"alice": hashed("hush")})
    assert all(await asyncio.gather(*(users.admit([basic("alice:hush")]) for _ in range(50))))
    assert len(checks.costs) <= 2


async def test_an_unknown_name_takes_as_long_as_a_known_one(checks: Bcrypt) -> None:
    """One check, of the highest cost that is in use."""
    users = Users({"alice": hashed("hush", 4), "bob": hashed("hush", 5)})
    assert not await users.admit([basic("nobody:hush")])
    assert checks.costs == [5]


async def test_people_who_guess_do_not_keep_a_scraper_out(checks: Bcrypt) -> None:
    """A remembered password needs no thread; a guess whose client is gone is not checked."""
    users = Users({"alice": hashed("hush")})
    assert await users.admit([basic("alice:hush")])
    checks.gate.clear()
    guesses = [asyncio.create_task(users.admit([basic(f"alice:{n}")])) for n in range(50)]
    await asyncio.sleep(0.05)
    assert await asyncio.wait_for(users.admit([basic("alice:hush")]), 10)
    for guess in guesses:
        guess.cancel()
    await asyncio.gather(*guesses, return_exceptions=True)
    checks.gate.set()
    await asyncio.sleep(0.05)
    assert len(checks.costs) <= 1 + 2
