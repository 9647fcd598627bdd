"""Sound for browsers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shared.audio import Pcm
from shared.errors import BadMedia, BadRequest
from shared.flow import forget, upload
from shared.flow.reading import rendition
from shared.model import Part
from shared.planning import plan
from tests.audio.test_rendition import clicks, heard, starts

LENGTH = 60.0


class Decoder:
    """Gives the stretches of one sound."""

    def __init__(self, media, **broken):
        self.info, self.probe, self.broken = media.info, media.probe, broken
        self.sound = clicks(LENGTH, 1.0)

    def decode(self, source, audio, chunk, *, track, both="no"):
        if (error := self.broken.get(f"chunk{chunk.index}")) is not None:
            raise error
        first, last = chunk.start - chunk.lead, min(chunk.end + chunk.tail, LENGTH)
        samples = self.sound[round(first * 16_000) : round(last * 16_000)]
        return Pcm(samples=samples.tobytes(), start=-chunk.lead, owned=min(chunk.end, LENGTH) - chunk.start)


@pytest.fixture
def recording(world):
    found = upload.on_upload(world.upload(), world.ports)
    assert found.audio is not None
    return replace(found, chunks=plan.split(found.audio, 1000, 13.0, "parakeet-cpu"))


def made(world, recording, **broken):
    ports = replace(world.ports, media=Decoder(world.media, **broken))
    found = rendition.make(recording, ports)
    return heard(ports.store.read(found, 0, found.size))


@pytest.mark.parametrize("split", ["time", "bytes"])
def test_each_moment_is_where_the_transcript_says_and_comes_once(world, recording, split):
    assert recording.audio is not None
    audio = replace(recording.audio, splittable_by=split, first_byte=0, last_byte=60_000)
    several = plan.split(audio, 60_000, 13.0, "parakeet-cpu")
    rate, found = made(world, replace(recording, chunks=several))
    assert starts(found, rate) == pytest.approx(np.arange(60), abs=0.01)


def test_a_stretch_that_cannot_be_decoded_is_silence(world, recording):
    error = BadMedia("undecodable", "scrambled")
    rate, found = made(world, recording, chunk1=error)
    second = recording.chunks[1]
    wanted = [one for one in range(60) if not second.start <= one < second.end]
    assert [round(one) for one in starts(found, rate)] == wanted


def test_it_is_made_once_and_deleted_with_the_recording(world, recording):
    assert rendition.kept(recording, world.ports) is None
    ports = replace(world.ports, media=Decoder(world.media))
    first = rendition.make(recording, ports)
    assert rendition.kept(recording, world.ports) == first == rendition.make(recording, ports)
    forget.forget(recording.id, world.ports)
    assert rendition.kept(recording, world.ports) is None


def test_a_file_that_is_gone_and_a_recording_without_a_plan_say_so(world, recording):
    with pytest.raises(BadMedia, match="gone"):
        made(world, recording, chunk0=BadMedia("missing", "gone"))
    with pytest.raises(BadRequest, match="Listen to the file"):
        rendition.make(replace(recording, chunks=()), world.ports)
    assert rendition.kept(recording, world.ports) is None


@pytest.mark.parametrize(
    ("format_", "codec", "more", "gets_one"),
    [
        ("wav", "pcm_s16le", {}, False),
        ("mov", "aac", {}, False),
        ("ogg", "opus", {}, False),
        ("flac", "flac", {}, False),
        ("mp3", "mp3", {}, True),
        ("aac", "aac", {}, True),
        ("ogg", "vorbis", {"exact": False}, True),
        ("wav", "adpcm_ms", {}, True),
        ("mov", "alac", {}, True),
        ("amr", "amr_nb", {}, True),
        ("asf", "wmav2", {}, True),
        ("matroska", "opus", {}, True),
        ("mov", "aac", {"tracks": 2}, True),
        (
            "wav",
            "pcm_s16le",
            {"parts": (Part(first_byte=0, last_byte=9, header=0, start=0.0, duration=1.0, origin=0.0),)},
            True,
        ),
    ],
)
def test_what_browsers_cannot_play_or_seek_in_gets_one(recording, format_, codec, more, gets_one):
    audio = replace(recording.audio, format=format_, codec=codec, **more)
    assert rendition.wanted(replace(recording, audio=audio)) is gets_one
    assert rendition.wanted(replace(recording, audio=None)) is True
