"""What one sweep leaves to the next."""

from __future__ import annotations

from shared.state import sweep_notes
from shared.state.sweep_notes import WORKERS, Note


def test_before_the_first_look_there_is_no_note(world):
    assert sweep_notes.read("r", world.ports) is None


def test_a_note_replaces_the_one_before_it_and_no_other(world):
    for done in (1, 2):
        sweep_notes.write("r", Note(done=done, since=5.0, looked=0.0, tries=done), world.ports)
    sweep_notes.write(WORKERS, Note(done=9, since=6.0, looked=7.0), world.ports)
    assert sweep_notes.read("r", world.ports) == Note(done=2, since=5.0, looked=0.0, tries=2)
    assert sweep_notes.read(WORKERS, world.ports).looked == 7.0
