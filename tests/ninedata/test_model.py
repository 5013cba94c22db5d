"""The API's words for a status."""

import pytest

from exporter.ninedata import Status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        # data and schema comparison
        ("Unstarted", "Unstarted"),
        ("Running", "Running"),
        ("Failed", "Failed"),
        ("Success", "Success"),
        # replication
        ("success", "Success"),
        ("warning", "Warning"),
        ("failure", "Failed"),
        # any case, white space around
        ("SUCCESS", "Success"),
        ("FAILED", "Failed"),
        ("Warning", "Warning"),
        ("rUnNiNg", "Running"),
        ("\tunstarted \n", "Unstarted"),
        # nothing that we know
        ("", "Unknown"),
        (" ", "Unknown"),
        ("Unknown", "Unknown"),
        ("null", "Unknown"),
        ("Succeeded", "Unknown"),
        ("Suc cess", "Unknown"),
        ("preChecking", "Unknown"),
        ("成功", "Unknown"),
        ("0", "Unknown"),
    ],
)
def test_words_are_known_in_any_case_and_all_others_are_unknown(word: str, status: str) -> None:
    """Replication's words for the same thing included."""
    assert Status.of_word(word) == status


def test_the_statuses_are_the_published_ones() -> None:
    """Dashboards and alert rules rely on this set."""
    assert [*Status] == ["Unstarted", "Running", "Success", "Warning", "Failed", "Unknown"]


def test_items_that_failed_or_warn_need_attention() -> None:
    """They alone carry a reason and a remediation."""
    assert {status for status in Status if status.needs_attention} == {"Failed", "Warning"}
