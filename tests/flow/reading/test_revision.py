"""Corrected transcripts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from shared.errors import BadRequest, StoreUnavailable
from shared.flow import forget
from shared.flow.reading import finished, revision
from shared.flow.reading.corrections import Edit
from shared.flow.reading.revision import Correction, StaleRevision
from shared.state import audit, documents
from tests.outputs.streams import said_by, spoken, together


def fix(text, based_on=0, **more):
    return Correction(based_on=based_on, edits=(Edit(first=1, stop=2, text=text),), author="ada", **more)


def texts(found):
    return [one.text for one in found.words]


def stored(world, names):
    return {name: world.ports.store.load("transcripts", name) for name in names}


def test_a_revision_has_all_output_files_beside_those_of_the_machine_which_stay(world, done):
    before = stored(world, done.outputs)
    made = revision.create(done.id, fix("evening,", speakers={1: "Ann"}, note="a\nname"), world.ports)
    assert (made.number, made.author, made.note, made.words) == (1, "ada", "a name", done.words)
    assert [one.rpartition("/")[2] for one in made.outputs] == [
        one.rpartition("/")[2] for one in done.outputs
    ]
    folder = done.outputs[0].rpartition("/")[0]
    assert all(one.startswith(f"{folder}/revisions/1-") for one in made.outputs)
    assert stored(world, done.outputs) == before
    found = revision.transcript(done, 1, world.ports)
    machine = revision.transcript(done, 0, world.ports)
    assert texts(found)[:3] == ["Good", "evening,", "everybody"]
    assert [one.start for one in found.words] == [one.start for one in machine.words]
    assert (found.revision, found.speakers) == (1, {1: "Ann"})
    text = stored(world, made.outputs)[next(one for one in made.outputs if one.endswith(".txt"))]
    assert b"Good evening, everybody" in text
    (entry,) = [one for _, one in audit.entries(world.ports.records)]
    assert (entry.who, entry.action, entry.about) == ("ada", "revise", (done.id,))


def test_revisions_follow_one_another_and_keep_names_until_they_are_changed(world, done):
    revision.create(done.id, fix("evening", speakers={1: "Ann", 2: "Bo"}), world.ports)
    second = revision.create(done.id, fix("morning", 1, speakers={2: ""}), world.ports)
    assert [one.number for one in revision.every(done.id, world.ports)] == [1, 2]
    found = revision.transcript(done, second.number, world.ports)
    assert (texts(found)[1], found.speakers) == ("morning", {1: "Ann"})
    assert texts(revision.transcript(done, 1, world.ports))[1] == "evening"


def test_the_second_of_two_editors_gets_both_texts_and_leaves_nothing(world, done):
    first = revision.create(done.id, fix("evening"), world.ports)
    before = {one.name for one in world.ports.store.list("transcripts")}
    with pytest.raises(StaleRevision, match="revision 1 is the newest") as refused:
        revision.create(done.id, fix("morning"), world.ports)
    assert texts(refused.value.theirs)[1] == "evening"
    assert texts(refused.value.yours)[1] == "morning"
    assert {one.name for one in world.ports.store.list("transcripts")} == before
    assert revision.every(done.id, world.ports) == [first]


def test_of_many_at_once_one_is_first_and_all_others_are_told(world, done):
    def save(number):
        try:
            return revision.create(done.id, fix(f"word{number}"), world.ports)
        except StaleRevision as error:
            return error

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(save, range(8)))
    (made,) = [one for one in found if isinstance(one, revision.Revision)]
    assert {texts(one.theirs)[1] for one in found if isinstance(one, StaleRevision)} == {
        texts(revision.transcript(done, 1, world.ports))[1]
    }
    assert revision.every(done.id, world.ports) == [made]


def test_what_broke_off_before_it_counted_is_made_by_asking_again_and_once(world, done, monkeypatch):
    real = world.ports.records.create

    def broken(collection, key, fields):
        if collection == documents.REVISIONS:
            raise StoreUnavailable("no answer")
        return real(collection, key, fields)

    monkeypatch.setattr(world.ports.records, "create", broken)
    with pytest.raises(StoreUnavailable):
        revision.create(done.id, fix("evening"), world.ports)
    assert revision.every(done.id, world.ports) == []
    monkeypatch.undo()
    made = revision.create(done.id, fix("evening"), world.ports)
    world.clock.time += 60
    assert revision.create(done.id, fix("evening"), world.ports) == made


def test_what_is_not_there_is_refused(world, done):
    for key, correction in [
        ("nobody", fix("a")),
        (done.id, fix("a", 7)),
        (done.id, fix("a", -1)),
        (done.id, Correction(based_on=0, speakers={0: "Ann"})),
        (done.id, Correction(based_on=0, edits=(Edit(first=0, stop=99999, text="a"),))),
    ]:
        with pytest.raises(BadRequest):
            revision.create(key, correction, world.ports)
    assert revision.every(done.id, world.ports) == []


@pytest.mark.parametrize("length", [3, 985])
def test_forget_deletes_all_of_them_also_those_with_long_names(world, done, length, monkeypatch):
    long = replace(done, source=replace(done.source, name="n" * length))
    documents.overwrite(documents.RECORDINGS, done.id, lambda _: long, world.ports.records)
    made = revision.create(done.id, fix("evening"), world.ports)
    assert all(len(name) <= 1024 for name in made.outputs)
    monkeypatch.setattr(world.ports.store, "stat", lambda *_: None)
    forget.forget(done.id, world.ports)
    assert not {one.name for one in world.ports.store.list("transcripts")} & set(made.outputs)
    assert revision.every(done.id, world.ports) == []


def test_edits_count_paragraph_after_paragraph_where_people_talk_at_once(world, done, monkeypatch):
    one = said_by(spoken("We kept the boats in winter."), [1])
    two = said_by(spoken("Nobody told me that.", start=0.95), [2])
    machine = replace(revision.transcript(done, 0, world.ports), words=tuple(together(one, two)))
    monkeypatch.setattr(finished, "transcript", lambda *_: machine)
    edit = Edit(first=3, stop=6, text="ships all summer.")
    made = revision.create(done.id, Correction(based_on=0, edits=(edit,), author="ada"), world.ports)
    text = stored(world, made.outputs)[next(one for one in made.outputs if one.endswith(".txt"))]
    assert text.decode() == "Speaker 1: We kept the ships all summer.\n\nSpeaker 2: Nobody told me that.\n"
    table = stored(world, made.outputs)[next(one for one in made.outputs if one.endswith("words.csv"))]
    starts = [float(line.split(",")[0]) for line in table.decode().splitlines()[1:]]
    assert starts == sorted(starts)
