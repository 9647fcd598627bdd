"""Numbers that a recording can have pass, and no others."""

import json
import signal

import pytest

from shared.audio.sandbox import checks, wire
from shared.audio.sandbox.checks import BreachError
from shared.audio.types import Limits
from shared.model import ByteSpan
from tests.audio.media import chunk
from tests.hostile.wire_frames import DECODED, INFO

JOB = wire.Job(size=100_000, name="", track=1, limits=Limits(probe_bytes=5000))
TWO = {"tracks": 2}


def info(**changes):
    return checks.info(json.dumps(INFO | TWO | changes).encode(), JOB)


@pytest.mark.parametrize(
    "changes",
    [
        {"duration": None},
        {"duration": 0.0},
        {"duration": checks.LONGEST},
        {"first_byte": 10, "last_byte": 100_000, "splittable_by": "bytes"},
        {"channels": 0},
        {"sample_rate": 0},
        {"codec": "ac-4 x"},
        {"warnings": ["naïve – 录音"] * 100},
    ],
)
def test_what_recordings_are_like_passes(changes):
    assert info(**changes) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"duration": 1e300},
        {"duration": -5.0},
        {"duration": checks.LONGEST * 2},
        {"sample_rate": -1},
        {"sample_rate": 2**31},
        {"channels": -1},
        {"channels": 513},
        {"first_byte": -1, "last_byte": 10},
        {"first_byte": 10, "last_byte": 10},
        {"last_byte": 100_001},
        {"splittable_by": "bytes"},
        {"tracks": 1},
        {"tracks": 2**40},
        {"bytes_read": 5000 + 400_000 + 1},
        {"bytes_read": -1},
        {"format": ""},
        {"format": "x" * 41},
        {"codec": "\x1b[31m"},
        {"codec": " "},
        {"warnings": ["a\nb"]},
        {"warnings": ["x"] * 101},
        {"warnings": ["x" * 2001]},
    ],
    ids=repr,
)
def test_what_no_recording_is_like_is_a_breach(changes):
    with pytest.raises(BreachError):
        info(**changes)


@pytest.mark.parametrize(
    ("one", "most"),
    [
        (chunk(0.0, 10.0), 10),
        (chunk(10.0, 20.0, lead=2.0, tail=3.0), 15),
        (chunk(1.0, 20.0, lead=2.0), 20),
        (chunk(5.0, None), 3600),
        (chunk(0.0, 5.0, span=ByteSpan(read_from=100, own_from=200, own_to=900, read_to=1100)), 80),
        (chunk(0.0, 5.0, span=ByteSpan(read_from=0, own_from=0, own_to=10**9, read_to=10**9)), 3600),
        (chunk(10.0, 5.0), 0),
        (chunk(0.0, 1e308, tail=1e308), 3600),
        (chunk(1e308, 1e308, lead=-1e308, tail=1e308), 3600),
    ],
)
def test_a_chunk_has_as_many_samples_as_its_seconds(one, most):
    assert checks.most_samples(one, 3600.0) == most * 16_000 + 1


def decoded(one, **changes):
    return checks.decoded(json.dumps(DECODED | changes).encode(), one, 100.0)


@pytest.mark.parametrize("changes", [{}, {"owned": 0.0}, {"owned": 10.0}])
def test_how_a_chunk_can_end_passes(changes):
    assert decoded(chunk(0.0, 10.0), **changes).start == 0.0


@pytest.mark.parametrize(
    "changes",
    [{"start": 1e15}, {"start": -0.1}, {"start": 0.1}, {"owned": 1e15}, {"owned": -1.0}, {"owned": 10.1}],
)
def test_how_no_chunk_can_end_is_a_breach(changes):
    with pytest.raises(BreachError):
        decoded(chunk(0.0, 10.0), **changes)


def test_the_start_of_a_chunk_is_that_of_its_overlap():
    assert decoded(chunk(10.0, 20.0, lead=2.0), start=-2.0).start == -2.0
    assert decoded(chunk(1.0, 20.0, lead=2.0), start=-1.0).start == -1.0
    with pytest.raises(BreachError):
        decoded(chunk(10.0, 20.0, lead=2.0))


def test_where_a_byte_range_starts_only_decoding_tells():
    one = chunk(10.0, 20.0, lead=2.0, span=ByteSpan(read_from=0, own_from=100, own_to=200, read_to=300))
    assert decoded(one, start=-3.5).start == -3.5
    for start in (0.5, -101.0):
        with pytest.raises(BreachError):
            decoded(one, start=start)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (0, 0),
        (256, 1),
        (70 << 8, 70),
        (signal.SIGKILL, -signal.SIGKILL),
        (signal.SIGSEGV | 0x80, -signal.SIGSEGV),
    ],
)
def test_an_end_is_an_exit_code_or_a_signal(sent, meant):
    assert checks.status(memoryview(wire.STATUS.pack(sent))) == meant


@pytest.mark.parametrize(
    "sent", [wire.STATUS.pack(0x7FFFFFFF), wire.STATUS.pack(-1), wire.STATUS.pack(0x137F), b"", b"x"]
)
def test_what_waitpid_never_says_is_a_breach(sent):
    with pytest.raises(BreachError):
        checks.status(memoryview(sent))


def test_reads_are_granted_within_the_recording_and_the_budget():
    budget = checks.ReadBudget(1000, 1500, 3)
    take = [budget.take(memoryview(wire.RANGE.pack(*one))) for one in ((0, 1000), (999, 1), (0, 499))]
    assert take == [(0, 1000), (999, 1), (0, 499)]
    with pytest.raises(BreachError, match="more reads"):
        budget.take(memoryview(wire.RANGE.pack(0, 1)))


def test_every_code_with_which_a_file_can_be_refused_is_known():
    assert "missing" not in checks.CODES  # that is the store's to say
    assert "breach" not in checks.CODES  # and that the caller's
