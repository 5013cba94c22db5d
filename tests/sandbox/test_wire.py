"""Each fault as a client meets it, over real sockets."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from exporter.sandbox import Handle, Task
from exporter.sandbox.faults import (
    ApiError,
    Body,
    CloseAfter,
    CutOff,
    Delay,
    Drip,
    Drop,
    Endless,
    Fault,
    Garbage,
    GzipBomb,
    Hang,
    HttpStatus,
    Huge,
    HugeHeaders,
    Patch,
    RateLimited,
    Redirect,
    Reset,
)

Ask = Callable[[Task], httpx.Response]
Connect = Callable[[], AbstractContextManager[Any]]


@pytest.fixture
def task(tasks: tuple[Task, ...]) -> Task:
    return tasks[0]


@pytest.fixture
def well(ask: Ask, sandbox: Handle, task: Task) -> Iterator[None]:
    """Whatever the fault did, the sandbox answers well when it is over, also to the same client."""
    yield
    sandbox.clear()
    assert ask(task).json()["success"] is True


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.usefixtures("well")
class TestWholeAnswers:
    def test_delay(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """The good answer comes late, and only for the task that was meant."""
        sandbox.set_fault(Delay(delay_seconds=0.1), task.task_id)
        answer = ask(task)
        assert answer.json()["success"] is True
        assert answer.elapsed.total_seconds() >= 0.1
        assert ask(sandbox.tasks[1]).elapsed.total_seconds() < 0.1

    def test_any_fault_can_be_late(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """A delay goes with every kind."""
        sandbox.set_fault(HttpStatus(status=503, delay_seconds=0.1), task.task_id)
        answer = ask(task)
        assert answer.status_code == 503
        assert answer.elapsed.total_seconds() >= 0.1

    def test_status_with_json(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """The API's failure under another status."""
        sandbox.set_fault(HttpStatus(status=503))
        answer = ask(task)
        assert (answer.status_code, answer.reason_phrase) == (503, "Service Unavailable")
        assert answer.json()["success"] is False

    def test_status_with_a_page(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """What a proxy says."""
        sandbox.set_fault(HttpStatus(status=502, body="html"))
        answer = ask(task)
        assert answer.status_code == 502
        assert answer.headers["content-type"] == "text/html"
        assert "502 Bad Gateway" in answer.text

    @pytest.mark.parametrize("status", [200, 204, 500])
    def test_status_without_a_body(self, ask: Ask, sandbox: Handle, task: Task, status: int) -> None:
        """Nothing but a head."""
        sandbox.set_fault(HttpStatus(status=status, body="empty"))
        answer = ask(task)
        assert answer.status_code == status
        assert answer.content == b""

    @pytest.mark.parametrize(("retry_after", "told"), [(None, None), (7, "7"), ("soon", "soon")])
    def test_rate_limited(
        self, ask: Ask, sandbox: Handle, task: Task, retry_after: float | str | None, told: str | None
    ) -> None:
        """429, with what the header is to be."""
        sandbox.set_fault(RateLimited(retry_after=retry_after))
        answer = ask(task)
        assert answer.status_code == 429
        assert answer.headers.get("retry-after") == told

    def test_rate_limited_until_a_date(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """The header's other form, by the server's clock."""
        sandbox.set_fault(RateLimited(retry_after=90, as_date=True))
        headers = ask(task).headers
        wait = parsedate_to_datetime(headers["retry-after"]) - parsedate_to_datetime(headers["date"])
        assert wait.total_seconds() == pytest.approx(90, abs=1)

    def test_redirect(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """Somewhere else, where credentials must not go."""
        sandbox.set_fault(Redirect(location="http://198.51.100.1/elsewhere", status=307))
        answer = ask(task)
        assert answer.status_code == 307
        assert answer.headers["location"] == "http://198.51.100.1/elsewhere"

    def test_api_error(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """A code and a message in the envelope, or neither."""
        sandbox.set_fault(ApiError(error_code="PERMISSION_DENY", message="no permission"))
        answer = ask(task)
        assert answer.status_code == 200
        assert {**answer.json(), "requestId": ""} == {
            "success": False,
            "errorCode": "PERMISSION_DENY",
            "message": "no permission",
            "requestId": "",
        }
        sandbox.set_fault(ApiError())
        assert list(ask(task).json()) == ["success", "requestId"]

    def test_body(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """Any bytes of any type, as they are."""
        sandbox.set_fault(Body(content=b"\xff\xfe", content_type="text/plain"))
        answer = ask(task)
        assert answer.content == b"\xff\xfe"
        assert answer.headers["content-type"] == "text/plain"

    def test_body_under_a_wrong_encoding(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """A compression that is not there."""
        sandbox.set_fault(Body(content=b"plain", content_encoding="gzip"))
        with pytest.raises(httpx.DecodingError):
            ask(task)

    def test_patch(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """Any state that a test wants, in an answer that is otherwise well."""
        sandbox.set_fault(Patch(data={"status": "FAILED", "precheckItems": []}, omit=("taskId",)))
        assert ask(task).json()["data"] == {
            "precheckTaskId": task.precheck_task_id,
            "status": "FAILED",
            "precheckItems": [],
        }

    def test_patch_leaves_a_failure_alone(self, ask: Ask, sandbox: Handle) -> None:
        """There is nothing to patch in it."""
        sandbox.set_fault(Patch(data={"status": "Failed"}))
        assert ask(Task("cd-x", "pcte-x", "x")).json()["message"] == "precheck task not found"

    def test_huge_headers(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """Past what any client should take."""
        sandbox.set_fault(HugeHeaders(size=200_000))
        with pytest.raises(httpx.RemoteProtocolError):
            ask(task)

    def test_gzip_bomb(self, sandbox: Handle, task: Task, wire: Connect) -> None:
        """Little on the wire, much in memory."""
        sandbox.set_fault(GzipBomb(size=5_000_000), task.task_id)
        with wire() as connected:
            connected.query(task)
            head, _, body = connected.some().partition(b"\r\n\r\n")
        assert b"Content-Encoding: gzip" in head
        assert len(body) < 10_000
        unpacked = gzip.decompress(body)
        assert len(unpacked) > 5_000_000
        assert json.loads(unpacked)["success"] is True


@pytest.mark.usefixtures("well")
class TestBrokenAnswers:
    def test_hang(self, sandbox: Handle, task: Task, wire: Connect) -> None:
        """No answer, and no request in flight once the client has gone."""
        sandbox.set_fault(Hang(), task.task_id)
        with wire() as connected:
            connected.query(task)
            assert connected.silent_for(0.1)
            assert sandbox.requests().in_flight == 1
        until(lambda: sandbox.requests().in_flight == 0)

    def test_drip(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """All of it arrives, and no read of it takes long."""
        sandbox.set_fault(Drip(seconds=0.001), task.task_id)
        answer = ask(task)
        assert answer.json()["success"] is True
        assert answer.elapsed.total_seconds() >= 0.001 * len(answer.content)

    def test_huge(self, ask: Ask, sandbox: Handle, task: Task) -> None:
        """Valid JSON, for who reads so far."""
        sandbox.set_fault(Huge(size=1_000_000))
        answer = ask(task)
        assert len(answer.content) == int(answer.headers["content-length"]) > 1_000_000
        assert answer.json()["success"] is True

    def test_endless(self, sandbox: Handle, task: Task, wire: Connect) -> None:
        """It goes on while somebody reads, and ends when nobody does."""
        sandbox.set_fault(Endless())
        with wire() as connected:
            connected.query(task)
            received = 0
            while received < 3_000_000:
                received += len(connected.some())
            assert sandbox.requests().in_flight == 1
        until(lambda: sandbox.requests().in_flight == 0)

    def test_cut_off(self, sandbox: Handle, task: Task, wire: Connect) -> None:
        """Less than the head promised."""
        sandbox.set_fault(CutOff())
        with wire() as connected:
            connected.query(task)
            head, _, body = connected.all().partition(b"\r\n\r\n")
        promised = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        assert len(body) == promised // 2

    def test_close_after(self, sandbox: Handle, task: Task, wire: Connect) -> None:
        """The answer is whole, and says nothing of the end."""
        sandbox.set_fault(CloseAfter())
        with wire() as connected:
            connected.query(task)
            head, _, body = connected.all().partition(b"\r\n\r\n")
        assert b"close" not in head
        assert json.loads(body)["success"] is True

    def test_drop(self, sandbox: Handle, task: Task, wire: Connect) -> None:
        """A clean end in place of an answer."""
        sandbox.set_fault(Drop())
        with wire() as connected:
            connected.query(task)
            assert connected.all() == b""

    def test_reset(self, sandbox: Handle, task: Task, wire: Connect) -> None:
        """A TCP reset in place of an answer."""
        sandbox.set_fault(Reset())
        with wire() as connected:
            connected.query(task)
            with pytest.raises(ConnectionResetError):
                connected.all()

    def test_garbage(self, sandbox: Handle, task: Task, wire: Connect) -> None:
        """Bytes that no HTTP client understands."""
        sandbox.set_fault(Garbage(content=b"SSH-2.0\r\n"))
        with wire() as connected:
            connected.query(task)
            assert connected.all() == b"SSH-2.0\r\n"


@pytest.mark.parametrize("fault", [Drop(times=1), HttpStatus(status=503, times=1), RateLimited(times=1)])
def test_a_fault_with_times_is_over_by_itself(sandbox: Handle, ask: Ask, task: Task, fault: Fault) -> None:
    """What a retry needs."""
    sandbox.set_fault(fault, task.task_id)
    with suppress(httpx.RemoteProtocolError):
        assert ask(task).status_code != 200
    assert ask(task).status_code == 200
