"""All that is known of one recording."""

from __future__ import annotations

import json
from dataclasses import replace

from local.runtime import export
from shared.errors import EngineLimit
from shared.flow import chunk, dispatch, record, upload
from shared.messages import ChunkDone
from shared.model import Options
from shared.recovery import fallback
from tests.world import heard


def test_its_values_say_who_transcribed_it_why_and_what_each_attempt_cost(deployment, ask):
    recording = deployment.done("talk.wav")
    [row] = json.loads(ask("status", "talk.wav", "--json").stdout)["recordings"]
    assert (row["state"], row["engine"], row["model"]) == ("DONE", "parakeet-cpu", "tiny")
    assert row["why"] == recording.decision.reason
    assert [(one["chunk"], one["usd"], one["outcome"], one["used"]) for one in row["attempts"]] == [
        (0, 0.001, "heard", True),
        (1, 0.001, "heard", True),
    ]
    assert row["usd"] == 0.002
    assert row["options"]["method"] == "auto"


def test_files_are_those_that_a_person_has_else_those_of_the_bucket(deployment, ask):
    recording = deployment.done("talk.wav")

    def files():
        return json.loads(ask("show", "talk.wav", "--json").stdout)["files"]

    kept = deployment.settings.state_dir / "buckets" / "transcripts"
    assert files() == [str(kept / name) for name in recording.outputs]
    export.deliver(record.ending(recording, deployment.ports), deployment.ports)
    assert str(deployment.ports.out / "talk.wav" / "transcript.txt") in files()
    assert not any(str(kept) in one for one in files())


def test_a_person_reads_it_in_one_column_with_a_table_of_its_attempts(deployment, ask):
    deployment.done("talk.wav")
    lines = ask("status", "talk.wav").stdout.splitlines()
    assert lines[0] == "talk.wav"
    told = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[1:] if line.strip()}
    assert told["state"] == "DONE"
    assert told["method"] == "parakeet (tiny)"
    assert told["cost"] == "$0.0020"
    assert told["parts"] == "2 of 2 done"
    assert told["1"].split()[0] == "parakeet-cpu"
    assert told["2"].endswith("used")


def test_of_one_that_was_taken_over_whole_the_parts_are_those_of_the_plan_that_counts(deployment, ask):
    deployment.ports = replace(
        deployment.ports, engines=frozenset({"parakeet-gpu", "parakeet-cpu", "deepgram"})
    )
    options = Options(diarize=True)
    recording = upload.take(deployment.upload("talk.wav").source, options, deployment.ports)
    first, _ = recording.chunks
    chunk.commit_result(*heard(recording, first), deployment.ports)
    for _ in range(2):
        [message] = dispatch.missing(deployment.stored(recording), deployment.ports)
        fallback.hand_over(message, EngineLimit("It does not fit."), deployment.ports)
    taken = deployment.stored(recording)
    assert [(one.index, one.engine) for one in taken.chunks] == [(2, "deepgram")]
    [row] = json.loads(ask("status", recording.id, "--json").stdout)["recordings"]
    assert (row["chunks"], row["chunks_done"], row["chunks_handed_on"]) == (1, 0, {})
    chunk.commit_result(*heard(taken, taken.chunks[0], engine="deepgram"), deployment.ports)
    told = [line.split() for line in ask("status", recording.id).stdout.splitlines()]
    assert [one[0] for one in told if "parakeet-cpu" in one[1:2]] == ["–", "1"]


def test_a_failed_one_says_why_and_what_was_wasted(deployment, ask):
    deployment.failed("talk.wav")
    told = " ".join(ask("status", "talk.wav").stdout.split())
    assert "state FAILED" in told
    assert "reason no engine left" in told
    assert "$0.0010, $0.0010 of it wasted" in told
    [row] = json.loads(ask("status", "talk.wav", "--json").stdout)["recordings"]
    assert [one["used"] for one in row["attempts"]] == [False]


def test_a_recording_of_which_nothing_is_left_has_no_name(deployment, ask):
    recording = deployment.done("talk.wav")
    ask("forget", recording.id, "--yes")
    assert ask("status", recording.id).stdout.splitlines()[0] == "–"
    # Not either when news of its parts come late.
    assert record.on_chunk_done(ChunkDone(recording=recording.id, index=0), deployment.ports) is not None
    assert ask("status", recording.id).stdout.splitlines()[0] == "–"
