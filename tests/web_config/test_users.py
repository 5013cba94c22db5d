"""Who somebody is: by name and password, at the same cost whether or not there is such a one."""

import asyncio
import base64
import threading
from collections.abc import Callable

import bcrypt
import pytest

from exporter.credentials import Secret
from exporter.web_config import hashing as hashing_module
from exporter.web_config.hashing import AT_ONCE, MAX_WAITING, Hashing, TooManyWaitingError
from exporter.web_config.users import Credentials, Users, credentials_of

pytestmark = pytest.mark.anyio


def basic(text: str | bytes) -> bytes:
    content = text if isinstance(text, bytes) else text.encode()
    return b"Basic " + base64.b64encode(content)


def hashed(password: str, cost: int = 4) -> Secret:
    return Secret(bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode())


def claim(user: str, password: str) -> Credentials:
    return Credentials(user, Secret(password))


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        (basic("alice:hush"), claim("alice", "hush")),
        (basic("alice:hush:hush"), claim("alice", "hush:hush")),
        (basic("jörg:hüsch"), claim("jörg", "hüsch")),
        (basic("alice:"), claim("alice", "")),
        (basic(":hush"), claim("", "hush")),
        (basic("alice:" + "x" * 72), claim("alice", "x" * 72)),
        (b"basic " + basic("alice:hush")[6:], claim("alice", "hush")),
        (b"BASIC " + basic("alice:hush")[6:], claim("alice", "hush")),
    ],
)
async def test_what_a_header_claims(header: bytes, credentials: Credentials) -> None:
    """The scheme in any case; the first colon ends the name."""
    assert credentials_of([header]) == credentials


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [b""],
        [b"Basic"],
        [b"Basic "],
        [b"Basic  " + basic("alice:hush")[6:]],
        [b"Basic !!!!"],
        [b"Basic YWxpY2U6aHVza"],
        [b"Basic " + "ä".encode()],
        [b"Basic \xff"],
        [b"Bearer " + basic("alice:hush")[6:]],
        [basic("alice")],
        [basic(b"alice:\xff\xfe")],
        [basic(b"\xff:hush")],
        [basic("alice:hush\0hush")],
        [basic("alice:" + "x" * 73)],
        [basic("alice:" + "ü" * 37)],
        [basic("x" * 2000 + ":hush")],
        [b"Basic " + b"A" * 60_000],
        [basic("alice:hush"), basic("alice:hush")],
    ],
)
async def test_what_claims_nothing(headers: list[bytes]) -> None:
    """No header or several, another scheme, what cannot be decoded, and what bcrypt would not take."""
    assert credentials_of(headers) is None


def test_a_claim_does_not_show_its_password() -> None:
    assert "hush" not in repr(claim("alice", "hush"))


