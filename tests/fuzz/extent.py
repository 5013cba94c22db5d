"""How many examples the fuzz tests look at."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "120"))
_BOUNDED = "FUZZ_EXAMPLES" not in os.environ
_COMMON = settings(
    max_examples=EXAMPLES,
    derandomize=_BOUNDED,  # what must not fail by chance
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
profile = settings(_COMMON, database=None) if _BOUNDED else _COMMON

costly = settings(profile, max_examples=max(EXAMPLES // 5, 1))
"""For tests of the whole program."""
