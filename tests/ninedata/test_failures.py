"""The closed set of reasons, and the advice on each."""

import socket

import pytest

from exporter.ninedata import KINDS, REQUEST_PATHS, Reason, advice_on
from exporter.ninedata.failures import words_of_system

TWO = "Multiple exceptions: [Errno 101] Network is unreachable, [Errno 111] Connect call failed ('10.1.2.3', 9999)"


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


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(111, "Connect call failed ('127.0.0.1', 9)"), "Connection refused"),
        (OSError(TWO), "Network is unreachable, Connection refused"),
        (OSError(111, "Multiple exceptions: [Errno 111] a, [Errno 111] b"), "Connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (ConnectionResetError("Cannot write to closing transport"), ""),
    ],
    ids=["one address", "two addresses", "two alike", "no address", "no reason"],
)
def test_a_connection_fails_in_the_words_of_the_system(error: OSError, words: str) -> None:
    """Not in those of asyncio, which show Python's own values."""
    assert words_of_system(error) == words
