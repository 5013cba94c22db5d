"""How far the fuzz tests look: in `make test` at a few examples that stay the same, in `make fuzz` at many new ones.

`FUZZ_EXAMPLES` is their number for each test; what fails is kept for the next time.
"""

from hypothesis import settings

from tests.fuzz.extent import profile

settings.register_profile("fuzz", profile)
settings.load_profile("fuzz")
