"""Who is let in: the documented signature, within ten minutes, from the one known account."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from exporter.sandbox.access import Access, RefusedError, signature
from exporter.sandbox.catalogue import ACCESS_KEY_ID, SECRET_KEY
from exporter.sandbox.messages import Request

STATUS = "/openapi/v1/comparedata/precheck/status"
LIST = "/openapi/v1/replication/list"


@pytest.fixture
def access() -> Access:
    return Access(ACCESS_KEY_ID, SECRET_KEY)


@pytest.mark.parametrize(
    ("path", "timestamp", "expected"),
    [
        (STATUS, "2024-05-31T09:15:33Z", "0f4a3c7d29c210ccdf09e7f29fd2e1c5fb01ed82892cb28327ae7dab0a7368ca"),
        (STATUS, "2026-01-02T03:04:05Z", "e9cf9d11785149a99859ccd397212c662d5bc9e0d9141c43134fa70085c27049"),
        (LIST, "2026-01-02T03:04:05Z", "493717bc429cc72a814588a4d06eab8e32b80aa8820758f2d373bce74f336e02"),
    ],
)
def test_the_signature_is_a_plain_hash_of_path_secret_and_time(path: str, timestamp: str, expected: str) -> None:
    """Lower-case hex SHA-256 of PATH + "/" + SECRET + "&" + TIMESTAMP."""
    assert signature(path, "sk-example-0001", timestamp) == expected


@pytest.mark.parametrize("late", [-600, 0, 600])
def test_a_signed_request_passes_within_ten_minutes(
    access: Access, request_at: Callable[..., Request], now: Callable[[], float], late: float
) -> None:
    """Either clock may be ahead."""
    access.check(request_at(), now() + late)


@pytest.mark.parametrize("late", [-601, 601])
def test_a_timestamp_outside_of_ten_minutes_is_refused(
    access: Access, request_at: Callable[..., Request], now: Callable[[], float], late: float
) -> None:
    """A captured signature does not last."""
    with pytest.raises(RefusedError, match="more than 10 minutes"):
        access.check(request_at(), now() + late)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"access-key-id": ""}, "header access-key-id is missing"),
        ({"access-key-id": "ak-other"}, "unknown access key"),
        ({"timestamp": ""}, "header timestamp is missing"),
        ({"timestamp": "2026-01-02 03:04:05"}, "timestamp is not of the form"),
        ({"timestamp": "2026-01-02T03:04:05+00:00"}, "timestamp is not of the form"),
        ({"timestamp": "2026-13-02T03:04:05Z"}, "timestamp is not of the form"),
        ({"timestamp": "2026-01-02T03:04:06Z"}, "wrong signature"),
        ({"signature": ""}, "header signature is missing"),
        ({"signature": "0" * 64}, "wrong signature"),
        ({"signature": "ä"}, "wrong signature"),
    ],
)
def test_each_wrong_header_has_its_own_message(
    access: Access,
    request_at: Callable[..., Request],
    now: Callable[[], float],
    changed: dict[str, str],
    message: str,
) -> None:
    """A client's author learns what to mend."""
    request = request_at()
    with pytest.raises(RefusedError, match=message):
        access.check(replace(request, headers={**request.headers, **changed}), now())


def test_a_signature_holds_for_its_path_alone(
    access: Access, request_at: Callable[..., Request], now: Callable[[], float]
) -> None:
    """It is signed without host and query, but with the path."""
    with pytest.raises(RefusedError, match="wrong signature"):
        access.check(replace(request_at(), path=LIST), now())


def test_the_secret_is_not_in_the_representation(access: Access) -> None:
    """Not even a fake one."""
    assert SECRET_KEY not in repr(access)
