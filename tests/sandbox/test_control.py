"""Another process controls the sandbox by its own paths, which need no signature."""

from collections.abc import Callable

import httpx
import pytest

from exporter.sandbox import SECRET_KEY, Handle, Task

Ask = Callable[[Task], httpx.Response]


def test_a_fault_for_all_is_set_and_cleared(client: httpx.Client, ask: Ask, sandbox: Handle) -> None:
    """In its JSON form."""
    done = client.put("/sandbox/faults", json={"kind": "http_status", "status": 503})
    assert done.json() == {"task_id": None, "kind": "http_status"}
    assert ask(sandbox.tasks[0]).status_code == 503
    assert client.delete("/sandbox/faults").status_code == 200
    assert ask(sandbox.tasks[0]).status_code == 200


def test_a_fault_for_one_task_is_set_and_cleared(client: httpx.Client, ask: Ask, sandbox: Handle) -> None:
    """Its id is the rest of the path."""
    first, second, _ = sandbox.tasks
    client.put(f"/sandbox/faults/{first.task_id}", json={"kind": "http_status", "status": 503})
    assert [ask(task).status_code for task in (first, second)] == [503, 200]
    assert client.delete(f"/sandbox/faults/{first.task_id}").json() == {"task_id": first.task_id}
    assert ask(first).status_code == 200


def test_the_clock_is_skewed(client: httpx.Client, ask: Ask, sandbox: Handle) -> None:
    """By seconds, either way."""
    assert client.put("/sandbox/clock", json={"skew_seconds": -700}).json() == {"skew_seconds": -700}
    assert "10 minutes" in ask(sandbox.tasks[0]).json()["message"]


def test_the_requests_of_the_api_are_counted_and_no_others(client: httpx.Client, ask: Ask, sandbox: Handle) -> None:
    """With names of headers, and nothing secret."""
    assert client.get("/sandbox/requests").json()["last"] is None
    task = sandbox.tasks[0]
    ask(task)
    answer = client.get("/sandbox/requests")
    counted = answer.json()
    last = counted.pop("last")
    assert counted == {
        "total": 1,
        "per_task": {task.task_id: 1},
        "in_flight": 0,
        "max_in_flight": 1,
        "connections": 1,
    }
    assert "signature" in last["header_names"]
    assert SECRET_KEY not in answer.text


def test_a_precheck_is_started_again(client: httpx.Client, ask: Ask, sandbox: Handle) -> None:
    """The new id is answered."""
    task = sandbox.tasks[0]
    started = client.post(f"/sandbox/start/{task.task_id}").json()
    assert started["task_id"] == task.task_id
    assert ask(Task(task.task_id, started["precheck_task_id"], "again")).json()["success"] is True


def test_a_reset_is_a_new_beginning(client: httpx.Client, ask: Ask, sandbox: Handle) -> None:
    """All as at the start."""
    client.put("/sandbox/faults", json={"kind": "drop"})
    assert client.post("/sandbox/reset").json() == {}
    assert ask(sandbox.tasks[0]).status_code == 200


@pytest.mark.parametrize(
    ("asked", "body", "status", "error"),
    [
        ("PUT /sandbox/faults", b"{", 400, "the body is no JSON"),
        ("PUT /sandbox/faults", b'{"kind": "x"}', 400, "kind must be one of"),
        ("PUT /sandbox/clock", b"[]", 400, "skew_seconds must be a number"),
        ("PUT /sandbox/clock", b'{"skew_seconds": NaN}', 400, "skew_seconds must be a number"),
        ("POST /sandbox/start/cd-x", b"", 404, "no task cd-x"),
        ("POST /sandbox/start", b"", 404, "no POST /sandbox/start"),
        ("GET /sandbox/other", b"", 404, "no GET /sandbox/other"),
    ],
)
def test_what_is_wrong_is_said(client: httpx.Client, asked: str, body: bytes, status: int, error: str) -> None:
    """A typing error must not look like a sandbox that obeys."""
    answer = client.request(*asked.split(), content=body)
    assert answer.status_code == status
    assert error in answer.json()["error"]
