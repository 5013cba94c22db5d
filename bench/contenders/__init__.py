"""What is measured side by side."""

from bench.contenders.blackbox import blackbox
from bench.contenders.contender import Case, Contender, Run, Starter
from bench.contenders.floor import floor
from bench.contenders.scraped import exporter, script

__all__ = ["Case", "Contender", "Run", "Starter", "blackbox", "exporter", "floor", "script"]
