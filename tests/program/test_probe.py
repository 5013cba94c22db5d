"""/probe and /sd of the running exporter: one target per task, over real sockets."""

import socket
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from exporter.sandbox import Handle, demo_tasks, fleet, run_in_thread
from exporter.sandbox.faults import Hang
from tests.program.process import GRACE_SECONDS, Exporter, Launcher, canary_sandbox
from tests.program.scrape import Scrape

Serve = Callable[..., Handle]
ORDERS = "cd-tg3isu1xgs"
LEGACY = "cd-o0g6l3wt5s"


@pytest.fixture(scope="module")
def running(launch_for_module: Launcher) -> Iterator[tuple[Handle, Exporter]]:
    """A sandbox, and an exporter that also takes the ids of tasks that are not watched."""
    with run_in_thread(canary_sandbox(demo_tasks())) as sandbox:
        yield sandbox, launch_for_module(sandbox, probe={"allow_unlisted": True})


@pytest.fixture
def sandbox(running: tuple[Handle, Exporter]) -> Handle:
    """Behaves, and was asked nothing yet."""
    sandbox, _ = running
    sandbox.reset()
    return sandbox


@pytest.fixture
def exporter(running: tuple[Handle, Exporter]) -> Exporter:
    return running[1]


def probe(exporter: Exporter, query: str) -> Scrape:
    """The metrics that a probe gives."""
    answer = exporter.get(f"/probe?{query}")
    assert answer.status == 200, answer.text
    return Scrape.of_text(answer.text)


def sent(exporter: Exporter, request: bytes) -> bytes:
    """The answer to bytes as they are, until the connection is closed."""
    with socket.create_connection((exporter.host, exporter.port), timeout=30) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_every_listed_target_can_be_probed(exporter: Exporter, sandbox: Handle) -> None:
    """With the parameter that the list gives; together they say what one scrape of all tasks says."""
    targets = exporter.get("/sd").json
    assert {target["labels"]["task_id"] for target in targets} == {task.task_id for task in sandbox.tasks}
    whole = exporter.scrape()
    for target in targets:
        assert target["targets"] == [f"127.0.0.1:{exporter.port}"]
        labels = target["labels"]
        scrape = probe(exporter, f"task_id={labels['__param_task_id']}")
        assert scrape.up == {labels["task_id"]: whole.up[labels["task_id"]]}
        assert scrape.families_of(labels["task_id"]) == whole.families_of(labels["task_id"])
        assert scrape.samples("ninedata_exporter_build_info") == []


def test_the_list_of_targets_never_calls_the_api(launch: Launcher, sandbox: Handle) -> None:
    """However often it is asked for, also where tasks are to be discovered; the first scrape is what asks."""
    exporter = launch(sandbox, discovery={"replication": {"enabled": True}})
    for _ in range(5):
        exporter.get("/sd")
    assert sandbox.requests().total == 0
    assert sandbox.requests().connections == 0


def test_a_probe_asks_the_api_once(exporter: Exporter, sandbox: Handle) -> None:
    """About its task and nothing else."""
    probe(exporter, f"task_id={ORDERS}")
    assert sandbox.requests().per_task == {ORDERS: 1}
    assert sandbox.requests().total == 1


def test_a_query_that_fails_is_told_and_the_target_is_up(exporter: Exporter) -> None:
    scrape = probe(exporter, f"task_id={LEGACY}")
    assert scrape.up == {LEGACY: 0}
    assert scrape.reasons == {LEGACY: "not_found"}


@pytest.mark.parametrize("kind", ["data_compare", "schema_compare", "replication"])
def test_tasks_of_every_kind_are_probed_unlisted(launch: Launcher, serve: Serve, kind: str) -> None:
    """With the ids that the API needs for the kind."""
    (task,) = sandbox_tasks = fleet(1, kind=kind)
    exporter = launch(serve(*sandbox_tasks), tasks=(), probe={"allow_unlisted": True})
    precheck = f"&precheck_task_id={task.precheck_task_id}" if task.precheck_task_id else ""
    scrape = probe(exporter, f"task_id={task.task_id}&kind={kind}{precheck}")
    assert scrape.up == {task.task_id: 1}
    (info,) = scrape.samples("ninedata_precheck_info")
    assert (info.labels["kind"], info.labels["precheck_task_id"]) == (kind, task.precheck_task_id)


