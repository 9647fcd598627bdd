"""Records against their model: a dictionary."""

from __future__ import annotations

import json

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.contract.machines import COLUMNS, Machine, play

KEYS = ("a", "a.1", "a0", "B", "10", "9", "é", "z-z", "𝄞")
"""Their order is that of their bytes."""

numbers = st.integers(-1000, 1000) | st.sampled_from([0.5, -2.25, 1.0, 0.0])
scalars = numbers | st.booleans() | st.none() | st.sampled_from(["", "1", "true", "été", 'a"\\\n'])
values = st.recursive(
    scalars | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y z"]), inner, max_size=2)
    ),
    max_leaves=6,
)
documents = st.fixed_dictionaries({}, optional={"n": scalars, "s": scalars, "inside": values})
numbered = st.fixed_dictionaries({"n": numbers}, optional={"s": scalars})
wheres = st.none() | st.fixed_dictionaries({}, optional={"n": scalars, "s": scalars})
keys = st.sampled_from(KEYS)


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_same(one, other):
    """As conditions compare: 1 is 1.0, but neither True nor "1"."""
    return (
        one == other and (is_number(one) or type(one) is type(other)) and is_number(one) == is_number(other)
    )


def exactly(fields):
    """A document as text, so that 1 differs from True."""
    return json.dumps(fields, sort_keys=True)


class RecordsMachine(Machine):
    def __init__(self, case):
        super().__init__(case)
        self.collection = f"machine{self.number}"
        self.model = {}

    def found(self, where):
        """What the model finds, in order of the keys."""
        return [
            (key, fields)
            for key, fields in sorted(self.model.items(), key=lambda one: one[0].encode())
            if all(name in fields and is_same(fields[name], value) for name, value in (where or {}).items())
        ]

    @initialize(given=st.dictionaries(keys, numbered | documents, max_size=4))
    def begin_with(self, given):
        """Otherwise most histories have a document or two at a time: too few for an order."""
        for key, fields in given.items():
            self.create(key, fields)

    @rule(key=keys, fields=documents)
    def create(self, key, fields):
        assert self.port.create(self.collection, key, fields) == (key not in self.model)
        self.model.setdefault(key, fields)

    @rule(key=keys)
    def get(self, key):
        assert exactly(self.port.get(self.collection, key)) == exactly(self.model.get(key))

    @rule(key=keys, fields=documents)
    def replace(self, key, fields):
        self._update(key, lambda _: fields)

    @rule(key=keys, value=values)
    def change_one_field(self, key, value):
        self._update(key, lambda stored: stored | {"inside": value})

    @rule(key=keys)
    def leave(self, key):
        self._update(key, lambda _: None)

    @rule(key=keys)
    def spoil_the_copy(self, key):
        self._update(key, lambda stored: stored.clear())

    def _update(self, key, change):
        if key in self.model:
            after = change(json.loads(json.dumps(self.model[key])))
            self.model[key] = self.model[key] if after is None else after
        got = self.port.update(self.collection, key, change)
        assert exactly(got) == exactly(self.model.get(key))

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data):
        key = data.draw(st.sampled_from(sorted(self.model)) | keys)
        seen = data.draw(
            st.none() | st.just(self.model.get(key)) | st.sampled_from(list(self.model.values()))
        )
        goes = key in self.model and seen in (None, self.model[key])
        assert self.port.delete(self.collection, key, seen=seen) == goes
        if goes:
            del self.model[key]

    @rule(where=wheres, after=st.just("") | keys)
    def query(self, where, after):
        wanted = [one for one in self.found(where) if one[0].encode() > after.encode()]
        found = list(self.port.query(self.collection, where, after=after))
        assert exactly(found) == exactly(wanted)

    @rule(where=wheres, limit=st.integers(1, 4), data=st.data())
    def newest(self, where, limit, data):
        ends = [(fields["n"], key) for key, fields in self.model.items() if is_number(fields.get("n"))]
        before = data.draw(
            st.none() | st.tuples(numbers, keys) | (st.sampled_from(ends) if ends else st.none())
        )
        numbered = [one for one in self.found(where) if is_number(one[1].get("n"))]
        numbered.sort(key=lambda one: (one[1]["n"], one[0].encode()), reverse=True)
        if before is not None:
            end = before[0], before[1].encode()
            numbered = [one for one in numbered if (one[1]["n"], one[0].encode()) < end]
        found = self.port.newest(self.collection, "n", limit, where, before=before)
        assert exactly(found) == exactly(numbered[:limit])

    @rule(where=wheres)
    def count_and_sum(self, where):
        found = self.found(where)
        assert self.port.count(self.collection, where) == len(found)
        total = sum(fields["n"] for _, fields in found if is_number(fields.get("n")))
        assert self.port.sum(self.collection, "n", where) == total

    def teardown(self):
        for key in KEYS:
            self.get(key)


@pytest.mark.parametrize("records", COLUMNS, indirect=True)
def test_records_are_a_dictionary(records, request):
    play(RecordsMachine, records, is_here="local" in request.node.name)
