"""Every way in which the API goes away: what is told, that it is in time, and that nothing is left of it afterwards."""

import html
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from exporter.ninedata import Reason, advice_on
from exporter.sandbox import Handle, fleet, run_in_thread
from exporter.sandbox.faults import Body, Delay, Drip, Drop, Endless, Garbage, Hang, HttpStatus, RateLimited, Reset
from tests.faults.footprint import Footprint, await_footprint
from tests.faults.relay import Mode, Relay, relaying
from tests.program.process import GRACE_SECONDS, Exporter, Launcher, canary_sandbox, until
from tests.program.scrape import Scrape

TASKS = 16
SCRAPE_SECONDS = 5.0
"""What the scraper allows."""


@dataclass
class Ground:
    """An exporter, the network behind it, and the API."""

    sandbox: Handle
    relay: Relay
    exporter: Exporter
    before: Footprint

    def scrape(self) -> Scrape:
        """A scrape, which must come in the scraper's time."""
        began = time.monotonic()
        scrape = self.exporter.scrape(timeout=SCRAPE_SECONDS)
        assert time.monotonic() - began < SCRAPE_SECONDS + GRACE_SECONDS
        assert len(scrape.up) == TASKS
        return scrape

    def is_whole(self) -> bool:
        """Whether a scrape has everything."""
        scrape = self.scrape()
        return not scrape.down and scrape.reasons == {} and set(scrape.statuses.values()) == {"Success"}

    def mend(self) -> None:
        """The API is as it was."""
        self.sandbox.reset()
        self.relay.set(Mode.PASS)


@pytest.fixture(scope="module")
def shared(launch_for_module: Launcher) -> Iterator[Ground]:
    with (
        run_in_thread(canary_sandbox(fleet(TASKS, items=3))) as sandbox,
        relaying(int(sandbox.base_url.rpartition(":")[2])) as relay,
    ):
        api = {"base_url": f"http://127.0.0.1:{relay.port}", "request_timeout": "1s", "concurrency": 8}
        exporter = launch_for_module(sandbox, api=api)
        for _ in range(3):
            exporter.scrape()
            exporter.page("/")
        yield Ground(sandbox, relay, exporter, Footprint.of(exporter))


@pytest.fixture
def ground(shared: Ground) -> Iterator[Ground]:
    """Whole before the test and after it: the first scrape after a fault has everything, and nothing is left of it."""
    shared.mend()
    assert shared.is_whole()
    yield shared
    shared.mend()
    assert shared.is_whole()
    await_footprint(shared.exporter, shared.before)
    assert shared.sandbox.requests().in_flight == 0
    assert not [line for line in shared.exporter.log if line["level"] == "error"]


def network(mode: Mode) -> Callable[[Ground], None]:
    return lambda ground: ground.relay.set(mode)


def api(fault: object) -> Callable[[Ground], None]:
    return lambda ground: ground.sandbox.set_fault(fault)  # type: ignore[arg-type] # any fault


_TEXT = f"@ mysql akia eyj identified password -p key=:// {'@aaaaaaaaaaaaaaaaaaasecret-eyJaaaaaaaa' * 11}"[:440]
_ITEMS = [
    {
        "precheckItem": f"i{n}",
        "itemDescription": f"{n} {_TEXT}",
        "status": "Failed",
        "errorMessage": f"{n} a{':a' * 220}",
    }
    for n in range(1000)
]
LABORIOUS = json.dumps({"success": True, "data": {"status": "Failed", "precheckItems": _ITEMS}}).encode()
"""As large as an answer may be, and full of what the patterns that look for credentials like least."""

