"""Whatever the API answers is understood, or fails for a known reason; what is exported of it can be parsed."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

from exporter.config import Task
from exporter.metrics import choose_format, render
from exporter.ninedata import KINDS, LISTS, Precheck, QueryError, TaskRef
from exporter.ninedata.answers import MAX_ENTRIES, read_envelope, read_precheck
from exporter.ninedata.task_lists import read_page
from exporter.ninedata.text import MAX_NAME, MAX_TEXT, is_printable
from exporter.scraping.snapshot import QueryFailure, QueryResult, Snapshot
from tests.fuzz.inputs import SECRETS, bodies, header_texts, statuses, texts

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OPENMETRICS = "application/openmetrics-text;version=1.0.0"

headers = st.dictionaries(st.sampled_from(["date", "retry-after", "location", "content-type"]), header_texts)
answers = st.tuples(statuses, headers, bodies)

Answer = tuple[int, dict[str, str], bytes]


def assert_clean(text: str, limit: int) -> None:
    assert len(text) <= limit
    assert is_printable(text.replace("\n", "").replace("\t", ""))
    assert not any(secret in text for secret in SECRETS)


def assert_known(error: QueryError) -> None:
    assert_clean(error.message, 2000)
    assert_clean(error.request_id, MAX_NAME)
    assert 0 <= error.hold_seconds <= 300


def assert_readable(precheck: Precheck) -> None:
    assert len({item.item for item in precheck.items}) == len(precheck.items) <= MAX_ENTRIES
    for item in precheck.items:
        for text in (item.item, item.name, item.description, item.message):
            assert_clean(text, MAX_TEXT)
    assert_clean(precheck.status_word, MAX_NAME)


@given(answers, st.sampled_from(sorted(KINDS)), texts)
def test_any_answer_about_a_precheck(answer: Answer, kind: str, name: str) -> None:
    """A precheck or a failure, clean and without secrets; its series are read back by prometheus-client."""
    task = Task(TaskRef(kind, "cd-1", "pcte-1"), name.encode("utf-8", "replace").decode() or "x", {"team": 'a"\\\n'})
    outcome: Precheck | QueryFailure
    try:
        outcome = read_precheck(read_envelope(*answer, NOW, SECRETS), KINDS[kind], task.ref)
        assert_readable(outcome)
    except QueryError as error:
        assert_known(error)
        outcome = QueryFailure.of(error)
    snapshot = Snapshot((QueryResult(task, outcome, 0.25, NOW),))
    for accept, read in (("", text_parser), (OPENMETRICS, openmetrics_parser)):
        text = render(snapshot, None, choose_format(accept)).decode()
        up = [
            (sample.labels["task"], sample.value)
            for family in read.text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "ninedata_precheck_up"
        ]
        assert up == [(task.name, float(isinstance(outcome, Precheck)))]


@given(answers, st.sampled_from(sorted(LISTS)))
def test_any_page_of_a_list(answer: Answer, kind: str) -> None:
    """Tasks with ids and clean names, or a failure."""
    try:
        page = read_page(read_envelope(*answer, NOW, SECRETS), LISTS[kind])
    except QueryError as error:
        assert_known(error)
        return
    for task in page.entries:
        assert_clean(task.name, MAX_NAME)
        assert_clean(task.status, MAX_NAME)
