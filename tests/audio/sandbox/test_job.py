"""Whatever goes wrong, the owner is told whether it is the file or a fault of ours."""

import struct

import av
import pytest

from shared.audio.sandbox import wire
from shared.audio.sandbox.job import outcome
from shared.audio.types import Limits
from shared.errors import BadMedia
from shared.messages import decode
from tests.audio.media import Memory, make


def job(error, **changes):
    """The frame with which a job ends whose parser raises an error."""

    class Failing:
        def at(self, *_):
            raise error

        size = 10

    frame = outcome(wire.Job(size=10, name="", track=0, limits=Limits(), **changes), Failing(), None)
    assert frame[:1] == wire.BAD
    return decode(frame[1:], wire.Refusal)


@pytest.mark.parametrize(
    "error", [ImportError("no module"), OSError(1, "not permitted"), AttributeError("no such")]
)
def test_a_fault_of_ours_is_not_told_as_a_damaged_file(error):
    told = job(error)
    assert told.code == "internal"
    assert "fault in Dropscribe" in told.message
    assert "damaged" not in told.message


@pytest.mark.parametrize(
    "error",
    [ValueError("odd"), IndexError("short"), struct.error("short"), av.error.InvalidDataError(1, "invalid")],
)
def test_what_damaged_bytes_break_is_told_as_damage(error):
    told = job(error)
    assert told.code == "undecodable"
    assert "probably damaged" in told.message


def test_what_a_file_makes_us_say_is_one_printable_line():
    told = job(BadMedia("undecodable", "named \x1b]0;owned\x07\r\n" + "x" * 5000))
    assert told.message.startswith(r"named \x1b]0;owned\x07\r\nx")
    assert len(told.message) == 2000


def test_a_header_that_says_what_no_recording_has_is_damaged(sandbox):
    data = bytearray(make("flac", "flac", seconds=1.0))
    data[21] |= 0x0F  # with the four bytes after it: the number of samples
    data[22:26] = b"\xff\xff\xff\xff"
    data[18:21] = bytes((0, 0, 0x10 | data[20] & 0x0F))  # one sample a second
    with pytest.raises(BadMedia, match="no recording has") as raised:
        sandbox.probe(Memory(bytes(data)))
    assert raised.value.code == "undecodable"
