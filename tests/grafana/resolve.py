"""Variables in expressions, resolved as Grafana does it."""

import re
from collections.abc import Mapping, Sequence

from grafana.reading import VARIABLE, Document, variables_of
from tests.grafana.history import END, START, STEP

Choice = Mapping[str, Sequence[str]]
"""The values chosen of some variables; of the others, all are."""


def resolve(expr: str, document: Document, choice: Choice) -> str:
    """The expression that Grafana sends."""
    values = {variable["name"]: _value(variable, choice) for variable in variables_of(document)}
    values |= {"__range": f"{END - START}s", "__interval": f"{STEP}s", "__rate_interval": f"{4 * STEP}s"}
    return VARIABLE.sub(lambda match: values[match[1] or match[2]], expr)


def _value(variable: Document, choice: Choice) -> str:
    chosen = choice.get(variable["name"])
    if not variable.get("multi"):
        return chosen[0] if chosen else ""
    if not chosen:
        return str(variable["allValue"])
    escaped = [_escape(value) for value in chosen]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _escape(value: str) -> str:
    """For a regular expression in a PromQL string, where a backslash is doubled."""
    return re.sub(r"[$^*{}\[\]+?.()|\\]", r"\\\\\g<0>", value)
