"""What is advised about a failure, where it depends on what was asked."""

import pytest

from exporter.ninedata import ADVICE, KINDS, LIST_NAME, REQUEST_KINDS, Reason, advice_on


def test_everything_that_is_asked_has_a_name_of_its_own() -> None:
    """The kinds of precheck, and the list."""
    assert REQUEST_KINDS == ("data_compare", "schema_compare", "replication", "replication_list")


@pytest.mark.parametrize("kind", REQUEST_KINDS)
@pytest.mark.parametrize("reason", Reason)
def test_every_failure_has_advice(kind: str, reason: Reason) -> None:
    """In sentences."""
    assert advice_on(reason, kind).endswith(".")


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("data_compare", "/openapi/v1/comparedata/precheck/status, which prechecks of data comparisons need"),
        ("schema_compare", "/openapi/v1/compareschema/precheck/status, which prechecks of schema comparisons need"),
        ("replication", "/openapi/v1/replication/precheck/status, which prechecks of replication tasks need"),
        ("replication_list", "/openapi/v1/replication/list, which lists of replication tasks need"),
    ],
)
def test_a_server_that_lacks_a_part_is_named_with_it(kind: str, part: str) -> None:
    """And that a newer release may be needed."""
    advice = advice_on(Reason.UNSUPPORTED, kind)
    assert f"The server does not answer at {part}." in advice
    assert "the server is too old" in advice
    assert "upgrade to the latest one" in advice


def test_a_replication_task_has_no_precheck_id_to_look_at() -> None:
    """Where there is none, none is spoken of."""
    assert "precheck_task_id" not in advice_on(Reason.NOT_FOUND, "replication")
    for kind in ("data_compare", "schema_compare"):
        assert "precheck_task_id" in advice_on(Reason.NOT_FOUND, kind)


@pytest.mark.parametrize("reason", [Reason.AUTH, Reason.NOT_FOUND, Reason.TOO_LARGE])
def test_a_list_is_no_precheck(reason: Reason) -> None:
    """What is advised about the list speaks of neither a task's id nor a precheck's size."""
    advice = advice_on(reason, LIST_NAME)
    assert advice != ADVICE[reason]
    assert "task_id" not in advice


def test_all_else_is_the_same_for_all() -> None:
    for kind in KINDS:
        for reason in set(Reason) - {Reason.UNSUPPORTED, Reason.NOT_FOUND}:
            assert advice_on(reason, kind) == ADVICE[reason]
