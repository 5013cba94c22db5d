"""A YAML file as nodes that know their line."""

from pathlib import Path

import yaml

from exporter.faults import ConfigError, Fault, UnreadableError
from exporter.files import read_file

_MAX_BYTES = 16 * 1024 * 1024
# libyaml's loader is six times as fast. PyYAML's wheels have it.
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def compose(path: Path) -> yaml.Node | None:
    """The document in a file; None if it is empty.

    Raises UnreadableError, or ConfigError if the file is not one YAML document. Messages never quote the file: it may
    hold secrets.
    """
    try:
        content = read_file(path, _MAX_BYTES)
    except OSError as error:
        raise UnreadableError([Fault(str(path), None, "", f"cannot be read: {error.strerror}")]) from None

    def error_at(position: int, message: str) -> ConfigError:
        return ConfigError([Fault(str(path), content.count(b"\n", 0, position) + 1, "", message)])

    try:
        return yaml.compose(content.decode(), Loader=_LOADER)
    except UnicodeDecodeError as error:
        raise error_at(error.start, "is not UTF-8 text") from None
    except yaml.reader.ReaderError as error:
        raise error_at(error.position, "has a character that YAML does not allow") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        problem = (error.problem or "syntax error").removeprefix("but ")
        if not yaml.__with_libyaml__:  # PyYAML's own messages quote the file, after an apostrophe
            problem = problem.partition(" '")[0]
        raise ConfigError([Fault(str(path), line, "", f"is not valid YAML: {problem}")]) from None
    except (ValueError, OverflowError):
        # PyYAML converts digits without checking them: "\UFFFFFFFF", %YAML 99999999999.1
        raise ConfigError([Fault(str(path), None, "", "is not valid YAML: a number is too large")]) from None
