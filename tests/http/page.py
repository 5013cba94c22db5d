"""A page as a browser takes it apart."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Element:
    """An element with its attributes and the text that is directly in it."""

    tag: str
    attributes: dict[str, str | None]
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def classes(self) -> list[str]:
        return (self.attributes.get("class") or "").split()


_BLOCKS = ("p", "div", "section", "h1", "h2", "li", "dt", "nav", "header", "footer", "form", "ul", "pre")


class Page(HTMLParser):
    """Its elements in their order, and the text that a person reads, white space as single spaces."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self._texts: list[str] = []
        self.feed(html)
        self.close()

    @property
    def lines(self) -> list[str]:
        """The text of each paragraph and the like."""
        paragraphs = (" ".join(line.split()) for line in "".join(self._texts).split("\0"))
        return [line for line in paragraphs if line]

    @property
    def text(self) -> str:
        return " ".join(self.lines)

    @property
    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        """Tags with the names of their attributes: what no text may change."""
        return [(element.tag, tuple(element.attributes)) for element in self.elements]

    def all(self, tag: str) -> list[Element]:
        return [element for element in self.elements if element.tag == tag]

    def badges(self) -> list[str]:
        """The status words, in their order."""
        return [element.text for element in self.elements if "badge" in element.classes]

    def links(self) -> list[str]:
        return [element.attributes["href"] or "" for element in self.all("a")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        if tag in (*_BLOCKS, "dd"):
            self._texts.append("\0" if tag in _BLOCKS else " ")
        self.elements.append(element)
        if tag not in ("meta", "link", "br", "img", "input"):
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> does not match <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].texts.append(data)
        if "style" not in [element.tag for element in self._open]:
            self._texts.append(data)
