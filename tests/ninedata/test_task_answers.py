"""The API's answers about tasks themselves: the documented ones, and as they vary."""

from datetime import UTC, datetime

import pytest

from exporter.ninedata import KINDS, Execution, QueryError, Subtask, TaskState, TaskStatus
from exporter.ninedata.task_answers import number_of, read_execution, read_state
from tests.ninedata.fake_api import TASKS

S = TaskStatus
TASK = {
    "id": "cd-tg3isu1xgs",
    "lastExecId": 285324,
    "status": "success",
    "name": "orders",
    "isDeleted": False,
    "errMsg": "",
}
REPLICATION = {
    "replicationId": "rp-div0qqpbffio",
    "status": "running",
    "currentSubTaskType": "inc_writer",
    "subTaskList": [
        {"subTaskType": "full", "status": "running", "percent": 37.5},
        {"subTaskType": "inc_writer", "status": "running", "percent": 0.0, "delay": 672},
        {"subTaskType": "trigger", "status": "notStarted", "percent": 0.0},
    ],
}
SUBTASKS = (
    Subtask("full", S.RUNNING, 0.375),
    Subtask("inc_writer", S.RUNNING, 0.0, 0.672),
    Subtask("trigger", S.NOT_STARTED, 0.0),
)
ODD = [{"status": None}, "x", {"subTaskType": " a\n", "percent": "250", "delay": "1500"}, {"subTaskType": "a"}]
FAILED, MASKED = (f"cannot read mysql://root:{password}@db" for password in ("hunter2hunter2", "***"))
STATES: dict[str, tuple[str, dict[str, object], TaskState]] = {
    "comparison": ("data_compare", TASK, TaskState(S.SUCCESS, "success", execution_id="285324")),
    "nothing known": ("data_compare", {"lastExecId": None, "status": None}, TaskState(S.UNKNOWN)),
    "failed": (
        "schema_compare",
        {"status": "FAILED", "errMsg": FAILED, "lastExecId": " 9\n", "isDeleted": "false"},
        TaskState(S.FAILED, "FAILED", MASKED, "9"),
    ),
    "replication's word": ("data_compare", {"status": " locked\n", "lastExecId": 0}, TaskState(S.UNKNOWN, "locked")),
    "replication": ("replication", REPLICATION, TaskState(S.RUNNING, "running", subtasks=SUBTASKS)),
    "odd subtasks": (
        "replication",
        {"status": 5, "subTaskList": ODD, "lastExecId": 7},
        TaskState(
            S.UNKNOWN,
            "5",
            subtasks=(
                Subtask("subtask_1", S.UNKNOWN),
                Subtask("subtask_2", S.UNKNOWN),
                Subtask("a", S.UNKNOWN, 1.0, 1.5),
                Subtask("a#4", S.UNKNOWN),
            ),
        ),
    ),
}


@pytest.mark.parametrize(("kind", "data", "state"), STATES.values(), ids=STATES)
def test_a_task_itself(kind: str, data: dict[str, object], state: TaskState) -> None:
    """Its fields stand in `data`, as the examples have it, or at the top level, as an older page has it."""
    named = {KINDS[kind].state_task_key: TASKS[kind].task_id, **data}
    for fields in ({"data": named, KINDS[kind].state_task_key: "x"}, named):
        envelope = {"success": True, "requestId": "r-1", **fields}
        assert read_state(envelope, KINDS[kind], TASKS[kind]) == state._replace(request_id="r-1")


WORDS = "createSuccess notStarted preChecking preCheckSuccess preCheckFailed starting running success failed stopped "
WORDS += "suspended abnormal locked"


def test_the_documented_words_and_no_others_are_statuses() -> None:
    """In any case; a comparison has fewer of them."""
    statuses = [status for status in TaskStatus if status is not S.UNKNOWN]
    for kind in KINDS.values():
        expected = [status if status in kind.statuses else S.UNKNOWN for status in statuses]
        assert [S.of_word(f" {word.upper()}\n", kind.statuses) for word in WORDS.split()] == expected
    assert {S.of_word(word, list(S)) for word in ("unknown", "", "null", "成功")} == {S.UNKNOWN}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"id": "cd-2", "status": "success"}, "the answer is about id 'cd-2', not about 'cd-tg3isu1xgs'"),
        ({"id": "cd-tg3isu1xgs", "isDeleted": "true"}, "the task is deleted in NineData"),
        ("success", "the answer's data is not an object"),
    ],
)
def test_what_is_no_answer_about_the_task(data: object, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        read_state({"requestId": "r-1", "data": data}, KINDS["data_compare"], TASKS["data_compare"])
    assert (caught.value.message, caught.value.request_id) == (message, "r-1")
    assert bool(caught.value.advice) is ("deleted" in message)


EXECUTION = {
    "id": 285324,
    "taskId": "cd-tg3isu1xgs",
    "status": "running",
    "createTime": "2026-04-09 06:40:15Z",
    "updateTime": "2026-04-09 06:45:15",
    "onlySourceRows": 3,
    "onlyTargetRows": "0",
    "differenceRows": None,
    "skipTableCount": "5",
    "errorMessage": FAILED,
}


def test_an_execution() -> None:
    """Times are in UTC, with or without the Z, and no numbers; what the API does not tell stays unknown."""
    kind, task = KINDS["data_compare"], TASKS["data_compare"]
    assert read_execution({"data": EXECUTION}, kind, task) == Execution(
        S.RUNNING,
        only_source=3,
        only_target=0,
        skipped_tables=5,
        started_at=datetime(2026, 4, 9, 6, 40, 15, tzinfo=UTC),
        updated_at=datetime(2026, 4, 9, 6, 45, 15, tzinfo=UTC),
        error=MASKED,
    )
    odd = {"status": "failed", "createTime": "0001-01-01 00:00:00+14:00", "updateTime": 1736121600000}
    assert read_execution({"data": odd}, kind, task) == Execution(S.FAILED)
    with pytest.raises(QueryError, match="about taskId 'cd-tg3isu1xgs', not about 'cc-th6j3fs58y'"):
        read_execution({"data": EXECUTION}, KINDS["schema_compare"], TASKS["schema_compare"])


@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7), (0.5, 0.5), ("12", 12), (" 1e3 ", 1000)]
    + [(value, None) for value in (None, True, -1, "-3", "many", "", float("nan"), "inf", 10**400, [1])],
    ids=lambda value: ascii(value)[:20],
)
def test_numbers_and_what_is_none(value: object, number: float | None) -> None:
    """A number that means nothing must not become a 0, or a fault of all the rest."""
    assert number_of(value) == number
