from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.usefixtures("up_runs")


@pytest.mark.parametrize("command", ["cancel", "retry", "flags", "submit", "backfill", "dead-letters"])
def test_each_command_that_changes_something_is_noted(deployment, call, command):
    failed = deployment.failed("failed.wav")
    lines = {
        "cancel": ("cancel", deployment.upload("going.wav").id),
        "retry": ("retry", failed.id),
        "flags": ("flags", "ROLLOUT_PERCENT=50"),
        "submit": ("submit", "gs://audio/failed.wav"),
        "backfill": ("backfill", "gs://audio/new"),
        "dead-letters": ("dead-letters", "discard", "m1"),
    }
    (deployment.ports.inbox / "new.wav").write_bytes(b"sound")
    deployment.ports.records.create(
        "dead_letters", "m1", {"time": 1.0, "attributes": {}, "data": "x", "bytes": 1}
    )
    result = call(*lines[command])
    assert result.exit_code in {0, 1}, result.stderr
    [line] = [json.loads(one) for one in call("audit", "--json").stdout.splitlines()]
    assert line["action"].startswith(command)
    assert line["count"] == 1
    assert ".wav" not in json.dumps(line)
