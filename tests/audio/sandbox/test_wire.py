"""Frames are told apart by their first byte, and jobs survive the way."""

from shared.audio.sandbox import wire
from shared.audio.types import Limits
from shared.messages import decode, encode
from shared.model import AudioInfo
from tests.audio.media import chunk


def test_every_kind_of_frame_has_a_byte_of_its_own():
    kinds = (
        *(wire.JOB, wire.NEXT, wire.ANSWER, wire.BYTES, wire.ABORT),
        *(wire.HELLO, wire.READ, wire.PCM, wire.DONE, wire.BAD, wire.EXIT),
    )
    assert {len(kind) for kind in kinds} == {1}
    assert len(set(kinds)) == len(kinds)


def test_a_job_is_the_same_on_the_other_side():
    audio = AudioInfo(
        format="mov",
        codec="aac",
        sample_rate=44_100,
        channels=2,
        duration=3.0,
        exact=True,
        splittable_by="time",
    )
    job = wire.Job(size=5, name="a", track=1, limits=Limits(memory_mb=7), audio=audio, chunk=chunk(1.0, 2.0))
    assert decode(encode(job), wire.Job) == job
