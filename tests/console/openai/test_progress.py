"""What is seen of recordings that are waited for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.openai import progress
from console.openai.intake import Ask
from console.openai.progress import Progress
from console.results import Results
from shared.errors import NewerVersion
from shared.flow import chunk, upload
from shared.flow.reading import live
from tests.world import heard


@pytest.fixture
def recording(world):
    world.media.info = replace(world.media.info, duration=150.0)
    return upload.on_upload(world.upload(), world.ports)


def done(world, recording, *indices):
    for index in indices:
        one = recording.chunks[index]
        chunk.commit_result(*heard(recording, one, f"part {index} of the talk"), world.ports)


def test_the_text_grows_with_the_chunks_for_those_who_want_it(world, recording):
    seen, (ask, plain) = (
        Progress(world.ports, Results()),
        (Ask(recording=recording.id, chunks=True), Ask(recording=recording.id)),
    )
    assert seen.look([ask])[ask].text == ""
    done(world, recording, 0)
    assert seen.look([ask, plain])[ask].text == "part 0 of the talk"
    assert seen.look([plain])[plain].text == ""
    done(world, recording, 1, 3)
    assert seen.look([ask])[ask].text == "part 0 of the talk part 1 of the talk"


def test_a_result_is_read_once(world, recording, monkeypatch):
    known = []

    def arrived(recording, ports, before):
        known.append(sorted(before))
        return original(recording, ports, before)

    original = live.arrived
    monkeypatch.setattr(live, "arrived", arrived)
    seen, ask = Progress(world.ports, Results()), Ask(recording=recording.id, chunks=True)
    done(world, recording, 0)
    for _ in range(3):
        seen.look([ask])
    done(world, recording, 1)
    seen.look([ask])
    assert known == [[], [0]]


def test_texts_of_few_recordings_are_kept(world, monkeypatch):
    monkeypatch.setattr(progress, "MOST", 1)
    seen, asks = Progress(world.ports, Results()), []
    for name in ("a.wav", "b.wav"):
        one = upload.on_upload(world.upload(name), world.ports)
        done(world, one, 0)
        asks.append(Ask(recording=one.id, chunks=True))
    found = seen.look(asks)
    assert [one.text for one in found.values()] == ["part 0 of the talk"] * 2
    assert list(seen._heard) == [asks[1].recording]


def test_what_cannot_be_read_does_not_hide_the_others(world, recording, monkeypatch):
    original = progress.documents.get_recording

    def get(records, key):
        if key == "newer":
            raise NewerVersion("there is no such state")
        return original(records, key)

    monkeypatch.setattr(progress.documents, "get_recording", get)
    asks = [Ask(recording="newer"), Ask(recording=recording.id), Ask(recording="nothing")]
    found = Progress(world.ports, Results()).look(asks)
    assert set(found) == set(asks[1:])
    assert found[asks[2]].recording is None
