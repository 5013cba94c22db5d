"""The sandbox is a real HTTP/1.1 server on loopback, in a loop or in a thread of its own."""

import asyncio
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest

from exporter.sandbox import SECRET_KEY, Handle, Sandbox, Task, fleet, run_in_thread
from exporter.sandbox.api import NOW
from exporter.sandbox.faults import Delay, Hang
from tests.sandbox.paths import DATA_COMPARE_STATUS

Ask = Callable[[Task], httpx.Response]
Connect = Callable[[], AbstractContextManager[Any]]
Sign = Callable[..., dict[str, str]]


@pytest.fixture
def task(tasks: tuple[Task, ...]) -> Task:
    return tasks[0]


def test_a_connection_is_kept_between_requests(ask: Ask, sandbox: Handle) -> None:
    """One connection serves them all."""
    assert all(ask(task).json()["success"] for task in sandbox.tasks)
    assert sandbox.requests().connections == 1


def test_requests_may_come_in_a_row(task: Task, wire: Connect) -> None:
    """Pipelined ones are answered in turn."""
    with wire() as connected:
        connected.query(task)
        connected.query(task)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 2:
            received += connected.some()


def test_a_request_may_come_before_the_last_one_is_answered(sandbox: Handle, task: Task, wire: Connect) -> None:
    """It waits for its turn."""
    sandbox.set_fault(Delay(delay_seconds=0.05, times=1))
    with wire() as connected:
        connected.query(task)
        while not sandbox.requests().in_flight:
            time.sleep(0.005)
        connected.query(task)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 2:
            received += connected.some()
    assert sandbox.requests().max_in_flight == 1


def test_the_client_may_close(client: httpx.Client, sandbox: Handle, sign: Sign) -> None:
    """Then the next request comes on another connection."""
    headers = {**sign(NOW), "Connection": "close"}
    for _ in range(2):
        assert client.get(NOW, headers=headers).headers["connection"] == "close"
    assert sandbox.requests().connections == 2


def test_every_answer_has_a_date_of_the_sandboxes_clock(ask: Ask, sandbox: Handle, task: Task) -> None:
    """Skew and all."""
    sandbox.set_skew(-3600)
    answer = ask(task)
    assert answer.status_code == 401
    shown = time.mktime(time.strptime(answer.headers["date"], "%a, %d %b %Y %H:%M:%S GMT")) - time.timezone
    assert shown == pytest.approx(time.time() - 3600, abs=2)


def test_an_unknown_path_is_an_old_servers_page(client: httpx.Client) -> None:
    """404 in HTML, and no body where only the head is asked for."""
    answer = client.get("/openapi/v1/other")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html"
    assert client.head("/openapi/v1/other").content == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01 not http\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    ],
)
def test_what_is_not_http_is_a_bad_request(wire: Connect, sent: bytes) -> None:
    """And ends the connection."""
    with wire() as connected:
        connected.send(sent)
        assert connected.all().startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_body_that_goes_wrong_ends_the_connection(wire: Connect) -> None:
    """Chunks without a length are no body."""
    with wire() as connected:
        connected.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-length\r\n")
        assert connected.all().startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_requests_are_counted_without_their_secrets(ask: Ask, sandbox: Handle) -> None:
    """Per task and in all, with names of headers."""
    first, second, _ = sandbox.tasks
    for task in (first, second, first):
        ask(task)
    requests = sandbox.requests()
    assert requests.total == 3
    assert requests.per_task == {first.task_id: 2, second.task_id: 1}
    assert (requests.in_flight, requests.max_in_flight) == (0, 1)
    assert [record.task_id for record in requests.latest] == [first.task_id, second.task_id, first.task_id]
    assert (requests.latest[0].method, requests.latest[0].path) == ("GET", DATA_COMPARE_STATUS)
    assert {"access-key-id", "timestamp", "signature"} <= set(requests.latest[0].header_names)
    assert SECRET_KEY not in repr(requests)


def test_requests_in_flight_are_counted_at_their_highest() -> None:
    """By which a limit of concurrency can be proven."""
    with (
        run_in_thread(Sandbox(fleet(1), latency_seconds=0.1)) as sandbox,
        ThreadPoolExecutor(4) as pool,
        httpx.Client(base_url=sandbox.base_url, trust_env=False) as client,
    ):
        assert len(list(pool.map(client.get, ["/openapi/other"] * 4))) == 4
        assert sandbox.requests().max_in_flight == 4


def test_a_reset_is_a_new_beginning(ask: Ask, sandbox: Handle, task: Task) -> None:
    """No faults, no skew, nothing counted."""
    sandbox.set_fault(Hang())
    sandbox.set_skew(9999)
    sandbox.start_again(task.task_id)
    sandbox.reset()
    assert sandbox.requests().total == 0
    assert ask(task).json()["success"] is True


def test_a_precheck_can_be_started_again_by_its_keeper(ask: Ask, sandbox: Handle, task: Task) -> None:
    """Under a new id, which the task's old one survives."""
    new_id = sandbox.start_again(task.task_id)
    again = Task(task.task_id, new_id, task.name)
    assert ask(again).json()["data"]["precheckTaskId"] == new_id
    assert ask(task).json()["success"] is True


