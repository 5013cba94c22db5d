"""The open files that the process may have."""

import logging
import resource
from collections.abc import Iterator

import pytest

from exporter.listener import SPARE_FILES, allow_open_files


@pytest.fixture
def limit() -> Iterator[tuple[int, int]]:
    """The soft and the hard limit, put back afterwards."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield limits
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.usefixtures("limit")
def test_the_usual_soft_limit_is_raised_to_what_concurrency_needs(limit: tuple[int, int]) -> None:
    """Without root: up to the hard limit everybody may."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, limit[1]))
    allow_open_files(128)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (128 + SPARE_FILES, limit[1])


def test_a_limit_that_is_high_enough_stays(limit: tuple[int, int]) -> None:
    """It is the operator's."""
    allow_open_files(1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limit


def test_a_hard_limit_that_is_too_low_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With what to do; what fits is used."""
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 512))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    with caplog.at_level(logging.WARNING):
        allow_open_files(1024)
    assert raised == [(512, 512)]
    assert "lower it or raise the limit (LimitNOFILE)" in caplog.text
