"""The signature is the documented one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from exporter.ninedata.signing import signature, timestamp_of

STATUS = "/openapi/v1/comparedata/precheck/status"
LIST = "/openapi/v1/replication/list"


@pytest.mark.parametrize(
    ("path", "timestamp", "expected"),
    [
        (STATUS, "2024-05-31T09:15:33Z", "0f4a3c7d29c210ccdf09e7f29fd2e1c5fb01ed82892cb28327ae7dab0a7368ca"),
        (STATUS, "2026-01-02T03:04:05Z", "e9cf9d11785149a99859ccd397212c662d5bc9e0d9141c43134fa70085c27049"),
        (LIST, "2026-01-02T03:04:05Z", "493717bc429cc72a814588a4d06eab8e32b80aa8820758f2d373bce74f336e02"),
    ],
)
def test_the_signature_is_a_plain_hash_of_path_secret_and_time(path: str, timestamp: str, expected: str) -> None:
    """Lower-case hex SHA-256 of PATH + "/" + SECRET_KEY + "&" + TIMESTAMP."""
    assert signature(path, "sk-example-0001", timestamp) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2024, 5, 31, 9, 15, 33, tzinfo=UTC), "2024-05-31T09:15:33Z"),
        (datetime(2024, 5, 31, 17, 15, 33, tzinfo=timezone(timedelta(hours=8))), "2024-05-31T09:15:33Z"),
        (datetime(2025, 12, 31, 22, 0, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30))), "2026-01-01T03:30:01Z"),
        (datetime(2024, 5, 31, 9, 15, 33, 999_999, tzinfo=UTC), "2024-05-31T09:15:33Z"),
    ],
    ids=["utc", "east", "west", "fraction"],
)
def test_the_timestamp_is_utc_in_whole_seconds(moment: datetime, expected: str) -> None:
    """Whatever zone this machine is in, and fractions cut off."""
    assert timestamp_of(moment) == expected
