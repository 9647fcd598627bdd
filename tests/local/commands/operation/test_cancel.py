"""`dropscribe cancel` as a person runs it."""

from __future__ import annotations

import json

from local.backend.embedded_ports import embedded_topology
from shared.state import audit


def test_a_recording_in_progress_ends_and_the_status_says_so(deployment, call):
    recording = deployment.upload("talk.wav")
    result = call("cancel", recording.id)
    assert (result.exit_code, result.stdout) == (0, "Cancelled gs://audio/talk.wav.\n")
    assert deployment.stored(recording).state == "CANCELLED"
    [row] = [line for line in call("status", "--ids").stdout.splitlines() if recording.id in line]
    assert "talk.wav" in row
    assert "CANCELLED" in row
    shown = call("status").stdout
    assert "1 cancelled" in shown
    assert "`dropscribe retry` continues it" in " ".join(shown.split())


def test_one_that_has_ended_stays_and_the_exit_code_tells(deployment, call, caplog):
    recording, other = deployment.failed("talk.wav"), deployment.upload("other.wav")
    result = call("cancel", recording.id, other.id, "--json")
    assert result.exit_code == 1
    assert [one["state"] for one in json.loads(result.stdout)] == ["FAILED", "CANCELLED"]
    again = call("cancel", recording.id)
    assert again.stdout == "gs://audio/talk.wav had already ended: FAILED.\n"
    assert "cancelled gs://audio/talk.wav" not in caplog.text


def test_the_audit_log_has_only_those_that_could_be_cancelled(deployment, call):
    ended, other = deployment.failed("talk.wav"), deployment.upload("other.wav")
    call("cancel", ended.id)
    call("cancel", ended.id, other.id)
    found = [(one.action, one.about) for _, one in audit.entries(deployment.ports.records)]
    assert found == [("cancel", (other.id,))]


def test_a_key_that_no_recording_has_cancels_nothing(deployment, call):
    recording = deployment.upload("talk.wav")
    result = call("cancel", recording.id, "nonsense")
    assert result.exit_code == 66
    assert "There is no recording nonsense." in result.stderr
    assert deployment.stored(recording).state == "PLANNED"


def test_the_webhook_of_up_is_told_by_a_shell_that_does_not_know_it(deployment, call, monkeypatch):
    monkeypatch.delenv("DROPSCRIBE_WEBHOOK_URL", raising=False)
    recording = deployment.upload("talk.wav")
    queue = deployment.ports.queue
    queue.topology = embedded_topology(webhooks=True)
    queue.keep_for_all()
    assert call("cancel", recording.id).exit_code == 0
    [told] = queue.pull("webhooks", 9, 60.0)
    assert (told.attributes["recording"], told.attributes["state"]) == (recording.id, "CANCELLED")
