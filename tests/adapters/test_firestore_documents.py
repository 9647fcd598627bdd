"""Keys of documents, and what is stored beside their fields."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from shared.adapters import firestore_documents as documents
from shared.adapters.firestore_values import EXPIRES, LONG, WRITES, to_stored
from shared.errors import BadRequest


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
