from __future__ import annotations

import json

from shared.telemetry.metrics import METRICS
from tests.generated.for_terraform import TERRAFORM


def test_the_file_has_what_a_filter_and_its_extractors_need():
    found = json.loads((TERRAFORM / "log_metrics.json").read_text("utf-8"))
    assert found["dropscribe_hosted_call_seconds"]["labels"] == ["engine", "outcome"]
    assert found["dropscribe_hosted_call_seconds"]["distribution"] is True
    assert found["dropscribe_uploads_total"]["distribution"] is False
    assert set(found) == {one.full_name for one in METRICS.values() if one.by == "log"}