def test_the_handle_has_what_a_client_needs(sandbox: Handle) -> None:
    """An address and an account."""
    assert sandbox.base_url.startswith("http://127.0.0.1:")
    assert (sandbox.access_key_id, sandbox.secret_key) == ("ak-sandbox-demo", SECRET_KEY)


def test_the_sandbox_serves_in_a_running_loop_too(sign: Sign) -> None:
    """By default the demo's tasks."""

    async def served() -> httpx.Response:
        async with Sandbox().serve() as running, httpx.AsyncClient(trust_env=False) as client:
            task = running.sandbox.tasks[0]
            query = {"taskId": task.task_id, "precheckTaskId": task.precheck_task_id}
            return await client.get(running.base_url + DATA_COMPARE_STATUS, params=query, headers=sign())

    assert asyncio.run(served()).json()["data"]["taskId"] == "cd-tg3isu1xgs"


def test_a_proxys_prefix_is_no_part_of_what_is_signed(sign: Sign) -> None:
    """Behind a proxy the API sees its own paths; outside of the prefix there is nothing."""
    with run_in_thread(Sandbox(path_prefix="/nd")) as sandbox, httpx.Client(trust_env=False) as client:
        assert sandbox.base_url.endswith("/nd")
        assert client.get(sandbox.base_url + NOW, headers=sign(NOW)).json()["success"] is True
        assert client.get(sandbox.base_url.removesuffix("/nd") + NOW, headers=sign(NOW)).status_code == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "::", "example.com", ""])
def test_only_loopback_is_served(host: str) -> None:
    """Its account is public: nobody else may reach it."""
    with pytest.raises(ValueError, match="loopback only"), run_in_thread(Sandbox(), host):
        pass


@pytest.mark.parametrize(
    ("host", "shown"),
    [("localhost", "http://127.0.0.1:"), ("127.0.0.2", "http://127.0.0.2:"), ("::1", "http://[::1]:")],
)
def test_any_address_of_loopback_will_do(host: str, shown: str) -> None:
    """The old family or the new."""
    if host == "::1" and not _has_ipv6():
        pytest.skip("this machine has no ::1")
    with run_in_thread(Sandbox(), host) as sandbox, httpx.Client(trust_env=False) as client:
        assert sandbox.base_url.startswith(shown)
        assert client.get(sandbox.base_url).status_code == 404


def test_a_taken_port_is_an_error(sandbox: Handle) -> None:
    """Raised where the sandbox is started, also out of its thread."""
    port = int(sandbox.base_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"), run_in_thread(Sandbox(), port=port):
        pass


def test_the_end_is_at_once_whoever_hangs(tasks: tuple[Task, ...]) -> None:
    """Idle connections and hanging requests are cut off."""
    with run_in_thread(Sandbox(tasks)) as sandbox:
        sandbox.set_fault(Hang())
        port = int(sandbox.base_url.rpartition(":")[2])
        idle = socket.create_connection(("127.0.0.1", port))
        hanging = socket.create_connection(("127.0.0.1", port))
        hanging.sendall(f"GET {NOW} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        while not sandbox.requests().in_flight:
            time.sleep(0.005)
        began = time.monotonic()
    assert time.monotonic() - began < 0.5
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox"]
    with idle, hanging:
        assert idle.recv(1) == b""
        assert hanging.recv(1) == b""


def test_tls_is_the_callers_context(sign: Sign) -> None:
    """Anonymous here, so that no certificate is needed."""
    with (
        run_in_thread(Sandbox(), ssl_context=_anonymous(ssl.PROTOCOL_TLS_SERVER)) as sandbox,
        httpx.Client(verify=_anonymous(ssl.PROTOCOL_TLS_CLIENT), trust_env=False) as client,
    ):
        assert sandbox.base_url.startswith("https://127.0.0.1:")
        assert client.get(sandbox.base_url + NOW, headers=sign(NOW)).json()["success"] is True


def test_the_end_is_at_once_during_a_handshake() -> None:
    """Who says nothing is cut off as well."""
    with run_in_thread(Sandbox(), ssl_context=_anonymous(ssl.PROTOCOL_TLS_SERVER)) as sandbox:
        silent = socket.create_connection(("127.0.0.1", int(sandbox.base_url.rpartition(":")[2])))
        time.sleep(0.02)
    with silent:
        assert silent.recv(1) == b""


def _anonymous(protocol: int) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # later versions have no anonymous ciphers
    context.set_ciphers("AECDH:@SECLEVEL=0")
    return context


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_texts_outside_ascii_are_sent_as_they_are(sign: Sign) -> None:
    """In UTF-8, readable on the wire."""
    with run_in_thread(Sandbox()) as sandbox, httpx.Client(trust_env=False) as client:
        task = next(task for task in sandbox.tasks if task.name == "members-cn")
        query = {"taskId": task.task_id, "precheckTaskId": task.precheck_task_id}
        answer = client.get(sandbox.base_url + DATA_COMPARE_STATUS, params=query, headers=sign())
    assert "连接源数据库失败".encode() in answer.content
    assert json.loads(answer.content)["data"]["status"] == "Failed"
