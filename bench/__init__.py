"""A benchmark of the exporter, next to raw aiohttp that sends the same requests. `make bench` runs it."""
