"""`python -m tests.monitoring.log_metrics` writes `terraform/log_metrics.json` from the table of metrics."""

from __future__ import annotations

import json
from pathlib import Path

from shared.telemetry.metrics import METRICS

PATH = Path(__file__).resolve().parents[2] / "terraform" / "log_metrics.json"


def text() -> str:
    """What the file must be."""
    found = {
        one.full_name: {
            "description": one.about,
            "distribution": one.kind != "counter",
            "labels": list(one.labels),
            "bounds": list(one.bounds),
        }
        for one in METRICS.values()
        if one.by == "log"
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), "utf-8")
