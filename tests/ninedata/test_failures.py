"""The closed set of reasons, and the advice on each."""

import pytest

from exporter.ninedata import KINDS, LIST_NAME, REQUEST_KINDS, Reason, advice_on


def test_the_reasons_are_the_published_ones() -> None:
    """They are values of a label: dashboards and alert rules rely on this set."""
    assert " ".join(sorted(Reason)) == (
        "api_error auth connect deadline http_error internal invalid_response not_found rate_limited timeout tls "
        "too_large unsupported"
    )


def test_the_kinds_are_the_published_ones() -> None:
    """The default first; only replication has no precheck id."""
    assert REQUEST_KINDS == ("data_compare", "schema_compare", "replication", "replication_list")
    assert [kind.has_precheck_id for kind in KINDS.values()] == [True, True, False]


@pytest.mark.parametrize("kind", REQUEST_KINDS)
@pytest.mark.parametrize("reason", Reason)
def test_every_failure_has_advice(kind: str, reason: Reason) -> None:
    assert advice_on(reason, kind).endswith(".")


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_without_a_part_of_the_api_is_told_which(kind: str) -> None:
    assert KINDS[kind].path in advice_on(Reason.UNSUPPORTED, kind)
    assert "/openapi/v1/replication/list" in advice_on(Reason.UNSUPPORTED, LIST_NAME)


def test_only_a_task_with_a_precheck_id_is_advised_to_check_it() -> None:
    advised = [kind for kind in REQUEST_KINDS if "precheck_task_id" in advice_on(Reason.NOT_FOUND, kind)]
    assert advised == ["data_compare", "schema_compare"]
