"""Shards: each task in exactly one, the same for every exporter, and few move when there is one more."""

from collections import Counter

import pytest

from exporter.scraping.shard import Shard, parse_shard, shard_of

NO_SHARDS = (
    *("", "0", "/", "1/", "/2", "-1/3", "0/-3", "0/3/4", " 0/3", "1 / 3", "0/3\n", "a/b", "0.5/3", "0/999999999"),
    "\uff10/\uff13",  # digits, but of another form
)
IDS = [f"cd-{number:05}" for number in range(10_000)]


@pytest.mark.parametrize(
    ("text", "shard"), [("0/1", Shard(0, 1)), ("2/3", Shard(2, 3)), ("9999/10000", Shard(9999, 10_000))]
)
def test_a_shard_is_written_as_i_of_n(text: str, shard: Shard) -> None:
    """I from 0."""
    assert parse_shard(text) == shard
    assert str(shard) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *[(text, "must be I/N, such as 0/3 for the first of three") for text in NO_SHARDS],
        ("0/0", "must be of 1 to 10000 shards"),
        ("0/10001", "must be of 1 to 10000 shards"),
        ("3/3", "must be I/N with I from 0 to 2"),
    ],
)
def test_what_is_no_shard(text: str, why: str) -> None:
    """The message says what would be one."""
    with pytest.raises(ValueError, match=f"^{why}$"):
        parse_shard(text)


@pytest.mark.parametrize("count", [1, 3, 10])
def test_shards_are_about_equal(count: int) -> None:
    """Within a tenth, of so many tasks."""
    sizes = Counter(shard_of(task_id, count) for task_id in IDS)
    assert set(sizes) == set(range(count))
    assert all(abs(size - len(IDS) / count) < 0.1 * len(IDS) / count for size in sizes.values())


@pytest.mark.parametrize("count", range(1, 13))
def test_one_shard_more_takes_its_share_and_nothing_else_moves(count: int) -> None:
    """All others stay where they are, with their series."""
    moved = [task_id for task_id in IDS if shard_of(task_id, count) != shard_of(task_id, count + 1)]
    assert {shard_of(task_id, count + 1) for task_id in moved} == {count}
    assert abs(len(moved) - len(IDS) / (count + 1)) < 0.1 * len(IDS) / (count + 1)


def test_the_share_never_changes() -> None:
    """It is part of what exporters of different versions, and different processes, must agree on."""
    task_ids = ("cd-tg3isu1xgs", "cc-th6j3fs58y", "rp-div0qqpbffio", "", "任务")
    assert [shard_of(task_id, 5) for task_id in task_ids] == [1, 3, 1, 1, 4]
    assert [shard_of(task_id, 1000) for task_id in task_ids] == [49, 379, 372, 259, 94]
