"""How far the fuzz tests look: in `make test` at a few examples that stay the same, in `make fuzz` at many new ones.

`FUZZ_EXAMPLES` is their number for each test; what fails is kept for the next time.
"""

import os

from hypothesis import HealthCheck, settings

_EVERYWHERE = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}

if examples := os.environ.get("FUZZ_EXAMPLES"):
    settings.register_profile("fuzz", max_examples=int(examples), print_blob=True, **_EVERYWHERE)  # type: ignore[arg-type]
else:
    settings.register_profile("fuzz", max_examples=200, derandomize=True, database=None, **_EVERYWHERE)  # type: ignore[arg-type]
settings.load_profile("fuzz")
