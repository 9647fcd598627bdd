"""What a version makes of what a newer one wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared import versions
from shared.errors import BadRequest, NewerVersion
from shared.messages import ChunkDone, ChunkMessage, TranscribeRequest, from_fields
from shared.model import Options, Recording
from shared.results import LedgerRow
from shared.state.answers import Asked

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize("kind", [ChunkMessage, Recording, TranscribeRequest, Asked, Options])
def test_the_records_with_options_are_known(kind):
    assert versions.has_options(kind)


@pytest.mark.parametrize("kind", [ChunkDone, LedgerRow, dict, str])
def test_all_other_records_have_none(kind):
    assert not versions.has_options(kind)


ROW = {
    "recording": "r", "chunk": 0, "engine": "parakeet-cpu", "attempt": "1", "audio_seconds": 1.0,
    "busy_seconds": 1.0, "usd": 0.1, "prices": "p",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"outcome": "refunded"}, NewerVersion),
        ({"outcome": 3}, BadRequest),
        ({"outcome": None}, BadRequest),
        ({"usd": "a lot"}, BadRequest),
    ],
)
def test_an_unknown_value_is_newer_and_one_of_another_type_is_malformed(changes, error):
    with pytest.raises(error) as raised:
        from_fields(ROW | changes, LedgerRow)
    assert type(raised.value) is error


def test_an_unknown_field_is_ignored():
    assert from_fields(ROW | {"newer": [1]}, LedgerRow) == from_fields(ROW, LedgerRow)


@pytest.mark.parametrize("off", [None, False, 0, 0.0, "", [], {}])
def test_an_unknown_option_may_be_off(off):
    assert from_fields({"track": 1, "newer": off}, Options) == Options(track=1)


@pytest.mark.parametrize("on", [True, 1, "fr", ["x"], {"a": None}])
def test_an_unknown_option_that_is_on_is_never_ignored(on):
    asked = {"request": {"uri": "gs://a/b", "request_id": "1"}, "created": 1.0}
    with pytest.raises(NewerVersion, match="no option newer"):
        from_fields({"newer": on}, Options)
    for place in ({"options": {"newer": on}}, {"request": asked["request"] | {"options": {"newer": on}}}):
        with pytest.raises(NewerVersion):
            from_fields(asked | place, Asked)


UNCHANGED: Mapping[str, object] = {"a": 1, "b": {"c": 2}, "d": ({"name": "x", "n": 1}, {"name": "y", "n": 2})}
STORED = {
    "a": 1, "b": {"c": 2, "newer": 3}, "newer": 4,
    "d": [{"name": "x", "n": 1, "newer": 5}, {"name": "y", "n": 2, "newer": 6}],
}  # fmt: skip


def test_what_was_not_changed_is_stored_as_it_was():
    assert versions.over(STORED, UNCHANGED, UNCHANGED) == STORED


@pytest.mark.parametrize(
    ("after", "stored"),
    [
        ((), []),
        (({"name": "y", "n": 2},), [{"name": "y", "n": 2, "newer": 6}]),
        (({"name": "x", "n": 7},), [{"name": "x", "n": 7, "newer": 5}]),
        (({"name": "z", "n": 1},), [{"name": "z", "n": 1}]),
        (
            (*UNCHANGED["d"], {"name": "z", "n": 3}),
            [{"name": "x", "n": 1, "newer": 5}, {"name": "y", "n": 2, "newer": 6}, {"name": "z", "n": 3}],
        ),
    ],
)
def test_the_records_of_a_list_are_told_apart_by_what_they_are(after, stored):
    assert versions.over(STORED, UNCHANGED, {**UNCHANGED, "d": after}) == {**STORED, "d": stored}


def test_a_part_that_was_not_changed_gets_no_fields_either():
    stored = {"audio": {"codec": "mp3"}, "words": 1}
    before = {"audio": {"codec": "mp3", "since": 0.0}, "words": 1}
    assert versions.over(stored, before, before | {"words": 2}) == stored | {"words": 2}


def test_a_record_that_is_taken_away_or_comes_new_has_nothing_to_keep():
    assert versions.over({"a": {"b": 1, "newer": 2}}, {"a": {"b": 1}}, {"a": None}) == {"a": None}
    assert versions.over({"a": None}, {"a": None}, {"a": {"b": 1}}) == {"a": {"b": 1}}
    assert versions.over({}, {"a": None}, {"a": {"b": 1}}) == {"a": {"b": 1}}
