"""`make test` tries a few examples that stay the same; `FUZZ_EXAMPLES=N` tries N new ones per test."""

import os

from hypothesis import HealthCheck, settings

_EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
settings.register_profile(
    "fuzz",
    max_examples=int(_EXAMPLES or 100),
    derandomize=_EXAMPLES is None,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("fuzz")
