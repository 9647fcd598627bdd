"""The last fragment of an mp4 tells its length."""

import pytest

from shared.audio.files.reader import Reader
from shared.audio.probing import isobmff
from tests.audio.media import Memory, make


def probe(data, track=0):
    source = Memory(data)
    reader = Reader(source.read, len(data), max_read=64 * 1024)
    return isobmff.probe(reader, track), reader


@pytest.mark.parametrize("muxing", [
    {"movflags": "frag_keyframe+empty_moov", "frag_duration": "500000"},
    {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"},
    {"movflags": "dash+global_sidx", "frag_duration": "500000"},
])  # fmt: skip
def test_fragments_are_measured_at_the_tail(muxing):
    info, _ = probe(make("mp4", "aac", seconds=6.0, muxing=muxing))
    assert info.duration == pytest.approx(6.0, abs=0.1)
