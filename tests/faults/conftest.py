"""Fixtures: an exporter behind a network that breaks, and machines with faults."""

import pytest

from tests.faults.tampering import Tampering


@pytest.fixture
def tampering(tmp_path_factory: pytest.TempPathFactory) -> Tampering:
    """Faults of the machine, for one exporter."""
    return Tampering(tmp_path_factory.mktemp("machine"))
