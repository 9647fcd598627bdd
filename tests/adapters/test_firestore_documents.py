"""Keys of documents, their fields, and what is stored beside these."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters import firestore_documents as documents
from shared.adapters.firestore_documents import EXPIRES, LONG, OURS, WRITES, from_stored, to_stored
from shared.errors import BadRequest

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text

values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)

names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda name: name not in OURS and not name.startswith("__")
)

json_documents = st.dictionaries(names, values, max_size=6)


def snapshot(fields):
    return SimpleNamespace(to_dict=lambda: fields)


def test_a_document_comes_back_without_what_is_stored_beside_it():
    fields = {"n": 1, "long": "x" * LONG}
    stored = to_stored(fields) | documents.marks("chunks", "a", "b")
    assert documents.fields_of(snapshot(stored)) == fields
    assert documents.tokens_of(snapshot(stored)) == {"first": "a", "last": "b"}


@pytest.mark.parametrize("fields", [None, {}, {WRITES: "theirs"}])
def test_a_document_of_another_program_has_no_tokens(fields):
    assert documents.tokens_of(snapshot(fields)) == {}
    assert documents.fields_of(snapshot(fields)) == {}


def test_what_may_go_says_when_and_what_stays_does_not():
    for collection, kept in documents.KEPT.items():
        left = documents.marks(collection, None, "b")[EXPIRES] - datetime.now(UTC)
        assert kept - timedelta(minutes=5) < left <= kept
    assert EXPIRES not in documents.marks("ledger", None, "b")


def test_a_name_that_is_no_word_is_quoted_as_a_path():
    assert documents.path_of("usd") == "usd"
    assert documents.path_of("a.b") == "`a.b`"


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "__id7__", "n" * 1501, "\ud800"])
def test_keys_that_firestore_does_not_take_are_refused(key):
    with pytest.raises(BadRequest, match="cannot be a key"):
        documents.checked(key)
    assert documents.checked("r.00001") == "r.00001"


@given(json_documents)
def test_stored_form_of_any_document_gives_it_back(fields):
    assert from_stored(to_stored(fields)) == fields


def test_what_firestore_can_hold_is_stored_as_it_is():
    fields = {"text": "a", "n": 1, "x": 0.5, "map": {"a.b": [1, {"c": None}]}, "list": []}
    assert to_stored(fields) == fields


@pytest.mark.parametrize(
    "value", [[[1]], {"": 1}, {"__x__": 1}, 2**63, "x" * LONG, list(range(LONG)), {"a": [{"b": [[]]}]}]
)
def test_what_firestore_cannot_hold_is_packed(value):
    assert isinstance(to_stored({"x": value})["x"], bytes)