# What goes wrong, and the only reasons that may be told for it.
OUTAGES: dict[str, tuple[Callable[[Ground], None], set[str]]] = {
    "nobody listens": (network(Mode.REFUSE), {"connect"}),
    "connections that are not answered": (network(Mode.SILENT), {"timeout", "deadline"}),
    "connections that are half open": (network(Mode.SWALLOW), {"timeout", "deadline"}),
    "connections reset in mid-answer": (network(Mode.RESET_MIDWAY), {"connect"}),
    "every answer too slow": (api(Delay(delay_seconds=30)), {"timeout", "deadline"}),
    "no answer": (api(Hang()), {"timeout", "deadline"}),
    "answers in drops": (api(Drip(seconds=0.1)), {"timeout", "deadline"}),
    "connections reset": (api(Reset()), {"connect"}),
    "connections closed": (api(Drop()), {"connect"}),
    "noise": (api(Garbage()), {"invalid_response"}),
    "answers without an end": (api(Endless()), {"too_large", "timeout", "deadline"}),
    "answers that are laborious to read": (api(Body(content=LABORIOUS)), {"too_large", "timeout", "deadline"}),
    "a storm of 429": (api(RateLimited(retry_after=0)), {"rate_limited"}),
    "a storm of 429 without Retry-After": (api(RateLimited(retry_after=1)), {"rate_limited"}),
    "a gateway that is down": (api(HttpStatus(status=503, body="html")), {"http_error"}),
}

FAILS, NO_TURN = "query fails", "tasks had no turn in a scrape"


@pytest.mark.parametrize(("break_", "reasons"), OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage(ground: Ground, break_: Callable[[Ground], None], reasons: set[str]) -> None:
    """Two scrapes long: in time, every task down for a fitting reason; pages and log say what to do."""
    said_before = len(ground.exporter.log)
    break_(ground)
    for _ in range(2):
        scrape = ground.scrape()
        assert scrape.down == set(scrape.up)
        assert scrape.statuses == {}
        assert set(scrape.reasons.values()) <= reasons
    page = html.unescape(ground.exporter.page("/"))
    for reason in set(scrape.reasons.values()):
        assert f"The query fails: {reason}" in page
        assert advice_on(Reason(reason), "data_compare").partition(".")[0] in page
    assert ground.exporter.get("/-/healthy").status == 200

    def told(message: str) -> list[dict[str, str]]:
        return [line for line in ground.exporter.log[said_before:] if line["msg"] == message]

    def each_is_told() -> bool:
        """Those that had no turn are told together."""
        return {line["task_id"] for line in told(FAILS)} == scrape.down or bool(told(NO_TURN))

    until(each_is_told, 5, "the log tells of each task")
    assert told(FAILS)
    assert {line["reason"] for line in told(FAILS)} <= reasons
    assert all(line["advice"] for line in told(FAILS))
    if "rate_limited" in reasons:
        # The pause that the API wants; the first scrape after it is whole.
        time.sleep(1.1)


def test_connections_that_end_at_the_worst_moment(ground: Ground) -> None:
    """Each kept one just as the next request is sent on it: that is sent again, on a new one, and nothing fails."""
    ground.relay.set(Mode.CLOSE_KEPT)
    for _ in range(5):
        assert ground.is_whole()


def test_an_api_that_comes_and_goes(ground: Ground) -> None:
    """Each scrape tells how it is at that moment, whatever was before."""
    for _ in range(5):
        ground.relay.set(Mode.REFUSE)
        assert set(ground.scrape().reasons.values()) == {"connect"}
        ground.relay.set(Mode.PASS)
        assert ground.is_whole()


def test_a_slow_api(ground: Ground) -> None:
    """Is waited for as long as there is time, at the same pace for all."""
    ground.sandbox.set_fault(Delay(delay_seconds=0.4))
    assert ground.is_whole()


def test_a_storm_of_429_is_not_answered_with_requests(ground: Ground) -> None:
    """No more than were under way when the first one came; while it lasts, none."""
    ground.sandbox.set_fault(RateLimited(retry_after=2))
    before = ground.sandbox.requests().total
    for _ in range(10):
        assert set(ground.scrape().reasons.values()) == {"rate_limited"}
    assert ground.sandbox.requests().total - before <= 2 * 8
    time.sleep(2.1)
