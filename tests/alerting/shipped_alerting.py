"""The shipped rules and the sample configuration, for a Prometheus and an Alertmanager that run here, and faster."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.alerting.sinks import Sinks
from tests.programs import ROOT, component, free_port, serving

RULES = ROOT / "prometheus" / "ninedata.rules.yaml"
ALERTMANAGER = ROOT / "alertmanager" / "alertmanager.example.yaml"
ALL_RULES = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]
ALERTS = [rule for rule in ALL_RULES if "alert" in rule]

_DURATION = re.compile(r"(?m)((?:\b(?:for|interval|keep_firing_for): )|(?:\[)|(?:offset ))(\d+[smhd])(?=[\]\s)]|$)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def faster(rules: str, times: float) -> str:
    """The rules with every `for: 2m` and every window `[5m]` so many times as short."""
    return _DURATION.sub(lambda found: f"{found[1]}{1000 * seconds(found[2]) / times:.0f}ms", rules)


def seconds(duration: str) -> int:
    """A duration of one unit, as rules have it."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


class Alertmanager:
    """Takes alerts over its HTTP API."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.address = client.base_url.netloc.decode()

    def post(self, alerts: Sequence[Mapping[str, Any]], *, ended: bool = False) -> None:
        """Send alerts that begin or end now."""
        times = {"endsAt": datetime.now(UTC).isoformat()} if ended else {}
        sent = [{"labels": alert["labels"], "annotations": alert["annotations"], **times} for alert in alerts]
        self._client.post("/api/v2/alerts", json=sent).raise_for_status()

    def states(self) -> dict[str, str]:
        """Of each alert its name, with whether it is active or suppressed."""
        alerts = self._client.get("/api/v2/alerts").json()
        return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in alerts}


@contextmanager
def alertmanager(folder: Path, config: Mapping[str, Any]) -> Iterator[Alertmanager]:
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(config), "utf-8")
    program, home = _startable(component("alertmanager"), folder)
    flags = (
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{(port := free_port())}",
        "--web.external-url=http://alertmanager.example.com",
        "--web.route-prefix=/",
        "--cluster.listen-address=",
        "--log.level=warn",
    )
    with serving(folder, port, program, *flags, cwd=home) as client:
        yield Alertmanager(client)


def _startable(program: str, folder: Path) -> tuple[str, Path]:
    """Debian's Alertmanager reads its own templates from one absolute path, where they are only if it is installed.

    One that is merely unpacked becomes a copy with a relative path of the same length, and the folder to start it in.
    """
    home = Path(program).resolve().parents[1] / "share" / "prometheus"
    installed = Path("/usr/share/prometheus/alertmanager")
    if installed.exists() or not (home / "alertmanager").exists():
        return program, folder
    copy = folder / "alertmanager"
    relative = b"./" * 11 + b"alertmanager"
    copy.write_bytes(Path(program).read_bytes().replace(str(installed).encode(), relative))
    copy.chmod(0o755)
    return str(copy), home


def sample(sinks: Sinks, folder: Path, **waits: str) -> dict[str, Any]:
    """The sample configuration with the sinks for receivers and other waits, such as `group_wait`, in every route."""
    secret = folder / "secret"
    secret.write_text(f"{sinks.url}/slack")
    text = re.sub(r"/etc/alertmanager/secrets/[\w-]+", str(secret), ALERTMANAGER.read_text("utf-8"))
    for name, wait in waits.items():
        text = re.sub(rf"\b{name}: \w+", f"{name}: {wait}", text)
    config: dict[str, Any] = yaml.safe_load(text)
    config["global"] |= {
        "smtp_smarthost": sinks.mail_address,
        "smtp_require_tls": False,
        "pagerduty_url": f"{sinks.url}/pagerduty",
        "wechat_api_url": f"{sinks.url}/wecom/",
    }
    for receiver in config["receivers"]:
        for webhook in receiver.get("webhook_configs", []):
            webhook["url"] = f"{sinks.url}/dingtalk"
    config["templates"] = [str(ALERTMANAGER.parent / name) for name in config["templates"]]
    return config
