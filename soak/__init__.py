"""A long run with faults in the mix, which shows whether anything grows. `make soak` runs it."""
