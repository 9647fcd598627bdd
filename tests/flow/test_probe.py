"""What a probe gets to see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.errors import BadMedia
from shared.flow import probe
from shared.model import Options, StoredObject


def test_an_empty_file_is_refused_before_anything_is_read(world):
    source = StoredObject(bucket="audio", name="a.mp3", generation=1, size=0)
    with pytest.raises(BadMedia, match="empty") as refused:
        probe.look_at(source, Options(), world.ports)
    assert refused.value.code == "empty"
    assert world.media.probes == 0


def test_the_bytes_come_by_range_with_the_bare_name_and_the_track(world):
    world.upload("calls/talk.wav", b"0123456789")
    seen = []

    class Media:
        def probe(self, source, *, name, track, both="no"):
            seen.append((source.size, source.read(2, 3), name, track))
            return world.media.info

    ports = replace(world.ports, media=Media())
    source = world.ports.store.stat("audio", "calls/talk.wav")
    assert probe.look_at(source, Options(track=1), ports) == world.media.info
    assert seen == [(10, b"234", "talk.wav", 1)]
