"""Everything that can come in place of a good answer: it costs its own task one scrape, and nothing else."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from exporter.sandbox import Handle, fleet, run_in_thread
from exporter.sandbox.faults import (
    ApiError,
    Body,
    CutOff,
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
    Redirect,
    Reset,
)
from tests.program.process import Exporter, Launcher, canary_sandbox, until

MIB = 1024 * 1024
TASKS = 6
VICTIM = "cd-fleet-00003"
IN_PLACE_OF_STATUS = {
    "ninedata_precheck_up",
    "ninedata_precheck_query_failure_info",
    "ninedata_precheck_query_duration_seconds",
    "ninedata_precheck_info",
}


def html(text: str, status: int = 200) -> Body:
    return Body(content=f"<!doctype html><title>{text}</title>".encode(), status=status, content_type="text/html")


def bomb(size: int) -> Body:
    """Spaces that pack to a thousandth, packed beforehand: the sandbox is to be quick."""
    gzip = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    packed = b"".join(gzip.compress(b" " * MIB) for _ in range(size // MIB))
    return Body(content=packed + gzip.flush(), content_encoding="gzip")


def document(value: object) -> Body:
    return Body(content=json.dumps(value).encode())


# What comes, why the query failed for it, and how many requests were sent: another one is sent where that may help.
BAD_ANSWERS: dict[str, tuple[Fault, str, int]] = {
    "no JSON": (Body(content=b"success: true"), "invalid_response", 1),
    "JSON cut off": (Body(content=b'{"success": true, "data": {"status": "Succ'), "invalid_response", 1),
    "no text": (Body(content=bytes(range(256))), "invalid_response", 1),
    "text that is no UTF-8": (Body(content='{"success": "ß"}'.encode("latin-1")), "invalid_response", 1),
    "JSON nested beyond reason": (Body(content=b'{"success": true, "data": ' + b"[" * 25_000), "invalid_response", 1),
    "JSON of nothing but lists": (Body(content=b'{"success": true, "data": ' + b"[" * 100_000), "too_large", 1),
    "null": (document(None), "invalid_response", 1),
    "a number": (document(1e308), "invalid_response", 1),
    "a number with a million digits": (Body(content=b"9" * 1_000_000), "invalid_response", 1),
    "a list": (document([{"success": True}]), "invalid_response", 1),
    "an empty object": (document({}), "invalid_response", 1),
    "someone else's JSON": (document({"status": "UP"}), "invalid_response", 1),
    "success without data": (document({"success": True}), "invalid_response", 1),
    "success with null data": (document({"success": True, "data": None}), "invalid_response", 1),
    "success with a list as data": (document({"success": True, "data": []}), "invalid_response", 1),
    "check items that are no list": (Patch(data={"precheckItems": {"status": "Success"}}), "invalid_response", 1),
    "another task's precheck": (Patch(data={"taskId": "cd-fleet-00001"}), "invalid_response", 1),
    "another precheck": (Patch(data={"precheckTaskId": "pcte-fleet-00001"}), "invalid_response", 1),
    "an empty body": (Body(content=b""), "invalid_response", 1),
    "a web page": (html("Log in"), "unsupported", 1),
    "a web page that calls itself JSON": (Body(content=b"\n<html></html>"), "unsupported", 1),
    "no such path": (html("Not Found", 404), "unsupported", 1),
    "a method not allowed": (HttpStatus(status=405, body="empty"), "unsupported", 1),
    "compressed, which was not asked for": (Body(content=b"x", content_encoding="br"), "invalid_response", 1),
    "said to be compressed": (Body(content=b'{"success": true}', content_encoding="gzip"), "invalid_response", 1),
    "compressed and cut off": (Body(content=b"\x1f\x8b\x08\x00", content_encoding="gzip"), "invalid_response", 1),
    "a bomb of compressed data": (GzipBomb(size=16 * MIB), "too_large", 1),
    "a huge body": (Huge(size=1024 * MIB), "too_large", 1),
    "an endless body": (Endless(), "too_large", 1),
    "huge headers": (HugeHeaders(size=MIB), "too_large", 1),
    "no HTTP": (Garbage(), "invalid_response", 1),
    "half a body": (CutOff(), "connect", 2),
    "the connection closed": (Drop(), "connect", 2),
    "the connection reset": (Reset(), "connect", 2),
    "nothing": (Hang(), "timeout", 1),
    "a byte at a time": (Drip(seconds=0.2), "timeout", 1),
    "bad request": (HttpStatus(status=400, body="html"), "http_error", 1),
    "unauthorized": (HttpStatus(status=401, body="empty"), "auth", 1),
    "forbidden by a page": (HttpStatus(status=403, body="html"), "auth", 1),
    "not found by the API": (HttpStatus(status=404, body="json"), "not_found", 1),
    "a teapot": (HttpStatus(status=418, body="empty"), "http_error", 1),
    "a server error": (HttpStatus(status=500, body="html"), "http_error", 1),
    "a server error in JSON": (HttpStatus(status=500, body="json"), "http_error", 1),
    "a bad gateway": (HttpStatus(status=502, body="html"), "http_error", 2),
    "unavailable": (HttpStatus(status=503, body="empty"), "http_error", 2),
    "a gateway's timeout": (HttpStatus(status=504, body="json"), "http_error", 2),
    "a status without a meaning": (HttpStatus(status=599, body="empty"), "http_error", 1),
    "no content": (HttpStatus(status=204, body="empty"), "invalid_response", 1),
    "not modified": (HttpStatus(status=304, body="empty"), "http_error", 1),
    "refused": (ApiError(error_code="INTERNAL", message="please try again later"), "api_error", 1),
    "refused without a word": (ApiError(), "api_error", 1),
    "refused, not permitted": (ApiError(error_code="PERMISSION_DENY"), "auth", 1),
    "refused, not found": (ApiError(message="precheck task not found"), "not_found", 1),
}  # fmt: skip


@dataclass
class Ground:
    """One exporter for all rows, as it is in life."""

    sandbox: Handle
    exporter: Exporter
    descriptors_before: int
    memory_kib: int


@pytest.fixture(scope="module")
def ground(launch_for_module: Launcher) -> Iterator[Ground]:
    with run_in_thread(canary_sandbox(fleet(TASKS, items=3))) as sandbox:
        exporter = launch_for_module(sandbox, api={"request_timeout": "1500ms"})
        descriptors = exporter.descriptors()
        assert exporter.scrape().down == set()
        yield Ground(sandbox, exporter, descriptors, exporter.memory_kib("VmHWM"))


@pytest.fixture
def whole(ground: Ground) -> Iterator[Ground]:
    """The ground with a sandbox as at its start; whatever a test did, the next scrape is whole again."""
    ground.sandbox.reset()
    yield ground
    ground.sandbox.clear()
    scrape = ground.exporter.scrape()
    assert scrape.up == {task.task_id: 1 for task in ground.sandbox.tasks}
    assert scrape.reasons == {}
    assert set(scrape.statuses.values()) == {"Success"}


@pytest.mark.parametrize(("fault", "reason", "requests"), BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_a_bad_answer_costs_its_own_task_one_scrape(whole: Ground, fault: Fault, reason: str, requests: int) -> None:
    """The task is down with a fitting reason and without a status, all others are as ever."""
    whole.sandbox.set_fault(fault, VICTIM)
    scrape = whole.exporter.scrape(timeout=10)
    assert scrape.down == {VICTIM}
    assert scrape.reasons == {VICTIM: reason}
    assert scrape.families_of(VICTIM) == IN_PLACE_OF_STATUS
    assert set(scrape.statuses) == {task.task_id for task in whole.sandbox.tasks} - {VICTIM}
    assert whole.sandbox.requests().per_task[VICTIM] == requests


SURVIVED = {
    "a null status": (Patch(data={"status": None}), "Unknown", 3),
    "no status": (Patch(omit=("status",)), "Unknown", 3),
    "an unknown status": (Patch(data={"status": "Paused"}), "Unknown", 3),
    "a status that is no text": (Patch(data={"status": {"code": 3}}), "Unknown", 3),
    "a status in other case": (Patch(data={"status": "FAILED"}), "Failed", 3),
    "null check items": (Patch(data={"precheckItems": None}), "Success", 0),
    "no check items": (Patch(omit=("precheckItems",)), "Success", 0),
    "check items that are nothing": (Patch(data={"precheckItems": [None, 7, "x", {}]}), "Success", 4),
    "check items of the same name": (Patch(data={"precheckItems": [{"precheckItem": "a"}] * 3}), "Success", 3),
    "ids that are missing": (Patch(omit=("taskId", "precheckTaskId")), "Success", 3),
    "more than is documented": (Patch(data={"progress": 0.5, "children": [{}]}), "Success", 3),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "status", "items"), SURVIVED.values(), ids=SURVIVED.keys())
def test_an_odd_answer_is_understood(whole: Ground, fault: Fault, status: str, items: int) -> None:
    """What is missing, null or unknown in a precheck is no reason to be down, and no check item is lost."""
    whole.sandbox.set_fault(fault, VICTIM)
    scrape = whole.exporter.scrape()
    assert scrape.down == set()
    assert scrape.statuses[VICTIM] == status
    assert sum(s.value for s in scrape.samples("ninedata_precheck_items", task_id=VICTIM)) == items
    assert len(scrape.samples("ninedata_precheck_item_status", task_id=VICTIM)) == items


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(whole: Ground, status: int) -> None:
    """Another host sees nothing, for the signature would open the account there; the log names it for people."""
    with run_in_thread(canary_sandbox(fleet(TASKS))) as other:
        whole.sandbox.set_fault(Redirect(location=f"{other.base_url}/openapi/", status=status), VICTIM)
        scrape = whole.exporter.scrape()
        assert other.requests().connections == 0
    assert scrape.reasons == {VICTIM: "http_error"}
    assert f"redirected to {other.base_url}" in whole.exporter.page(f"/tasks/{VICTIM}")


def test_the_memory_stays_bounded(ground: Ground) -> None:
    """No answer makes the process grow, whatever its size claims, unpacks to, or turns out to be."""
    ground.sandbox.reset()
    for fault in (Endless(), Huge(size=1024 * MIB), bomb(256 * MIB), Body(content=b" " * (MIB - 1))):
        ground.sandbox.set_fault(fault)
        assert len(ground.exporter.scrape(timeout=20).down) == TASKS
    assert ground.exporter.memory_kib("VmHWM") < ground.memory_kib + 64 * 1024


def test_no_descriptors_are_left_over(ground: Ground) -> None:
    """After all that, there is at most one connection for each task of a scrape."""
    ground.sandbox.reset()
    ground.exporter.scrape()
    most = ground.descriptors_before + TASKS
    until(lambda: ground.exporter.descriptors() <= most, 5, f"at most {most} descriptors")


def test_the_process_never_met_an_error_of_its_own(ground: Ground) -> None:
    """Bad answers are warnings about tasks, never errors of the exporter."""
    assert [line for line in ground.exporter.log if line["level"] == "error"] == []
    assert ground.exporter.popen.poll() is None
