"""A benchmark of the exporter, of the least that its requests cost, and of what one would use in its place.

`make bench` runs it; docs/performance.md has its results.
"""
