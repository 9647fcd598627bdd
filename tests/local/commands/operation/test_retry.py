"""`dropscribe retry` as a person runs it."""

from __future__ import annotations

import fcntl
import json

import pytest

from local.commands.operation import agreement
from shared.errors import BadMedia, StoreUnavailable
from shared.flow import retry
from shared.messages import ChunkMessage, decode

pytestmark = pytest.mark.usefixtures("up_runs")


def parts(deployment):
    return [decode(one.data, ChunkMessage).chunk.index for one in deployment.drain("cpu-worker")]


def test_a_failed_recording_goes_on_with_what_is_missing(deployment, call):
    recording = deployment.failed("talk.wav")
    result = call("retry", recording.id)
    assert result.exit_code == 0, result.stderr
    assert "1 recording to continue (Permanent 1)." in result.stderr
    assert "Missing: 1 of 2 parts" in result.stderr
    assert "Expected cost: $0" in result.stderr
    assert deployment.route() == 1
    assert deployment.stored(recording).state == "PLANNED"
    assert parts(deployment) == [1]


def test_all_that_failed_go_on_after_a_yes(deployment, call):
    for name in ("a.wav", "b.wav"):
        deployment.failed(name)
    deployment.media.error = BadMedia("no-audio", "There is no audio in it.")
    deployment.upload("c.wav")
    refused = call("retry", "--failed")
    assert refused.exit_code == 2
    assert "3 recordings to continue (Permanent 2, no-audio 1)." in refused.stderr
    assert "1 of them was never planned: the cost is not known." in refused.stderr
    assert "Add --yes" in refused.stderr
    assert deployment.route() == 0
    assert call("retry", "--failed", "--yes").exit_code == 0
    assert deployment.route() == 3


def test_a_person_at_a_terminal_is_asked(deployment, call, monkeypatch):
    for name in ("a.wav", "b.wav"):
        deployment.failed(name)
    monkeypatch.setattr(agreement, "at_terminal", lambda: True)
    answers = []
    monkeypatch.setattr(agreement.typer, "confirm", lambda *_, **__: answers.pop())
    answers.append(False)
    assert call("retry", "--failed").exit_code == 1
    assert deployment.route() == 0
    answers.append(True)
    assert call("retry", "--failed").exit_code == 0
    assert deployment.route() == 2


def test_only_those_that_failed_since_a_day_are_taken(deployment, call):
    deployment.failed("a.wav")
    assert call("retry", "--failed", "--since", "2100-01-01").stdout == "No recording has failed.\n"
    assert call("retry", "--failed", "--since", "2020-01-01").exit_code == 0
    assert deployment.route() == 1


def test_what_cannot_be_tried_again_is_left_out_with_the_reason(deployment, call):
    gone, done = deployment.failed("gone.wav"), deployment.upload("going.wav")
    (deployment.ports.inbox / "gone.wav").unlink()
    result = call("retry", gone.id, done.id, "--json")
    assert result.exit_code == 1
    assert [one["why_not"] for one in json.loads(result.stdout)] == [
        "its file is gone",
        "it is still in progress",
    ]
    assert "Skipping gs://audio/gone.wav: its file is gone." in result.stderr
    assert deployment.route() == 0


def test_as_json_it_tells_what_is_left(deployment, call):
    recording = deployment.failed("talk.wav")
    (told,) = json.loads(call("retry", recording.id, "--json").stdout)
    assert (told["recording"], told["asked"], told["chunks"], told["chunks_left"]) == (
        recording.id,
        True,
        2,
        1,
    )


@pytest.mark.parametrize("arguments", [[], ["key", "--failed"], ["key", "--since", "2026-01-01"]])
def test_either_keys_or_all_that_failed_are_named(call, arguments):
    result = call("retry", *arguments)
    assert result.exit_code == 2
    assert "--failed" in result.stderr


def test_where_nothing_runs_it_says_so_and_what_to_start(deployment, call, up_runs):
    failed = deployment.failed("talk.wav")
    fcntl.flock(up_runs, fcntl.LOCK_UN)
    result = call("retry", failed.id)
    assert result.exit_code == 69
    assert "Queued, but nothing is running that could transcribe it. Start `dropscribe up" in result.stderr


def test_what_breaks_off_half_way_says_how_far_it_came(deployment, call, monkeypatch):
    for name in ("a.wav", "b.wav", "c.wav"):
        deployment.failed(name)
    original, tries = retry.ask, []

    def busy(*given):
        tries.append(given)
        if len(tries) == 3:
            raise StoreUnavailable("The database is locked. Try again.")
        return original(*given)

    monkeypatch.setattr(retry, "ask", busy)
    result = call("retry", "--failed", "--yes")
    assert result.exit_code == 69
    said = "2 of 3 recordings were continued before. Do the same again for the others."
    assert said in result.stderr
    assert deployment.route() == 2
    assert "1 recording to continue" in call("retry", "--failed", "--yes").stderr
    assert deployment.route() == 1
