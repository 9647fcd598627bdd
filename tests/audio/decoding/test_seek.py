"""The packets of a chunk begin shortly before it, whatever the container can do."""

from fractions import Fraction
from types import SimpleNamespace

import av
import pytest

from shared.audio.decoding.seek import packets_from
from shared.audio.files.reader import Reader
from shared.audio.probing.ffmpeg import choose_stream, open_container
from tests.audio.media import Memory, make, of_format


class Container:
    """Packets of 20 ms, of which a seek finds those from a multiple of so many seconds on."""

    def __init__(self, *, every=0.02, seconds=60.0, refuses=lambda ticks: False):
        self.every, self.count, self.refuses, self.at = every, round(seconds * 50), refuses, 0
        self.stream = SimpleNamespace(index=0, time_base=Fraction(1, 1000), start_time=0)
        self.streams = SimpleNamespace(audio=[self.stream])
        self.seeks = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def seek(self, ticks, *, stream):
        self.seeks.append(ticks)
        if self.refuses(ticks):
            raise av.error.PermissionError(1, "no")
        self.at = round(ticks / 1000 // self.every * self.every * 50)

    def demux(self, stream):
        while self.at < self.count:
            self.at += 1
            yield SimpleNamespace(pts=(self.at - 1) * 20)


def first(container, begin, reopen=None):
    packets = packets_from(
        begin, container, container.stream, origin=0.0, demuxer="ogg", reopen=reopen or (lambda: container)
    )
    return next(packets).pts / 1000


def test_they_begin_a_third_of_a_second_before():
    assert first(Container(), 30.0) == pytest.approx(29.7, abs=0.021)


def test_the_first_chunk_is_read_from_the_beginning_without_a_seek():
    container = Container()
    assert first(container, 0.2) == 0.0
    assert container.seeks == []


def test_a_container_that_is_sought_in_coarsely_is_read_from_where_it_leads():
    assert first(Container(every=7.0), 30.0) == 28.0


class Late(Container):
    """Leads to later than it was asked for."""

    def __init__(self, by):
        super().__init__()
        self.by = by

    def seek(self, ticks, *, stream):
        super().seek(ticks + round(1000 * self.by) if ticks else 0, stream=stream)


def test_a_seek_that_leads_too_far_is_tried_again_from_further_back_and_then_from_the_beginning():
    assert first(Late(5.0), 30.0) == pytest.approx(20.0, abs=0.021)
    assert first(Late(20.0), 30.0) == 0.0


def test_a_container_without_seeking_is_read_from_the_beginning():
    assert first(Container(refuses=lambda ticks: ticks > 0), 30.0) == 0.0


def test_a_container_that_cannot_go_back_is_opened_again():
    again = Container()
    assert first(Container(refuses=lambda ticks: True), 30.0, lambda: again) == 0.0
    assert again.at == 1


@pytest.mark.parametrize("name", ["m4a", "mp4-fragmented", "webm-live", "flac"])
@pytest.mark.parametrize("begin", [2.0, 5.9])
def test_in_a_recording_the_first_packet_is_just_before(name, begin):
    data = of_format(name)
    demuxer = {"m4a": "mov", "mp4-fragmented": "mov", "flac": "flac"}.get(name, "matroska")
    reader = Reader(Memory(data).read, len(data))
    with open_container(reader, demuxer, probing=False) as container:
        stream = choose_stream(container, 0)
        packets = packets_from(begin, container, stream, origin=0.0, demuxer=demuxer, reopen=None)
        time = float(next(packets).pts * stream.time_base)
        assert begin - 0.5 < time <= begin - 0.3


def test_behind_the_end_of_a_cut_file_the_last_packets_are_read_not_all():
    data = make("ipod", "aac", seconds=8.0, muxing={"movflags": "faststart"})
    data = data[: len(data) * 6 // 10]
    reader = Reader(Memory(data).read, len(data))
    with open_container(reader, "mov", probing=False) as container:
        stream = choose_stream(container, 0)
        packets = list(packets_from(7.5, container, stream, origin=0.0, demuxer="mov", reopen=None))
    times = [float(one.pts * stream.time_base) for one in packets if one.pts is not None]
    assert 4.0 < times[0] < 5.5
    assert len(times) <= 2
