"""Whatever a file's clock says: all sound, once, where it belongs, and no warning without a reason."""

import random

import numpy as np
import pytest

from tests.audio.clocks import flv, two_programs, webm
from tests.audio.media import FORMATS, RATE, Memory, chunk, lag, make, of_format, samples

SECONDS = 8.0


def decoded(sandbox, data, *, chunks=1):
    """The samples of a file, decoded in one chunk or in several, what the probe found, and all warnings."""
    source = Memory(data)
    info = sandbox.probe(source)
    if chunks == 1:
        pcm = sandbox.decode(source, info, chunk())
        return samples(pcm), info, [*info.warnings, *pcm.warnings]
    cuts = [info.duration * number / chunks for number in range(chunks + 1)]
    parts, warnings = [], [*info.warnings]
    for number in range(chunks):
        end = None if number == chunks - 1 else cuts[number + 1]
        pcm = sandbox.decode(source, info, chunk(cuts[number], end))
        begin = round(cuts[number] * RATE) - sum(len(one) for one in parts)
        heard = samples(pcm)[max(0, begin) :]
        wanted = len(heard) if end is None else round(end * RATE) - sum(len(one) for one in parts)
        parts.append(heard[:wanted])
        warnings += pcm.warnings
    return np.concatenate(parts), info, warnings


@pytest.fixture(scope="module")
def plain(sandbox):
    """The samples of the recording with a good clock."""
    return decoded(sandbox, webm(lambda _, time: time))[0]


def assert_same(heard, plain, *, tolerance=0.02, first=0.0, last=SECONDS):
    """Half-second stretches lie where they lie in the recording with the good clock."""
    for at in np.arange(first + 0.1, last - 0.7, 0.5):
        part = heard[round(at * RATE) : round((at + 0.5) * RATE)]
        assert abs(lag(part, plain, at)) <= tolerance, f"at {at:.1f} s"


def wobbling(most):
    noise = random.Random(7)
    return lambda _, time: max(0, time + noise.randint(-most, most))


GOOD = {
    "counts from 1970": lambda _, time: 1_700_000_000_000 + time,
    "concatenated in the third hour": lambda _, time: 10_800_000 + time,
    "wobbles by 40 ms": wobbling(40),
    "wobbles by 80 ms": wobbling(80),
    "comes in bursts": lambda _, time: time - time % 200,
    "the first stamp is wrong": lambda number, time: time if number else 1_800_000,
    "one stamp is wrong": lambda number, time: time if number != 170 else 1_800_000,
    "some stamps are wrong": lambda number, time: time if number % 90 != 50 else max(0, time - 3000),
}


@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("clock", GOOD)
def test_a_clock_that_is_only_unusual_changes_nothing(sandbox, plain, clock, chunks):
    heard, info, warnings = decoded(sandbox, webm(GOOD[clock]), chunks=chunks)
    assert info.duration == pytest.approx(SECONDS, abs=0.3)
    # Of a burst, a seek may lead to any packet.
    assert len(heard) / RATE == pytest.approx(SECONDS, abs=0.25 if "bursts" in clock else 0.15)
    assert_same(heard, plain, tolerance=0.2 if "bursts" in clock else 0.1 if "wobbles" in clock else 0.025)
    assert warnings == []


@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("codec", ["aac", "libmp3lame"])
def test_a_clock_of_flv_that_is_set_back_without_a_new_header_loses_nothing(sandbox, codec, chunks):
    data = make("flv", codec, seconds=SECONDS)
    back = flv(data, lambda _, time: time if time < 5000 else time - 3000)
    heard, info, warnings = decoded(sandbox, back, chunks=chunks)
    assert info.duration == pytest.approx(SECONDS, abs=0.2)
    assert_same(heard, decoded(sandbox, data)[0], tolerance=0.05)
    assert warnings == ["the file consists of 2 recordings, one after the other: all are transcribed"]


@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("back", [2000, 3900])
def test_a_clock_that_is_set_back_loses_nothing(sandbox, plain, back, chunks):
    data = webm(lambda number, time: time if number < 200 else time - back)
    heard, info, warnings = decoded(sandbox, data, chunks=chunks)
    assert info.duration == pytest.approx(SECONDS, abs=0.1)
    assert len(info.parts) == 2
    assert_same(heard, plain, tolerance=0.03)
    assert warnings[0] == "the file consists of 2 recordings, one after the other: all are transcribed"


