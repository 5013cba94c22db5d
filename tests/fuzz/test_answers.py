"""Whatever the API answers is understood, or fails for a known reason; what is exported of it can be parsed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from exporter.config import Task
from exporter.metrics import choose_format, render
from exporter.ninedata import KINDS, LISTS, Precheck, QueryError, TaskRef
from exporter.ninedata.answers import MAX_ENTRIES, read_envelope, read_precheck
from exporter.ninedata.task_answers import read_execution, read_state
from exporter.ninedata.task_lists import Page, read_page
from exporter.ninedata.text import MAX_NAME, MAX_TEXT, is_printable
from exporter.scraping.snapshot import QueryFailure, QueryResult, Snapshot
from tests.fuzz.inputs import SECRETS, bodies, header_texts, statuses, texts

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OPENMETRICS = "application/openmetrics-text;version=1.0.0"

headers = st.dictionaries(st.sampled_from(["date", "retry-after", "location", "content-type"]), header_texts)
answers = st.tuples(statuses, headers, bodies)

A = TypeVar("A")
Answer = tuple[int, dict[str, str], bytes]


def assert_clean(text: str, limit: int) -> None:
    assert len(text) <= limit
    assert is_printable(text.replace("\n", "").replace("\t", ""))
    assert not any(secret in text for secret in SECRETS)


def outcome_of(read: Callable[[], A]) -> A | QueryFailure:
    """What is read, or a failure that people can read."""
    try:
        return read()
    except QueryError as error:
        failed = error
    assert_clean(failed.message, 2000)
    assert_clean(failed.request_id, MAX_NAME)
    assert 0 <= failed.hold_seconds <= 300
    return QueryFailure.of(failed)


def assert_exported(snapshot: Snapshot, up: str, name: str) -> None:
    """Both formats are read back; `up` says whether the one query was answered."""
    (result,) = (*snapshot.prechecks, *snapshot.states)
    for accept, read in (("", text_parser), (OPENMETRICS, openmetrics_parser)):
        text = render(snapshot, None, choose_format(accept)).decode()
        samples = [each for family in read.text_string_to_metric_families(text) for each in family.samples]
        found = [(sample.labels["task"], sample.value) for sample in samples if sample.name == up]
        assert found == [(name, float(result.up))]


@given(answers, st.sampled_from(sorted(KINDS)), texts)
def test_any_answer_about_a_precheck(answer: Answer, kind: str, name: str) -> None:
    """A precheck or a failure, clean and without secrets; its series are read back by prometheus-client."""
    task = Task(TaskRef(kind, "cd-1", "pcte-1"), name.encode("utf-8", "replace").decode() or "x", {"team": 'a"\\\n'})
    outcome = outcome_of(lambda: read_precheck(read_envelope(*answer, NOW, SECRETS), KINDS[kind], task.ref))
    if isinstance(outcome, Precheck):
        assert len({item.item for item in outcome.items}) == len(outcome.items) <= MAX_ENTRIES
        for item in outcome.items:
            for text in (item.item, item.name, item.description, item.message):
                assert_clean(text, MAX_TEXT)
        assert_clean(outcome.status_word, MAX_NAME)
    assert_exported(Snapshot((QueryResult(task, outcome, 0.25, NOW),)), "ninedata_precheck_up", task.name)


@given(answers, answers, st.sampled_from(sorted(KINDS)), texts)
def test_any_answer_about_a_task_itself(answer: Answer, later: Answer, kind: str, name: str) -> None:
    """The same of its state, and of the answer about its latest execution."""
    task = Task(TaskRef(kind, "cd-1", ""), name.encode("utf-8", "replace").decode() or "x")
    outcome = outcome_of(lambda: read_state(read_envelope(*answer, NOW, SECRETS), KINDS[kind], task.ref))
    known = None if isinstance(outcome, QueryFailure) else outcome
    if known:
        assert len({subtask.name for subtask in known.subtasks}) == len(known.subtasks) <= MAX_ENTRIES
        for text in (known.status_word, known.execution_id, *(subtask.name for subtask in known.subtasks)):
            assert_clean(text, MAX_NAME)
        execution = outcome_of(lambda: read_execution(read_envelope(*later, NOW, SECRETS), KINDS[kind], task.ref))
        outcome = execution
        if not isinstance(execution, QueryFailure):
            outcome = known._replace(execution=execution, error=known.error or execution.error)
            assert_clean(outcome.error, MAX_TEXT)
    snapshot = Snapshot((), (QueryResult(task, outcome, 0.25, NOW, known),))
    assert_exported(snapshot, "ninedata_task_up", task.name)


@given(answers, st.sampled_from(sorted(LISTS)))
def test_any_page_of_a_list(answer: Answer, kind: str) -> None:
    """Tasks with ids and clean names, or a failure."""
    page = outcome_of(lambda: read_page(read_envelope(*answer, NOW, SECRETS), LISTS[kind]))
    for task in page.entries if isinstance(page, Page) else ():
        assert_clean(task.name, MAX_NAME)
        assert_clean(task.status, MAX_NAME)
