"""One HTTP request and one answer as plain data: what the sandbox's pure parts speak of instead of sockets."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

JSON = "application/json"
HTML = "text/html"
CHUNK_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Request:
    """A request in full: the path without its query string, header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer without the headers that every answer has (Date, Content-Length)."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def json_answer(value: object, status: int = 200) -> Answer:
    """`value` as JSON, keys in their given order, text outside ASCII as it is."""
    return Answer(json.dumps(value, ensure_ascii=False).encode(), status)


def html_answer(title: str, status: int) -> Answer:
    """A page for people, such as a web server or a proxy sends where the API itself says nothing."""
    page = f"<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n"
    return Answer(page.encode(), status, HTML)


def blanks(size: int) -> Iterator[bytes]:
    """`size` spaces in chunks; in front of JSON they make it long and leave it valid."""
    whole, rest = divmod(size, CHUNK_BYTES)
    spaces = b" " * CHUNK_BYTES
    for _ in range(whole):
        yield spaces
    yield spaces[:rest]