def test_a_pause_of_hours_is_heard_once(sandbox, plain):
    data = webm(lambda number, time: time if number < 200 else time + 9_000_000)
    source = Memory(data)
    info = sandbox.probe(source)
    assert info.duration == pytest.approx(9008, abs=0.1)
    before = samples(sandbox.decode(source, info, chunk(0.0, 600.0)))
    after = samples(sandbox.decode(source, info, chunk(9000.0, None)))
    assert not before[round(4.1 * RATE) :].any()
    assert_same(before, plain, last=4.0)
    assert_same(np.concatenate([before[: 4 * RATE], after[4 * RATE :]]), plain)


def test_what_is_missing_in_the_middle_is_told(sandbox, plain):
    heard, info, warnings = decoded(sandbox, webm(lambda number, time: None if 150 <= number < 225 else time))
    assert info.duration == pytest.approx(SECONDS, abs=0.1)
    assert not heard[round(3.1 * RATE) : round(4.4 * RATE)].any()
    assert_same(heard, plain, first=4.6)
    assert len(warnings) == 1
    assert "1.5 s of sound are missing at 3.0 s" in warnings[0]


@pytest.mark.parametrize("chunks", [1, 3])
@pytest.mark.parametrize("name", ["webm", "webm-live", "ogg-opus", "ogg-flac", "mpegts", "mpeg", "mkv-flac"])
def test_two_recordings_in_one_file_are_both_heard(sandbox, name, chunks):
    container, codec, options = FORMATS[name]
    second = make(container, codec, **options, seconds=5.0)
    alone, _, _ = decoded(sandbox, of_format(name))
    heard, info, warnings = decoded(sandbox, of_format(name) + second, chunks=chunks)
    assert [round(one.duration) for one in info.parts] == [8, 5]
    assert info.duration == pytest.approx(13.0, abs=0.3)
    assert len(heard) / RATE == pytest.approx(info.duration, abs=0.1)
    assert_same(heard[: len(alone)], alone, last=7.5, tolerance=0.1)
    begin = round(info.parts[1].start * RATE)
    assert_same(heard[begin:], alone, last=4.5, tolerance=0.1)
    assert "2 recordings" in warnings[0]


def test_many_recordings_in_one_file_follow_one_another(sandbox):
    data = b"".join(make("ogg", "libopus", rate=48_000, seconds=one) for one in (2.0, 3.0, 2.5, 1.5))
    heard, info, _ = decoded(sandbox, data, chunks=2)
    assert [round(one.duration, 1) for one in info.parts] == [2.0, 3.0, 2.5, 1.5]
    assert len(heard) / RATE == pytest.approx(9.0, abs=0.1)


@pytest.mark.parametrize("name", FORMATS)
def test_no_healthy_recording_is_warned_about_or_taken_for_several(sandbox, name):
    heard, info, warnings = decoded(sandbox, of_format(name))
    assert warnings == []
    assert info.parts == ()
    assert len(heard) / RATE == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize("name", ["mpeg", "mpegts", "avi"])
def test_a_chunk_that_begins_inside_a_healthy_film_is_not_warned_about(sandbox, name):
    container, codec, options = FORMATS[name]
    source = Memory(make(container, codec, **options | {"seconds": 30.0}))
    info = sandbox.probe(source)
    for start in (9.0, 13.3, 17.0, 20.1, 24.6):
        assert sandbox.decode(source, info, chunk(start, start + 3.0, lead=4.0, tail=4.0)).warnings == ()


def test_sound_that_begins_after_the_pictures_is_as_much_later(sandbox):
    for name in ("mkv-video", "mpegts", "mp4-video"):
        container, codec, options = FORMATS[name]
        heard, _, _ = decoded(sandbox, make(container, codec, **options | {"late": 3.0}))
        loud = np.flatnonzero(np.abs(heard) > 50)
        assert loud[0] / RATE == pytest.approx(3.0, abs=0.15), name


def test_each_program_of_a_transport_stream_has_a_clock_of_its_own(sandbox):
    data = two_programs(700.0)
    for track in (0, 1):
        source = Memory(data)
        info = sandbox.probe(source, track=track)
        pcm = sandbox.decode(source, info, chunk(), track=track)
        assert (info.warnings, pcm.warnings, info.parts) == ((), (), ())
        assert len(samples(pcm)) / RATE == pytest.approx(SECONDS, abs=0.15)
