"""Whatever goes wrong, the owner is told whether it is the file or a fault of ours."""

import struct
from types import SimpleNamespace

import av
import pytest

from shared.audio.sandbox import checks, wire
from shared.audio.sandbox.job import outcome
from shared.audio.types import Decoded, Limits
from shared.errors import BadMedia
from shared.messages import decode
from shared.model import AudioInfo
from tests.audio.media import chunk


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


def test_of_more_warnings_than_the_caller_takes_the_first_are_sent(monkeypatch):
    many = Decoded(
        start=0.0, owned=1.0, warnings=tuple(f"at {one} s" for one in range(checks.MOST_TEXTS + 1))
    )
    monkeypatch.setattr("shared.audio.sandbox.job.decode", lambda *_, **__: many)
    remote = SimpleNamespace(send_samples=None)
    audio = AudioInfo(
        format="wav", codec="x", sample_rate=1, channels=1, duration=1.0, exact=True, splittable_by="time"
    )
    asked = wire.Job(size=10, name="", track=0, limits=Limits(), audio=audio, chunk=chunk())
    told = checks.decoded(outcome(asked, None, remote)[1:], chunk(), 60.0)
    assert len(told.warnings) == checks.MOST_TEXTS
    assert told.warnings[-1] == "2 more warnings"


def test_a_header_that_says_what_no_recording_has_is_damaged(monkeypatch):
    found = AudioInfo(
        format="flac",
        codec="flac",
        sample_rate=1,
        channels=1,
        duration=1e12,
        exact=True,
        splittable_by="time",
    )
    monkeypatch.setattr("shared.audio.sandbox.job.probe", lambda *_, **__: found)
    frame = outcome(wire.Job(size=10, name="", track=0, limits=Limits()), None, None)
    told = decode(frame[1:], wire.Refusal)
    assert told.code == "undecodable"
    assert "no recording has" in told.message