def test_shards_list_their_own_tasks_and_probe_any(launch: Launcher, serve: Serve) -> None:
    """So behind one address, whichever exporter a probe reaches answers it."""
    sandbox = serve(*fleet(20))
    shards = [launch(sandbox, f"--shard={index}/2") for index in range(2)]
    listed = [{target["labels"]["task_id"] for target in shard.get("/sd").json} for shard in shards]
    assert listed[0] | listed[1] == {task.task_id for task in sandbox.tasks}
    assert listed[0] & listed[1] == set()
    assert all(listed)
    for shard in shards:
        assert all(probe(shard, f"task_id={task_id}").up == {task_id: 1} for task_id in (*listed[0], *listed[1]))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "task_id=",
        f"task_id={ORDERS}&task_id={ORDERS}",
        f"task_id={ORDERS}%0d%0aHost:%20evil.example",
        f"task_id={ORDERS}%00",
        "task_id=%2e%2e%2f%2e%2e%2fopenapi",
        "task_id=/openapi/v1/user",
        "task_id=http://evil.example/",
        f"task_id={quote('cd-١٢٣')}",
        f"task_id={'x' * 10_000}",
        f"task_id={ORDERS}&kind=nothing",
        f"task_id={ORDERS}&precheck_task_id={'x' * 10_000}",
        "&".join(f"task_id={number}" for number in range(2_000)),
        "=&&=%&%zz&;",
    ],
)
def test_what_makes_no_sense_is_refused(exporter: Exporter, sandbox: Handle, query: str) -> None:
    """400 with a line of text, and nothing is asked."""
    answer = exporter.get(f"/probe?{query}")
    assert answer.status == 400
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("The parameter ")
    assert len(answer.text) < 120
    assert sandbox.requests().total == 0


def test_no_parameter_decides_which_host_is_called(exporter: Exporter, serve: Serve) -> None:
    """Another API is there to be called, and nobody calls."""
    other = serve(*demo_tasks())
    address = other.base_url.removeprefix("http://")
    for name in ("target", "host", "base_url", "url", "proxy_url", "api", "address", "instance", "__address__"):
        for value in (other.base_url, address, f"//{address}/", f"@{address}"):
            given = f"{name}={quote(value, safe='')}"
            exporter.get(f"/probe?task_id={ORDERS}&{given}")
            exporter.get(f"/probe?{given}")
            exporter.get(f"/probe?task_id={quote(value, safe='')}&{given}")
            exporter.get(f"/metrics?collect[]=exporter&{given}")
    exporter.get(f"/probe?task_id={ORDERS}", {"Host": address, "X-Forwarded-Host": address})
    assert other.requests().connections == 0


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /probe?task_id=cd-1\r\nX-Evil: 1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /probe?task_id=\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /probe?task_id=\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /sd HTTP/1.1\r\n\r\n",
        b"GET /sd HTTP/1.0\r\n\r\n",
        b"GET /sd HTTP/1.1\r\nHost: a:1\r\nHost: b:2\r\n\r\n",
        b"GET /sd HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        b"GET /sd HTTP/1.1\r\nHost: " + b"x" * 10_000 + b"\r\n\r\n",
    ],
)
def test_a_request_that_is_none_gets_400(exporter: Exporter, request_: bytes) -> None:
    """From the server or from the exporter itself; it goes on."""
    assert sent(exporter, request_).startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert exporter.get("/sd").status == 200


def test_a_probe_keeps_to_the_scrapers_timeout(launch: Launcher, sandbox: Handle) -> None:
    """As a scrape of all tasks does."""
    exporter = launch(sandbox, api={"request_timeout": "60s"})
    sandbox.set_fault(Hang(), ORDERS)
    answer = exporter.get(f"/probe?task_id={ORDERS}", {"X-Prometheus-Scrape-Timeout-Seconds": "1"})
    scrape = Scrape.of_text(answer.text)
    assert scrape.reasons == {ORDERS: "deadline"}
    assert scrape.value("ninedata_precheck_query_duration_seconds") < 0.5 + GRACE_SECONDS
