"""The closed set of reasons, and the advice on each."""

import pytest

from exporter.ninedata import KINDS, REQUEST_PATHS, Reason, advice_on


def test_the_reasons_are_the_published_ones() -> None:
    """They are values of a label: dashboards and alert rules rely on this set."""
    assert " ".join(sorted(Reason)) == (
        "api_error auth connect deadline http_error internal invalid_response not_found rate_limited timeout tls "
        "too_large unsupported"
    )


def test_the_kinds_are_the_published_ones() -> None:
    """The default first; only replication has no precheck id."""
    assert [*KINDS] == ["data_compare", "schema_compare", "replication"]
    assert [*REQUEST_PATHS] == [*KINDS, *(f"{kind}_task" for kind in KINDS), "schema_compare_list", "replication_list"]
    assert [kind.has_precheck_id for kind in KINDS.values()] == [True, True, False]


@pytest.mark.parametrize("kind", REQUEST_PATHS)
def test_every_failure_has_advice(kind: str) -> None:
    """It names the part of the API that a server lacks, and a precheck's id only where there is one."""
    advice = {reason: advice_on(reason, kind) for reason in Reason}
    assert all(text.endswith(".") for text in advice.values())
    assert REQUEST_PATHS[kind] in advice[Reason.UNSUPPORTED]
    assert ("precheck_task_id" in advice[Reason.NOT_FOUND]) is kind.endswith("_compare")
