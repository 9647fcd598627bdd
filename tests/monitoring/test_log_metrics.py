from __future__ import annotations

import json

from shared.telemetry.metrics import METRICS
from tests.monitoring import log_metrics


def test_terraform_makes_a_metric_of_the_log_for_each_that_is_written_there():
    """After a change of the table: `python -m tests.monitoring.log_metrics`."""
    assert log_metrics.PATH.read_text("utf-8") == log_metrics.text()


def test_the_file_has_what_a_filter_and_its_extractors_need():
    found = json.loads(log_metrics.PATH.read_text("utf-8"))
    assert found["dropscribe_hosted_call_seconds"]["labels"] == ["engine", "outcome"]
    assert found["dropscribe_hosted_call_seconds"]["distribution"] is True
    assert found["dropscribe_uploads_total"]["distribution"] is False
    assert set(found) == {one.full_name for one in METRICS.values() if one.by == "log"}
