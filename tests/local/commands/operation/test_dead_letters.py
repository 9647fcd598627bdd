"""`dropscribe dead-letters` as a person runs it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from shared.messages import ChunkMessage, decode, encode
from shared.recovery import dead_letter
from shared.state import dead_letters

pytestmark = pytest.mark.usefixtures("up_runs")


@pytest.fixture
def kept(deployment):
    """Keeps a message that was given up; gives its key."""
    count = 0

    def kept(where, data, **attributes):
        nonlocal count
        count += 1
        added = {dead_letters.SOURCE: where, dead_letters.COUNT: "15", dead_letters.ERROR: "the store sleeps"}
        dead_letter.on_dead_letter(
            {
                "messageId": f"m-{count}",
                "data": base64.b64encode(data).decode(),
                "attributes": {**attributes, **added},
            },
            deployment.ports,
        )
        return f"m-{count}"

    return kept


@pytest.fixture
def ended(deployment, kept):
    """A recording that a lost message ended, and the key of the letter."""
    recording = deployment.upload("talk.wav")
    lost, _ = deployment.drain("cpu-worker")
    # It was published again as often as may be.
    message = replace(decode(lost.data, ChunkMessage), again=dead_letter.MOST_ROUNDS)
    return recording, kept("cpu-worker", encode(message), **lost.attributes)


def test_the_list_says_where_when_and_why_newest_first(kept, call, ended):
    kept("merger", b"{}\x1b[2J")
    shown = call("dead-letters", "list").stdout
    assert shown.index("m-2") < shown.index("m-1")
    assert "cpu-worker" in shown
    assert "the store sleeps" in shown
    assert "\x1b" not in shown
    told = json.loads(call("dead-letters", "list", "--json").stdout)
    assert [(one["key"], one["from"], one["topic"]) for one in told] == [
        ("m-2", "merger", "chunks-done"),
        ("m-1", "cpu-worker", "chunks-cpu"),
    ]


def test_a_subscription_a_topic_or_a_recording_choose(kept, call, ended):
    kept("merger", b"{}")
    for name in ("cpu-worker", "chunks-cpu"):
        told = json.loads(call("dead-letters", "list", "--from", name, "--json").stdout)
        assert [one["key"] for one in told] == ["m-1"]
    told = json.loads(call("dead-letters", "list", "--recording", ended[0].id, "--json").stdout)
    assert [one["key"] for one in told] == ["m-1"]
    for place in (ended[0].id[:8], ended[0].source.uri):
        told = json.loads(call("dead-letters", "list", "--recording", place, "--json").stdout)
        assert [one["key"] for one in told] == ["m-1"]
    unknown = call("dead-letters", "list", "--recording", "nonsense")
    assert (unknown.exit_code, "There is no recording nonsense." in unknown.stderr) == (66, True)
    assert "Choose from" in call("dead-letters", "list", "--from", "chunks").stderr
    assert call("dead-letters", "list", "--from", "router").stdout == "There are no dead letters.\n"


def test_one_is_shown_with_its_recording_and_its_message(call, ended):
    recording, key = ended
    shown = call("dead-letters", "show", key).stdout
    assert f"{recording.id} FAILED gs://audio/talk.wav" in shown
    assert '"chunk":{"index":0' in shown
    assert "to chunks-cpu" in shown
    told = json.loads(call("dead-letters", "show", key, "--json").stdout)
    assert told["attributes"].pop("traceparent")
    assert told["attributes"] == {"recording": recording.id, "chunk": "0"}
    assert (told["state"], told["why_not"]) == ("FAILED", None)


def test_a_replay_continues_the_recording_that_failed_because_of_it(deployment, call, ended):
    recording, key = ended
    result = call("dead-letters", "replay", key)
    assert (result.exit_code, result.stdout) == (0, "Replayed 1 message.\n")
    assert "1 message (cpu-worker 1) to replay. This continues 1 recording that failed" in result.stderr
    assert "Expected cost: $0." in result.stderr
    assert deployment.route() == 1
    assert deployment.stored(recording).state == "PLANNED"
    again = call("dead-letters", "replay", key)
    assert (again.exit_code, again.stdout) == (1, "Replayed 0 messages.\n")
    assert ": it was replayed" in again.stderr
    assert deployment.route() == 0


def test_all_of_a_topic_are_replayed_after_a_yes(deployment, kept, call):
    for _ in range(2):
        kept("merger", b"{}")
    kept("router", b"[]")
    refused = call("dead-letters", "replay", "--all", "--from", "chunks-done")
    assert refused.exit_code == 2
    assert "2 messages (merger 2) to replay." in refused.stderr
    assert "--yes" in refused.stderr
    result = call("dead-letters", "replay", "--all", "--from", "chunks-done", "--yes", "--json")
    assert [(one["key"], one["outcome"]) for one in json.loads(result.stdout)] == [
        ("m-1", "published"),
        ("m-2", "published"),
    ]
    assert len(deployment.drain("merger")) == 2
    assert deployment.drain("router") == []


def test_discarded_letters_are_gone(deployment, kept, call, ended):
    kept("merger", b"{}")
    assert "1 message (merger 1) to discard." in call("dead-letters", "discard", "m-2").stderr
    assert deployment.ports.records.count(dead_letters.DEAD_LETTERS) == 1
    result = call("dead-letters", "discard", "--all", "--json", "--yes")
    assert [(one["key"], one["outcome"]) for one in json.loads(result.stdout)] == [("m-1", "discarded")]
    assert deployment.ports.records.count(dead_letters.DEAD_LETTERS) == 0
    assert deployment.stored(ended[0]).state == "FAILED"
    assert call("dead-letters", "discard", "--all").stdout == "No dead letters match.\n"


@pytest.mark.parametrize("command", ["replay", "discard"])
@pytest.mark.parametrize("arguments", [[], ["m-1", "--all"], ["m-1", "--from", "merger"], ["nonsense"]])
def test_what_is_meant_is_named(kept, call, command, arguments):
    kept("merger", b"{}")
    result = call("dead-letters", command, *arguments)
    assert result.exit_code == (66 if arguments == ["nonsense"] else 2)
    assert "dead letter" in result.stderr
