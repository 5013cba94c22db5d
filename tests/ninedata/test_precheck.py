"""The API's words for a status."""

import pytest

from exporter.ninedata import Status

WORDS = {
    "Unstarted": "Unstarted UNSTARTED unstarted",
    "Running": "Running rUnNiNg",
    "Success": "Success success SUCCESS",
    "Warning": "warning Warning",
    "Failed": "Failed failure FAILED",
    "Unknown": "Unknown null Succeeded preChecking 成功 0",
}


@pytest.mark.parametrize("status", WORDS)
def test_words_are_known_in_any_case_and_all_others_are_unknown(status: str) -> None:
    """Replication's words for the same thing included."""
    assert {Status.of_word(f" {word}\n") for word in WORDS[status].split()} == {Status(status)}
