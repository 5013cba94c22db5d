"""How long the exporter takes to start."""

import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from bench.contenders import Case, exporter
from bench.contenders.scraped import configuration
from bench.maths import Spread, spread
from bench.measure import serving
from bench.processes import python, seconds_to_end

CASE = Case(tasks=10, latency_seconds=0.0, concurrency=32)

VERSION, CHECK, SCRAPE = "`--version`", "`--config.check`", "start to the end of the first scrape"
START_SECONDS = {VERSION: 0.3, CHECK: 0.3, SCRAPE: 1.0}
"""What is to be reached."""


def startup(rounds: int) -> dict[str, Spread]:
    """Seconds for each way to start it."""
    with TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        config = folder / "checked.yaml"
        config.write_text(yaml.safe_dump(configuration(CASE, "http://127.0.0.1:1")), "utf-8")
        ways = {
            VERSION: partial(seconds_to_end, python("-m", "exporter", "--version")),
            CHECK: partial(seconds_to_end, python("-m", "exporter", "--config.check", f"--config.file={config}")),
            SCRAPE: partial(_first_scrape, folder),
        }
        return {way: spread([measured() for _ in range(rounds)]) for way, measured in ways.items()}


def _first_scrape(folder: Path) -> float:
    with serving(CASE, folder) as api:
        began = time.perf_counter()
        with exporter(CASE, api.url, folder) as started:
            started.run()
            return time.perf_counter() - began
