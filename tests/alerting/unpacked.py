"""Debian's Alertmanager where it is unpacked and not installed, as `make components` has it.

It reads its own templates, without which it does not start, from one absolute path. There is no flag for that.
"""

from pathlib import Path

_INSTALLED = b"/usr/share/prometheus/alertmanager"
_RELATIVE = b"./" * 11 + b"alertmanager"
"""The same length, as a binary's text must keep it."""


def runnable(program: str, folder: Path) -> tuple[str, Path]:
    """A program that starts, and the folder in which it must be started."""
    share = Path(program).resolve().parents[1] / "share" / "prometheus"
    templates = share / "alertmanager" / "default.tmpl"
    if Path("/", *templates.parts[-5:]).exists() or not templates.exists():
        return program, folder
    copy = folder / "alertmanager"
    copy.write_bytes(Path(program).read_bytes().replace(_INSTALLED, _RELATIVE))
    copy.chmod(0o755)
    return str(copy), share
