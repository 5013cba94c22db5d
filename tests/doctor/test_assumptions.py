"""What answers tell of what is assumed about the API: confirmed, wrong, or not seen."""

from datetime import UTC, datetime

import pytest

from exporter.config import Task
from exporter.doctor.assumptions import Evidence, assumptions
from exporter.doctor.contact import Asked
from exporter.doctor.finding import Level
from exporter.ninedata import CheckItem, Precheck, Reason, Replication, Status, TaskRef
from exporter.snapshot import QueryFailure, TaskResult

URL = "https://ninedata.example/nd"
SIZES = (
    "a precheck has at most 1000 check items and 400,000 characters of text, "
    "an answer at most 1 MiB, 30,000 brackets and 100,000 commas"
)


def answered(*items: str, kind: str = "data_compare", status: Status = Status.SUCCESS, word: str = "") -> TaskResult:
    """A task whose precheck has these items, the ones with a `!` in status Warning."""
    checked = (CheckItem(i.rstrip("!"), "", "", Status.WARNING if "!" in i else Status.SUCCESS, "") for i in items)
    return result(Precheck(status, tuple(checked), word or status.value), kind)


def failed(reason: Reason, message: str = "no", *, asked: bool = True) -> TaskResult:
    return result(QueryFailure(reason, message, asked=asked))


def result(outcome: Precheck | QueryFailure, kind: str = "data_compare") -> TaskResult:
    return TaskResult(Task(TaskRef(kind, "cd-1", ""), "orders"), outcome, 0.1, datetime.now(UTC))


def verdicts(
    *results: TaskResult, asked: tuple[Asked, ...] = (), listed: tuple[Replication, ...] = ()
) -> dict[str, tuple[Level, str]]:
    found = assumptions(Evidence(URL, asked, results, listed))
    assert all(bool(each.advice) is (each.level is Level.WARNING) for each in found)
    return {each.subject: (each.level, each.what) for each in found}


def test_without_an_answer_nothing_is_known() -> None:
    """A network in trouble confirms nothing and refutes nothing."""
    silence = Asked("data_compare", QueryFailure(Reason.TIMEOUT, "no complete answer within 5 s"))
    assert set(verdicts(asked=(silence,)).values()) == {(Level.SKIPPED, "not seen")}


@pytest.mark.parametrize(
    ("found", "claim", "verdict"),
    [
        (
            answered("a", "b"),
            "an answer is about the precheck that was asked for",
            (Level.OK, "1 prechecks answered, none as another one"),
        ),
        (
            failed(Reason.INVALID_RESPONSE, "the answer is about taskId 'cd-2', not about 'cd-1'"),
            "an answer is about the precheck that was asked for",
            (Level.WARNING, "the answer is about taskId 'cd-2', not about 'cd-1'"),
        ),
        (
            answered("a", "a#2"),
            "a check item's identifier is unique in its precheck",
            (Level.WARNING, "there is a#2"),
        ),
        (
            answered("a", "b"),
            "a check item's identifier is unique in its precheck",
            (Level.OK, "2 check items, none repeated"),
        ),
        (
            answered(status=Status.UNKNOWN, word="Paused"),
            "the words for a precheck's status are known",
            (Level.WARNING, "there is Paused"),
        ),
        (answered("a", "b!"), "check items can end in Warning", (Level.OK, "b does")),
        (answered("a"), "check items can end in Warning", (Level.SKIPPED, "not seen")),
        (
            answered("a", kind="replication"),
            "prechecks of replication tasks have the documented shape",
            (Level.OK, "1 check items read"),
        ),
        (
            failed(Reason.TOO_LARGE, "the answer is larger than 1024 KiB; not read further"),
            SIZES,
            (Level.WARNING, "the answer is larger than 1024 KiB; not read further"),
        ),
        (answered("a", "b"), SIZES, (Level.OK, "no more than 2 check items seen")),
        (failed(Reason.NOT_FOUND), "a precheck that is not there is recognised", (Level.OK, "no")),
        (failed(Reason.AUTH), "a refused key is recognised", (Level.OK, "no")),
        (failed(Reason.UNSUPPORTED), "a path that an old server does not know is recognised", (Level.OK, "no")),
        (failed(Reason.RATE_LIMITED), "too many requests are recognised", (Level.OK, "no")),
        (failed(Reason.RATE_LIMITED, asked=False), "too many requests are recognised", (Level.SKIPPED, "not seen")),
    ],
)
def test_one_answer(found: TaskResult, claim: str, verdict: tuple[Level, str]) -> None:
    """What it tells of an assumption."""
    assert verdicts(found)[claim] == verdict


@pytest.mark.parametrize("failure", [None, QueryFailure(Reason.NOT_FOUND, "precheck task not found")])
def test_an_accepted_key_confirms_host_and_signature(failure: QueryFailure | None) -> None:
    """Also one that asks for what is not there."""
    told = verdicts(asked=(Asked("data_compare", failure),))
    assert told["the console's host serves the API"] == (Level.OK, f"{URL}/openapi/... answered")
    signature = told["the signature is made of the /openapi path alone"]
    assert signature == (Level.OK, "accepted behind the path prefix /nd")


def test_the_list_of_replication_tasks() -> None:
    """Its number is to be compared by a person; a word for a status that is not documented is told."""
    listed = (Replication("rp-1", "orders", "running"), Replication("rp-2", "stock", "Hibernating"))
    told = verdicts(listed=listed)
    assert told["the list of replication tasks is read to its end"][0] is Level.OK
    status = told["the words for a replication task's status are known"]
    assert status == (Level.WARNING, "there is Hibernating")
    assert verdicts(listed=listed[:1])["the words for a replication task's status are known"] == (
        Level.OK,
        "seen: running",
    )
