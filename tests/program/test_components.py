"""What the tests do where a real component is missing."""

import pytest

from tests.program.components import component


def test_a_missing_component_fails_in_ci(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    """There, tests that were not run must not pass for tests that passed."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is missing: make components"):
        component("no-such-program", pytestconfig)
