"""JSON documents as Firestore's fields and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.firestore_values import LONG, OURS, from_stored, to_stored

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

documents = st.dictionaries(names, values, max_size=6)


@given(documents)
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
