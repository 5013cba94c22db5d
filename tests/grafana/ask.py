"""Run all queries of a dashboard."""

from grafana.reading import Document, Query, annotations_of, panels_of, queries_of, queries_of_panel, variables_of
from tests.grafana.fields import problems_of_panel
from tests.grafana.resolve import Choice, resolve
from tests.grafana.server import Prometheus, QueryError, Series


def problems_of(document: Document, server: Prometheus, choice: Choice) -> list[str]:
    """What of a dashboard does not work in a history in which everything happened."""
    unparsed = _unparsed(document, server, choice)
    if unparsed:
        return unparsed
    found: list[str] = []
    for panel in panels_of(document):
        answers = [(query, ask(query, document, server, choice)) for query in queries_of_panel(panel)]
        found += problems_of_panel(panel, answers)
    for annotation in annotations_of(document):
        if not server.range(resolve(annotation["expr"], document, choice)):
            found.append(f"annotation {annotation['name']}: no data")
    for variable in variables_of(document):
        if variable["type"] == "query" and not server.label_values(resolve(variable["definition"], document, choice)):
            found.append(f"variable {variable['name']}: no values")
    return found


def ask(query: Query, document: Document, server: Prometheus, choice: Choice) -> list[Series]:
    """The answer to one query."""
    expr = resolve(query.expr, document, choice)
    return server.instant(expr) if query.instant else server.range(expr)


def _unparsed(document: Document, server: Prometheus, choice: Choice) -> list[str]:
    found = []
    for query in queries_of(document):
        try:
            server.check(resolve(query.expr, document, choice))
        except QueryError as error:
            found.append(f"{query.place}: {error}")
    return found
