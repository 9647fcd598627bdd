from __future__ import annotations

import json

from tests.simulation import releases

SHAPE = {"id": "a", "audio": {"tracks": 1}, "chunks": [{"index": 0}], "weights": {"one": "tiny"}}


def test_a_release_reads_the_fields_that_it_knows_and_all_of_a_map():
    value = SHAPE | {
        "weights": {"two": "large"},
        "new": 1,
        "chunks": [{"index": 1, "new": 2}],
        "audio": {"new": 3},
    }
    assert releases.known(value, SHAPE) == {
        "id": "a",
        "audio": {},
        "chunks": [{"index": 1}],
        "weights": {"two": "large"},
    }


def test_a_message_is_written_and_read_with_the_fields_of_a_release():
    topic = "chunks-done"
    data = json.dumps(releases.GOLDEN["messages"][topic] | {"new": 1}).encode()
    assert json.loads(releases.read(data, topic, "earlier")) == releases.GOLDEN["messages"][topic]
    assert releases.read(data, topic, "") == data
    assert releases.read(b"garbage", topic, "earlier") == b"garbage"
    assert json.loads(releases.written(data, SHAPE, "later"))[releases.LATER] == "kept"


def test_a_field_of_the_later_release_that_goes_is_found_wherever_it_is():
    before = releases.marked({"audio": {"tracks": 1}, "chunks": [{"index": 0}], "options": {"model": None}})
    assert releases.lost(before, before) == []
    assert "later" not in before["options"]
    after = {"audio": {"tracks": 1}, "chunks": [{"index": 0}], "options": {"model": None}}
    assert releases.lost(before, after) == [".later", ".audio.later", ".chunks[0].later"]
