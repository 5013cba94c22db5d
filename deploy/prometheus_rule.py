"""Writes the rules as a PrometheusRule for the Prometheus operator: `python -m deploy.prometheus_rule`."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
RULES = ROOT / "prometheus" / "ninedata.rules.yaml"
FILE = ROOT / "deploy" / "kubernetes" / "monitoring" / "prometheusrule.yaml"

_HEAD = """\
# Made from prometheus/ninedata.rules.yaml by `python -m deploy.prometheus_rule`: change that one.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: ninedata-exporter
  labels:
    app.kubernetes.io/name: ninedata-exporter
    # Add what your Prometheus selects by (ruleSelector), for example `release: kube-prometheus-stack`.
spec:
"""


def built(rules: str) -> str:
    """The manifest of a rules file, which is the operator's `spec` unchanged."""
    return _HEAD + "".join(f"  {line}" if line.strip() else line for line in rules.splitlines(keepends=True))


def main() -> None:
    """Write the file."""
    FILE.write_text(built(RULES.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
