"""Every format decodes, from any place, to the same sound at the same time."""

import numpy as np
import pytest

from shared.errors import BadMedia
from tests.audio.media import FORMATS, RATE, Memory, chunk, lag, make, of_format, samples, sound, spans

LATE = {
    "mp3-no-header", "mp3-vbr-no-header", "mp2", "aac", "mp4-fragmented", "3gp", "wma", "amr", "avi", "flv", "mpegts",
    "mpeg", "ac3",
}  # fmt: skip
"""Files that do not say by how much their encoder came late: up to one or two frames, and nobody can tell."""


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_decodes_to_the_same_sound_from_the_start_and_from_the_middle(sandbox, name):
    source = Memory(of_format(name))
    info = sandbox.probe(source, name=name)
    assert info.duration == pytest.approx(8.0, abs=0.15 if info.exact else 0.8)
    whole = sandbox.decode(source, info, chunk())
    assert whole.owned == pytest.approx(8.0, abs=0.15)
    assert whole.seconds == pytest.approx(whole.owned, abs=0.001)
    heard = samples(whole)
    reference = sound(RATE, 8.0)
    assert abs(lag(reference[RATE : 5 * RATE], heard, 1.0)) < (0.06 if name in LATE else 0.0005)
    if info.splittable_by == "bytes":
        parts = [(sandbox.decode(source, info, chunk(span=one)), 0.0) for one in spans(info, 3, overlap=8000)]
        at = 0.0
        for part, _ in parts:
            middle = samples(part)
            assert abs(lag(middle[RATE : 2 * RATE], heard, at + part.start + 1.0)) < 0.003
            at += part.owned
        assert at == pytest.approx(whole.owned, abs=1e-6)
        return
    for start, end in ((2.5, 4.0), (5.3, 6.1)):
        part = sandbox.decode(source, info, chunk(start, end, lead=1.0, tail=0.5))
        assert part.start == pytest.approx(-1.0)
        assert part.owned == pytest.approx(end - start)
        assert part.seconds == pytest.approx(end - start + 1.5, abs=1e-3)
        middle = samples(part)
        assert abs(lag(middle[1600:-1600], heard, start - 1.0 + 0.1)) < 0.003


def test_chunks_by_time_own_the_whole_recording_without_gap_or_overlap(sandbox):
    source = Memory(make("ipod", "aac", seconds=8.0))
    info = sandbox.probe(source)
    owned = [
        sandbox.decode(source, info, chunk(a, b, lead=0.5, tail=0.5)).owned
        for a, b in ((0.0, 3.0), (3.0, 6.0), (6.0, None))
    ]
    assert owned[:2] == [3.0, 3.0]
    assert sum(owned) == pytest.approx(sandbox.decode(source, info, chunk()).owned)


