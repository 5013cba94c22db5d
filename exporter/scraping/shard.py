"""A shard: the share of the tasks that one of several exporters with the same configuration watches."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

MAX_SHARDS = 10_000


@dataclass(frozen=True, slots=True)
class Shard:
    """The `index`-th of `count` shards, from 0."""

    index: int = 0
    count: int = 1

    def has(self, task_id: str) -> bool:
        """Whether a task belongs to this shard; it belongs to exactly one of `count`."""
        return self.count == 1 or shard_of(task_id, self.count) == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_shard(text: str) -> Shard:
    """A shard from `I/N`, I from 0 to N-1. Raises ValueError, with what is wrong, for anything else."""
    match = re.fullmatch(r"(\d{1,5})/(\d{1,5})", text, re.ASCII)
    if match is None:
        raise ValueError("must be I/N, such as 0/3 for the first of three")
    index, count = int(match[1]), int(match[2])
    if not 1 <= count <= MAX_SHARDS:
        raise ValueError(f"must be of 1 to {MAX_SHARDS} shards")
    if index >= count:
        raise ValueError(f"must be I/N with I from 0 to {count - 1}")
    return Shard(index, count)


@lru_cache(maxsize=40_000)  # the same in every scrape, and slow to hash
def shard_of(task_id: str, count: int) -> int:
    """Which of `count` shards a task belongs to: jump consistent hashing (Lamping and Veach, 2014).

    When `count` grows by one, one task in `count + 1` moves, always to the new shard. The hash is part of what must
    agree between exporters, so it is one that does not change with the process or the version of Python.
    """
    key = int.from_bytes(hashlib.sha256(task_id.encode()).digest()[-8:])  # a Python in FIPS mode has no blake2
    shard, jump = 0, 0
    while jump < count:
        shard = jump
        key = (key * 2862933555777941757 + 1) % 2**64
        jump = int((shard + 1) * (2**31 / ((key >> 33) + 1)))
    return shard
