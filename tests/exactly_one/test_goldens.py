"""Every release reads what earlier ones wrote, and leaves out nothing that they need."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from shared.costs.budget import Commitment
from shared.messages import ChunkDone, ChunkMessage, TranscriptReady, decode, from_fields, to_fields
from shared.model import Recording
from shared.results import LedgerRow
from shared.state.answers import Asked
from shared.state.claims import Claim
from shared.state.failure_log import Failure
from shared.state.uploads import Upload
from tests.exactly_one.goldens import written

GOLDEN = {
    path.stem: json.loads(path.read_text("utf-8")) for path in Path(__file__).parent.glob("golden/*.json")
}
MESSAGES = {
    "chunks-cpu": ChunkMessage,
    "chunks-deepgram": ChunkMessage,
    "chunks-done": ChunkDone,
    "transcripts-ready": TranscriptReady,
}
DOCUMENTS = {
    "recordings": Recording,
    "ledger": LedgerRow,
    "claims": Claim,
    "failures": Failure,
    "commitments": Commitment,
    "uploads": Upload,
    "requests": Asked,
}
"""Those that are read as a whole; others are read by single fields."""


def same(value):
    """As JSON has it."""
    return json.loads(msgspec.json.encode(value))


def lacks(found, wanted, place=""):
    """Where something that was there is missing, or has another type; lists are compared by their first item."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            line
            for name, one in wanted.items()
            for line in (
                lacks(found[name], one, f"{place}.{name}") if name in found else [f"{place}.{name} is gone"]
            )
        ]
    if isinstance(wanted, list) and isinstance(found, list):
        return lacks(found[0], wanted[0], f"{place}[0]") if wanted and found else []
    kinds = {type(found), type(wanted)}
    return [] if len(kinds) == 1 or kinds <= {int, float} else [f"{place} is {found!r}, and was {wanted!r}"]


@pytest.fixture(scope="module")
def today(tmp_path_factory):
    return same(written(tmp_path_factory.mktemp("today")))


@pytest.mark.parametrize("release", GOLDEN)
@pytest.mark.parametrize("topic", MESSAGES)
def test_messages_of_an_earlier_release_are_read_as_they_were_meant(release, topic):
    before = GOLDEN[release]["messages"][topic]
    after = same(to_fields(decode(json.dumps(before).encode(), MESSAGES[topic])))
    assert differences(after, before) == []


@pytest.mark.parametrize("release", GOLDEN)
@pytest.mark.parametrize("collection", DOCUMENTS)
def test_documents_of_an_earlier_release_are_read_as_they_were_meant(release, collection):
    before = GOLDEN[release]["documents"][collection]
    assert differences(same(to_fields(from_fields(before, DOCUMENTS[collection]))), before) == []


def differences(found, wanted, place=""):
    """Where a value that was there is another one now."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [
            line
            for name, one in wanted.items()
            for line in differences(found.get(name), one, f"{place}.{name}")
        ]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [
            line
            for number, one in enumerate(wanted)
            for line in differences(found[number], one, f"{place}[{number}]")
        ]
    return [] if found == wanted else [f"{place} is {found!r}, and was {wanted!r}"]


@pytest.mark.parametrize("release", GOLDEN)
@pytest.mark.parametrize("part", ["messages", "documents"])
def test_nothing_that_an_earlier_release_reads_is_left_out_or_has_another_type(today, release, part):
    assert lacks(today[part], GOLDEN[release][part]) == []


@pytest.mark.parametrize("release", GOLDEN)
@pytest.mark.parametrize("topic", MESSAGES)
def test_what_is_new_in_a_message_may_be_left_out_by_an_earlier_release(today, release, topic):
    now, known = today["messages"][topic], GOLDEN[release]["messages"][topic]
    kept = {name: one for name, one in now.items() if name in known}
    assert same(to_fields(decode(json.dumps(kept).encode(), MESSAGES[topic]))).keys() == now.keys()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda fields: fields.pop("owned_seconds"), ".owned_seconds is gone"),
        (lambda fields: fields.update(usd="1"), ".usd is '1', and was 0.001"),
    ],
)
def test_a_field_that_goes_or_changes_is_found(today, damage, told):
    row = dict(today["documents"]["ledger"])
    damage(row)
    assert lacks(row, GOLDEN["first"]["documents"]["ledger"]) == [told]
