"""Which of the listed replication tasks are watched."""

from collections.abc import Iterable

import pytest

from exporter.config import DiscoverySettings
from exporter.ninedata import ListedTask, Reason
from exporter.ninedata.task_lists import MAX_TASKS
from exporter.scraping.discovery import Discovery
from exporter.scraping.snapshot import QueryFailure
from tests.conftest import Lines
from tests.scraping.fakes import discovered, watch_list_of

FAILURE = QueryFailure(Reason.CONNECT, "refused")


def listed(*entries: tuple[str, str, str]) -> dict[str, ListedTask]:
    return {task_id: ListedTask(task_id, name, status) for task_id, name, status in entries}


ALL = listed(("rp-2", "orders-eu", "running"), ("rp-1", "orders-us", "Failed"), ("rp-3", "users", "running"))


@pytest.mark.parametrize(
    ("statuses", "names", "expected"),
    [
        pytest.param([], [], ["rp-1", "rp-2", "rp-3"], id="all"),
        pytest.param(["running"], [], ["rp-2", "rp-3"], id="one-status"),
        pytest.param(["failed", "running"], ["orders-*"], ["rp-1", "rp-2"], id="statuses-and-name"),
        pytest.param([], ["users", "orders-[e]*"], ["rp-2", "rp-3"], id="several-patterns"),
        pytest.param([], ["ORDERS-*"], [], id="case-of-names"),
        pytest.param([], ["orders-*", "!*-us"], ["rp-2"], id="wanted-and-excluded"),
        pytest.param([], ["!*-eu", "!users"], ["rp-1"], id="several-excluded"),
    ],
)
def test_selects_by_status_and_name(statuses: Iterable[str], names: Iterable[str], expected: list[str]) -> None:
    discovery = Discovery(DiscoverySettings("replication", frozenset(statuses), tuple(names), {"team": "dba"}))
    discovery.update(ALL, None, 0.1)
    assert [task.task_id for task in discovery.tasks] == expected
    assert all(task.labels == {"team": "dba"} and task.ref.kind == "replication" for task in discovery.tasks)


@pytest.mark.parametrize("reason", [Reason.CONNECT, Reason.RATE_LIMITED, Reason.TOO_LARGE])
def test_the_list_is_complete_when_it_was_read_whole_once(reason: Reason) -> None:
    """Pages that came before a failure are not the whole list."""
    discovery = Discovery(DiscoverySettings("replication"))
    failure, page = QueryFailure(reason, ""), listed(("rp-1", "one", "running"))
    complete = [
        discovery.update(found, failed, 0.1).complete
        for found, failed in (({}, failure), (page, failure), (page, None), ({}, failure))
    ]
    assert complete == [False, False, True, True]


def test_a_list_that_is_too_long_is_complete_with_as_many_tasks_as_are_read() -> None:
    """It stays too long: without any list Prometheus would never have a target."""
    discovery = Discovery(DiscoverySettings("replication"))
    too_long = listed(*((f"rp-{number:06}", "", "") for number in range(MAX_TASKS + 50)))
    assert discovery.update(too_long, QueryFailure(Reason.TOO_LARGE, ""), 0.1).complete
    assert len(discovery.known) == MAX_TASKS
    assert watch_list_of(discovery).most_requests() == MAX_TASKS + 100


@pytest.mark.parametrize(
    ("before", "after", "complete"),
    [([], ["running"], True), (["running"], ["running"], True), (["running"], ["running", "failed"], False)],
)
def test_a_reload_keeps_what_was_discovered(before: list[str], after: list[str], complete: object) -> None:
    """The list is complete if it was, and had every task that the new selection needs."""
    known = Discovery(DiscoverySettings("replication", frozenset(before)))
    assert not Discovery(DiscoverySettings("replication", frozenset(after)), known).complete
    known.update(ALL, None, 0.1)
    reloaded = Discovery(DiscoverySettings("replication", frozenset(after), ("users",)), known)
    assert [task.task_id for task in reloaded.tasks] == ["rp-3"]
    assert (reloaded.last is known.last, reloaded.complete) == (True, complete)


def test_a_name_has_no_backquote() -> None:
    """The dashboards quote names with it."""
    assert [task.name for task in discovered(listed(("rp-1", "a`b", "running"))).tasks] == ["a'b"]


def test_asks_the_server_for_a_status_only_if_it_is_the_only_one() -> None:
    """And if the list takes one."""
    assert Discovery(DiscoverySettings("replication", frozenset({"running"}))).status_filter == "running"
    assert Discovery(DiscoverySettings("replication", frozenset({"running", "failed"}))).status_filter is None
    assert Discovery(DiscoverySettings("schema_compare", frozenset({"running"}))).status_filter is None


def test_a_failed_listing_adds_what_it_found_and_drops_nothing() -> None:
    discovery = Discovery(DiscoverySettings("replication"))
    discovery.update(listed(("rp-1", "one", "running")), None, 0.1)
    result = discovery.update(listed(("rp-2", "two", "running")), FAILURE, 0.1)
    assert [task.task_id for task in result.tasks] == ["rp-1", "rp-2"]
    assert discovery.last == result


def test_logs_what_is_new_and_gone(lines: Lines) -> None:
    discovery = Discovery(DiscoverySettings("replication"))
    discovery.update(listed(("rp-1", "one", "running"), ("rp-2", "two", "running")), None, 0.1)
    for status in ("running", "failed"):
        discovery.update(listed(("rp-2", "two", "running"), ("rp-3", "three", status)), None, 0.1)
    assert [(line["tasks"], line["new"], line["gone"]) for line in lines()] == [(2, 2, 0), (2, 1, 1)]


def test_logs_when_it_begins_to_fail_and_when_it_recovers(lines: Lines) -> None:
    discovery = Discovery(DiscoverySettings("replication"))
    for failure in (None, FAILURE, FAILURE, QueryFailure(Reason.TIMEOUT, "too late"), None):
        discovery.update({}, failure, 0.1)
    assert [(line["msg"], line.get("reason")) for line in lines()] == [
        ("discovery failed; the tasks known so far stay watched", Reason.CONNECT),
        ("discovery failed; the tasks known so far stay watched", Reason.TIMEOUT),
        ("discovery succeeded again", None),
    ]