def test_the_second_audio_track_is_decoded_when_asked_for(sandbox):
    source = Memory(make("matroska", "flac", tracks=2, seconds=2.0))
    info = sandbox.probe(source, track=1)
    assert info.tracks == 2
    assert sandbox.decode(source, info, chunk(), track=1).owned == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    ("container", "codec"), [("flac", "flac"), ("webm", "libopus"), ("matroska", "flac")]
)
def test_a_cut_file_gives_what_is_there_and_says_where_it_stops(sandbox, container, codec):
    data = make(container, codec, rate=48_000)
    source = Memory(data[: len(data) // 2])
    info = sandbox.probe(source)
    pcm = sandbox.decode(source, info, chunk())
    assert 2.0 < pcm.owned < 6.0
    assert pcm.warnings[0] == f"the audio stops at {pcm.owned:.1f} s, the header promised 8.0 s"
    beyond = sandbox.decode(source, info, chunk(7.0, 8.0, lead=1.0))
    assert beyond.owned == 0.0
    assert beyond.warnings == pcm.warnings


def test_a_part_before_the_end_of_a_cut_file_has_no_warning(sandbox):
    data = make("flac", "flac")
    source = Memory(data[: len(data) // 2])
    info = sandbox.probe(source)
    assert sandbox.decode(source, info, chunk(0.0, 1.0, tail=0.5)).warnings == ()


@pytest.mark.parametrize(("container", "codec"), [("wv", "wavpack"), ("tta", "tta"), ("au", "pcm_s16be")])
def test_what_lies_behind_a_part_is_no_concern_of_its_warnings(sandbox, container, codec):
    data = make(container, codec)
    source = Memory(data[: len(data) * 3 // 4])
    info = sandbox.probe(Memory(data))
    assert sandbox.decode(source, info, chunk(2.0, 4.0, tail=0.5)).warnings == ()


@pytest.mark.parametrize(("container", "codec"), [("ipod", "aac"), ("ogg", "libopus"), ("flac", "flac")])
def test_damage_is_silent_and_moves_nothing_after_it(sandbox, container, codec):
    data = make(container, codec, rate=48_000)
    whole = Memory(data)
    info = sandbox.probe(whole)
    heard = samples(sandbox.decode(whole, info, chunk()))
    middle = len(data) // 2
    rubbish = np.random.default_rng(1).bytes(1500)
    broken = sandbox.decode(Memory(data[:middle] + rubbish + data[middle + 1500 :]), info, chunk())
    assert broken.seconds == pytest.approx(len(heard) / RATE, abs=0.06)
    assert abs(lag(samples(broken)[6 * RATE : 7 * RATE], heard, 6.0)) < 0.003


def test_a_header_without_sound_is_undecodable(sandbox):
    data = make("flac", "flac")
    info = sandbox.probe(Memory(data))
    with pytest.raises(BadMedia, match="Nothing in this file decodes") as raised:
        sandbox.decode(Memory(data[:4000] + bytes(len(data) - 4000)), info, chunk())
    assert raised.value.code == "undecodable"


def test_a_change_of_rate_and_layout_in_the_middle_survives(sandbox):
    first = make("adts", "aac", rate=44_100, layout="stereo", seconds=2.0)
    second = make("adts", "aac", rate=22_050, layout="mono", seconds=2.0)
    source = Memory(first + second)
    info = sandbox.probe(source)
    pcm = sandbox.decode(source, info, chunk())
    assert pcm.owned == pytest.approx(4.1, abs=0.1)
    assert pcm.seconds == pytest.approx(pcm.owned, abs=0.002)


def test_very_short_recordings_decode(sandbox):
    for container, codec in (
        ("wav", "pcm_s16le"),
        ("mp3", "libmp3lame"),
        ("adts", "aac"),
        ("webm", "libopus"),
    ):
        source = Memory(make(container, codec, rate=48_000, seconds=0.2))
        assert sandbox.decode(source, sandbox.probe(source), chunk()).owned == pytest.approx(0.2, abs=0.07)


@pytest.mark.parametrize(("order", "kind"), [("01", "<i2"), ("10", ">i2")])
def test_sphere_files_are_read_in_which_speech_corpora_come(sandbox, order, kind):
    tone = (8000 * np.sin(np.arange(2 * RATE) * 0.3)).astype(np.int16)
    head = (
        f"NIST_1A\n   1024\nsample_count -i {len(tone)}\nsample_n_bytes -i 2\nchannel_count -i 1\n"
        f"sample_byte_format -s2 {order}\nsample_rate -i {RATE}\nsample_coding -s3 pcm\nend_head\n"
    )
    source = Memory(head.encode().ljust(1024) + tone.astype(kind).tobytes())
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(2.0)
    assert np.array_equal(np.frombuffer(sandbox.decode(source, info, chunk()).samples, np.int16), tone)
    middle = sandbox.decode(source, info, chunk(0.5, 1.0))
    assert np.array_equal(np.frombuffer(middle.samples, np.int16), tone[RATE // 2 : RATE])
