"""A store against its model: a dictionary."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from shared.errors import BadMedia
from tests.contract.machines import COLUMNS, Machine, play

NAMES = (
    *("a", "a.mp3", "b/a", "b/a.b/c", "A", "a b", "a%2Fb", "é", "..", "x/../y", "b//b"),
    *("z" * 300, ".hidden", "%="),
)
"""Some that no file can have."""

TYPE = "application/octet-stream"

names = st.sampled_from(NAMES)
contents = st.binary(max_size=40)


class StoreMachine(Machine):
    def __init__(self, case):
        super().__init__(case)
        self.prefix = f"machine-{self.number}/"
        self.model = {}
        """Bytes by name."""
        self.seen = {}
        """Every object that was ever looked at, by its name and generation."""

    def look(self, name):
        found = self.port.stat("work", self.prefix + name)
        if name not in self.model:
            assert found is None
            return None
        assert (found.bucket, found.name, found.size) == ("work", self.prefix + name, len(self.model[name]))
        self.seen[name, found.generation] = found
        return found

    @rule(name=names, data=contents)
    def create(self, name, data):
        assert self.port.create("work", self.prefix + name, data, TYPE) == (name not in self.model)
        self.model.setdefault(name, data)
        self.look(name)

    @rule(objects=st.dictionaries(names, contents, max_size=4))
    def create_all(self, objects):
        given = {self.prefix + name: (data, TYPE) for name, data in objects.items()}
        made = self.port.create_all("work", given)
        assert made == {self.prefix + name for name in objects if name not in self.model}
        self.model = objects | self.model

    @rule(name=names)
    def load(self, name):
        assert self.port.load("work", self.prefix + name) == self.model.get(name)

    @rule(name=names)
    def stat(self, name):
        self.look(name)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), length=st.integers(1, 45))
    def read(self, data, length):
        name = data.draw(st.sampled_from(sorted(self.model)))
        start = data.draw(st.integers(0, len(self.model[name]) + 5))
        assert self.port.read(self.look(name), start, length) == self.model[name][start : start + length]

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def read_or_delete_a_generation(self, data):
        name, generation = data.draw(st.sampled_from(sorted(self.seen)))
        live = self.look(name)
        if live is None or live.generation != generation:
            # Cloud Storage is not asked for bytes that an object never had.
            if self.seen[name, generation].size:
                with pytest.raises(BadMedia) as raised:
                    self.port.read(self.seen[name, generation], 0, 1)
                assert raised.value.code == "missing"
            assert not self.port.delete("work", self.prefix + name, generation)
        else:
            assert self.port.delete("work", self.prefix + name, generation)
            del self.model[name]
        self.look(name)

    @rule(inside=st.sampled_from(["", "a", "b/", "b/a", "é", "no"]))
    def list(self, inside):
        found = [one.name for one in self.port.list("work", self.prefix + inside)]
        assert found == sorted(self.prefix + name for name in self.model if name.startswith(inside))

    def teardown(self):
        for name in itertools.chain(NAMES, ["never-made"]):
            self.load(name)


@pytest.mark.parametrize("store", COLUMNS, indirect=True)
def test_a_store_is_a_dictionary(store, request):
    play(StoreMachine, store, is_here="local" in request.node.name)
