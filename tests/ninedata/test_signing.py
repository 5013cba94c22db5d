"""The signature is the documented one."""

from datetime import datetime, timedelta, timezone

import pytest

from exporter.ninedata.signing import signature, timestamp_of

STATUS = "/openapi/v1/comparedata/precheck/status"


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2024-05-31T09:15:33Z", "0f4a3c7d29c210ccdf09e7f29fd2e1c5fb01ed82892cb28327ae7dab0a7368ca"),
        ("2026-01-02T03:04:05Z", "e9cf9d11785149a99859ccd397212c662d5bc9e0d9141c43134fa70085c27049"),
    ],
)
def test_the_signature_is_a_plain_hash_of_path_secret_and_time(timestamp: str, expected: str) -> None:
    """Lower-case hex SHA-256 of PATH + "/" + SECRET_KEY + "&" + TIMESTAMP."""
    assert signature(STATUS, "sk-example-0001", timestamp) == expected


@pytest.mark.parametrize(("hours", "expected"), [(0, "2025-12-31T22:00:01Z"), (-5.5, "2026-01-01T03:30:01Z")])
def test_the_timestamp_is_utc_in_whole_seconds(hours: float, expected: str) -> None:
    """Whatever zone this machine is in, and fractions cut off."""
    zone = timezone(timedelta(hours=hours))
    assert timestamp_of(datetime(2025, 12, 31, 22, 0, 1, 999_999, tzinfo=zone)) == expected
