"""The socket on which the exporter listens, and the open files that the process may have."""

import logging
import resource
import socket
from collections.abc import Iterator

import pytest

from exporter.listener import SPARE_FILES, Address, allow_open_files, listen


@pytest.mark.parametrize("host", ["", "127.0.0.1"])
def test_no_part_of_an_answer_waits_for_an_acknowledgement(host: str) -> None:
    """Nagle's algorithm is off on every accepted connection, or each scrape would take 40 ms more."""
    with listen(Address(host, 0)) as listening, socket.create_connection(("127.0.0.1", listening.getsockname()[1])):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


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