class Bcrypt:
    """Counts what bcrypt is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.costs: list[int] = []
        self.at_once = self.most_at_once = 0
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()
        self._real = bcrypt.checkpw
        monkeypatch.setattr(hashing_module.bcrypt, "checkpw", self._check)

    def _check(self, password: bytes, hashed_password: bytes) -> bool:
        with self._lock:
            self.costs.append(int(hashed_password[4:6]))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        assert threading.current_thread() is not threading.main_thread()
        self.gate.wait(30)
        try:
            return self._real(password, hashed_password)
        finally:
            with self._lock:
                self.at_once -= 1


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Bcrypt:
    return Bcrypt(monkeypatch)


@pytest.fixture
def hashing(asked: Bcrypt) -> Hashing:
    assert asked.costs == []
    return Hashing()


async def test_the_right_password_of_the_right_user(hashing: Hashing) -> None:
    """And nothing else."""
    users = Users({"alice": hashed("hush"), "bob": hashed("hush-hush")})
    assert await users.admit(claim("alice", "hush"), hashing)
    assert await users.admit(claim("bob", "hush-hush"), hashing)
    for user, password in (("alice", "hush-hush"), ("bob", "hush"), ("alice", ""), ("", "hush"), ("Alice", "hush")):
        assert not await users.admit(claim(user, password), hashing)


@pytest.mark.parametrize("version", ["$2a$", "$2b$", "$2y$"])
async def test_each_version_of_a_hash(hashing: Hashing, version: str) -> None:
    users = Users({"alice": Secret(version + hashed("hüsch").reveal()[4:])})
    assert await users.admit(claim("alice", "hüsch"), hashing)
    assert not await users.admit(claim("alice", "hush"), hashing)


async def test_a_right_password_is_hashed_once(hashing: Hashing, asked: Bcrypt) -> None:
    """Then it costs nothing, however often it comes; a wrong one costs each time, and does not push it out."""
    users = Users({"alice": hashed("hush")})
    for _ in range(5):
        assert await users.admit(claim("alice", "hush"), hashing)
    assert asked.costs == [4]
    for _ in range(3):
        assert not await users.admit(claim("alice", "wrong"), hashing)
    assert asked.costs == [4] * 4
    assert await users.admit(claim("alice", "hush"), hashing)
    assert asked.costs == [4] * 4


async def test_what_is_remembered_is_bound_to_the_configuration(hashing: Hashing, asked: Bcrypt) -> None:
    """A user whose hash is another does not come in with the old password."""
    before, after = Users({"alice": hashed("hush")}), Users({"alice": hashed("new")})
    assert await before.admit(claim("alice", "hush"), hashing)
    assert not await after.admit(claim("alice", "hush"), hashing)
    assert asked.costs == [4, 4]


async def test_what_is_remembered_is_neither_the_password_nor_the_same_twice(hashing: Hashing) -> None:
    """A digest with a key that only this process has, one for each user."""
    kept = []
    for _ in range(2):
        users = Users({"alice": hashed("hush")})
        await users.admit(claim("alice", "hush"), hashing)
        await users.admit(claim("nobody", "hush"), hashing)
        (digest,) = users._good.values()  # noqa: SLF001 - what must not be there cannot be seen from outside
        kept.append(digest)
    assert kept[0] != kept[1]
    assert b"hush" not in kept[0]


@pytest.mark.parametrize("cost", [4, 6])
async def test_nobody_costs_as_much_as_somebody(hashing: Hashing, asked: Bcrypt, cost: int) -> None:
    """One hash of the configured cost, so that time does not tell which names there are."""
    users = Users({"alice": hashed("hush", cost)})
    for user in ("alice", "nobody", "", "jörg", "x" * 1000):
        assert not await users.admit(claim(user, "wrong"), hashing)
    assert asked.costs == [cost] * 5


async def test_nobody_costs_as_somebody_does_where_costs_differ(hashing: Hashing, asked: Bcrypt) -> None:
    """The same name always as much, and no cost that no real user has."""
    users = Users({"alice": hashed("hush", 4), "bob": hashed("hush", 5), "carol": hashed("hush", 6)})
    names = [f"nobody-{number}" for number in range(40)]
    for name in names * 2:
        assert not await users.admit(claim(name, "wrong"), hashing)
    assert asked.costs[:40] == asked.costs[40:]
    assert set(asked.costs) == {4, 5, 6}


async def test_nobodys_hash_is_of_no_password(hashing: Hashing) -> None:
    """Even were it, there is no such user."""
    users = Users({"alice": hashed("hush")})
    for password in ("", ".", "nobody", "hush"):
        assert not await users.admit(claim("nobody", password), hashing)


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came about")


async def test_few_passwords_are_hashed_at_once(hashing: Hashing, asked: Bcrypt) -> None:
    """The event loop goes on meanwhile, all get their answer, and those beyond a limit are turned away at once."""
    asked.gate.clear()
    users = Users({"alice": hashed("hush")})
    tries = [asyncio.create_task(users.admit(claim("alice", f"wrong{n}"), hashing)) for n in range(MAX_WAITING)]
    await eventually(lambda: asked.at_once == AT_ONCE)
    with pytest.raises(TooManyWaitingError):
        await users.admit(claim("alice", "one more"), hashing)
    asked.gate.set()
    assert await asyncio.gather(*tries) == [False] * MAX_WAITING
    assert (len(asked.costs), asked.most_at_once) == (MAX_WAITING, AT_ONCE)
    assert await users.admit(claim("alice", "hush"), hashing)


async def test_whoever_is_remembered_does_not_wait(hashing: Hashing, asked: Bcrypt) -> None:
    """Strangers who try passwords do not keep a scraper out."""
    users = Users({"alice": hashed("hush")})
    assert await users.admit(claim("alice", "hush"), hashing)
    asked.gate.clear()
    tries = [asyncio.create_task(users.admit(claim("alice", f"wrong{n}"), hashing)) for n in range(MAX_WAITING)]
    await eventually(lambda: asked.at_once == AT_ONCE)
    assert await asyncio.wait_for(users.admit(claim("alice", "hush"), hashing), 1)
    asked.gate.set()
    await asyncio.gather(*tries)


async def test_at_the_end_nobody_waits(hashing: Hashing, asked: Bcrypt) -> None:
    """All who wait, or come, are told no at once, and what has not begun does not begin."""
    asked.gate.clear()
    users = Users({"alice": hashed("hush")})
    tries = [asyncio.create_task(users.admit(claim("alice", "hush"), hashing)) for _ in range(10)]
    await eventually(lambda: asked.at_once == AT_ONCE)
    hashing.close()
    assert await asyncio.wait_for(asyncio.gather(*tries), 1) == [False] * 10
    assert not await users.admit(claim("alice", "hush"), hashing)
    asked.gate.set()
    await eventually(lambda: asked.at_once == 0)
    assert len(asked.costs) == AT_ONCE


async def test_a_fault_of_bcrypt_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody waits for ever, nor does the log fill."""

    def broken(_password: bytes, _hash: bytes) -> bool:
        raise ValueError("something of the inside")

    monkeypatch.setattr(hashing_module.bcrypt, "checkpw", broken)
    assert not await Users({"alice": hashed("hush")}).admit(claim("alice", "hush"), Hashing())
