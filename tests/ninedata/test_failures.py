"""The advice on each reason of a failed query. The golden scrape has all reasons, and all kinds of requests."""

import socket

import pytest

from exporter.ninedata import REQUEST_PATHS, Reason, advice_on
from exporter.ninedata.failures import words_of_system

TWO = "Multiple exceptions: [Errno 101] Network is unreachable, [Errno 111] Connect call failed ('10.1.2.3', 9999)"


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
