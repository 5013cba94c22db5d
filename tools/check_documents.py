"""Checks all documents: links and anchors, the commands, flags and tests that they name, and their examples in YAML.

Links to the documents are checked in all other files as well, such as rules and dashboards.

`python -m tools.check_documents` prints a line for each fault; exit status 1 if there is one.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import yaml

from exporter.config import ConfigError, load
from tools.repository import ROOT, address, texts

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_NAMED = {
    "make target": re.compile(r"(?:^|`|&& )make ([a-z][a-z-]*)", re.MULTILINE),
    "file": re.compile(r"(?:^|[\s`])((?:tools|\.ci|deploy|bench|soak|tests)/[\w./-]*\w)", re.MULTILINE),
    "module": re.compile(r"python3? -m ((?:exporter|deploy|grafana|tools|bench|soak)[\w.]*)"),
    "flag": re.compile(r"(--(?:no-)?(?:config|web|log|scrape|doctor|task)[.-][a-z.-]*[a-z])"),
}
_TRANSLATIONS = {"README.zh-CN.md": "README.md"}


def main() -> int:
    """Check every file that git knows."""
    found = {path.relative_to(ROOT): text for path, text in texts().items()}
    documents = {path: text for path, text in found.items() if path.suffix == ".md"}
    flags = "".join(_help(command) for command in ("exporter", "exporter.precheck_command")).replace("[no-]", "")
    faults = [f"{path}: {fault}" for path, text in documents.items() for fault in _faults(path, text, flags)]
    ours = re.compile(re.escape(address()) + r"/(?:blob|raw)/main/([\w./#-]+)")
    for path, text in found.items():
        faults += [f"{path}: {fault}" for link in ours.findall(text) for fault in _dead_link(link, Path(), path)]
    for translation, original in _TRANSLATIONS.items():
        if _commands(documents[Path(translation)]) != _commands(documents[Path(original)]):
            faults.append(f"{translation}: its commands are not those of {original}")
    sys.stderr.writelines(f"{fault}\n" for fault in faults)
    return 1 if faults else 0


def _help(module: str) -> str:
    """The flags that a command and its subcommands know."""
    pages = [["--help"], ["start", "--help"], ["status", "--help"]] if "precheck" in module else [["--help"]]
    return "".join(
        subprocess.run([sys.executable, "-m", module, *page], capture_output=True, text=True, check=True).stdout  # noqa: S603 - ours
        for page in pages
    )


def _faults(path: Path, text: str, flags: str) -> Iterator[str]:
    for link in _LINK.findall(_BLOCK.sub("", text)):
        if not re.match(r"[a-z]+:", link):
            yield from _dead_link(link, path.parent, path)
    yield from _unknown_names(path, text, flags)
    for _, language, block in _BLOCK.findall(text):
        if language == "yaml":
            yield from _faults_of_yaml(block)


def _dead_link(link: str, folder: Path, own: Path) -> Iterator[str]:
    """What is wrong with a link, relative to a folder or to a heading of the file itself."""
    target, _, anchor = unquote(link).partition("#")
    file = folder / target if target else own
    if not file.exists():
        yield f"{link}: there is no such file"
    elif anchor and anchor not in _anchors(file.read_text("utf-8")):
        yield f"{link}: there is no such heading"


def _unknown_names(path: Path, text: str, flags: str) -> Iterator[str]:
    targets = re.findall(r"^([a-z][a-z-]*):", Path("Makefile").read_text("utf-8"), re.MULTILINE)
    for what, named in _NAMED.items():
        for name in dict.fromkeys(named.findall(text)):
            module = Path(name.replace(".", "/"))
            known = {
                "make target": name in targets,
                "file": Path(name).exists() or (path.parent / name).exists(),
                "module": module.with_suffix(".py").exists() or (module / "__init__.py").exists(),
                "flag": name in flags or name.replace("--no-", "--") in flags,
            }
            if not known[what]:
                yield f"{name}: there is no such {what}"
    for file, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text):
        if not Path(file).exists() or f"def {test}(" not in Path(file).read_text("utf-8"):
            yield f"{file}::{test}: there is no such test"


def _anchors(text: str) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", _BLOCK.sub("", text), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[(.*?)\]\(.*?\)", r"\1", line)).strip().lower().replace(" ", "-")
        for line in headings
    }


def _faults_of_yaml(block: str) -> Iterator[str]:
    """Every example parses, and one of the exporter's configuration has no fault."""
    try:
        document = yaml.safe_load(block)
    except yaml.YAMLError as error:
        yield f"an example is no YAML: {error}"
        return
    if not isinstance(document, dict) or not isinstance(document.get("api"), dict):
        return
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "secret-key").write_text("made-up-secret\n")
        path = Path(folder) / "config.yaml"
        path.write_text(re.sub(r"/run/credentials/[\w.-]+/", "", block))
        try:
            load(path, {})
        except ConfigError as error:
            yield f"an example has faults: {error}"


def _commands(text: str) -> list[str]:
    """The examples without their comments, which are translated."""
    blocks = [block for _, _, block in _BLOCK.findall(text)]
    return [re.sub(r"\s+#.*$", "", line).strip() for block in blocks for line in block.splitlines()]


if __name__ == "__main__":
    sys.exit(main())
