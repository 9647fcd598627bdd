"""The caller serves a job that does its work, and refuses and kills one that does anything else."""

import json
import signal
import time

import pytest

from shared.audio.sandbox import checks, dialogue, wire
from shared.errors import BadMedia, ConfigurationError, StoreUnavailable
from tests.audio.media import chunk
from tests.hostile.wire_frames import DECODED, INFO, LIMITS, Recording, sandbox_of

PCM = wire.PCM + bytes(32_000)
DONE = wire.DONE + json.dumps(DECODED).encode()
FOUND = wire.DONE + json.dumps(INFO).encode()
ENDED = wire.EXIT + wire.STATUS.pack(0)


def read(start, length):
    return wire.READ + wire.RANGE.pack(start, length)


def bad(**fields):
    return wire.BAD + json.dumps(fields).encode()


@pytest.fixture(scope="module")
def liar():
    with sandbox_of() as (sandbox, tell):
        yield sandbox, tell


@pytest.fixture
def probe(liar):
    """Probe with a decoder that sends these frames."""
    sandbox, tell = liar

    def do(*frames, source=None, end=ENDED):
        tell(frames, end)
        return sandbox.probe(source or Recording())

    return do


@pytest.fixture
def decode(liar, probe):
    """Decode two seconds with a decoder that sends these frames."""
    sandbox, tell = liar
    info = probe(FOUND)

    def do(*frames, end=ENDED, source=None):
        tell(frames, end)
        return sandbox.decode(source or Recording(), info, chunk(0.0, 1.0, tail=1.0))

    return do


def test_what_an_honest_decoder_sends_is_taken(probe, decode):
    source = Recording()
    assert probe(read(0, 1000), read(99_000, 1000), FOUND, source=source).duration == 10.0
    assert source.reads == [(0, 1000), (99_000, 1000)]
    assert decode(read(0, 64_000), PCM, PCM, DONE).samples == bytes(64_000)


@pytest.mark.parametrize(
    "frames",
    [
        [wire.READ + b"xx"],
        [read(0, 0)],
        [read(0, 2**63)],
        [read(2**64 - 1, 5)],
        [read(99_999, 2)],
        [read(0, 100_000)] * 7,
        [read(0, 1)] * 4000,
        [PCM],
        [bytes(1)],
        [b"Z"],
        [ENDED],
        [wire.EXIT],
        [wire.HELLO],
        [wire.DONE],
        [wire.DONE + b"{"],
        [wire.DONE + b"[" * 60_000],
        [wire.BAD],
        [wire.BAD + b"{}"],
        [FOUND, FOUND],
        [FOUND, read(0, 10)],
        [bad(code="undecodable", message="damaged"), FOUND],
        [bad(code="no such code", message="damaged")],
        [bad(code="undecodable", message="\x1b]0;owned\x07")],
        [bad(code="undecodable", message="x" * 3000)],
        [wire.READ + bytes(wire.FRAME + 10)],
    ],
    ids=lambda frames: repr(frames[0][:12]),
)
def test_a_frame_that_no_probe_sends_is_a_breach(probe, frames):
    source = Recording()
    with pytest.raises(BadMedia) as raised:
        probe(*frames, source=source)
    assert raised.value.code == "breach"
    assert sum(length for _, length in source.reads) <= checks.most_of_a_probe(source.size, LIMITS)


@pytest.mark.parametrize(
    "frames",
    [
        [wire.PCM],
        [wire.PCM + b"x"],
        [wire.PCM + bytes(wire.FRAME + 2)],
        [PCM, PCM, PCM],
        [PCM] * 2000,
        [DONE, PCM],
        [PCM, FOUND],
        [read(0, 100_000)] * 1000,
    ],
    ids=lambda frames: f"{len(frames)} of {len(frames[0])}",
)
def test_samples_are_bounded_by_the_chunk_and_reads_by_the_recording(decode, frames):
    source = Recording()
    with pytest.raises(BadMedia) as raised:
        decode(*frames, source=source)
    assert raised.value.code == "breach"
    assert sum(length for _, length in source.reads) <= 4 * source.size + 64 * 2**20


def test_what_was_found_before_a_breach_counts_for_nothing(liar):
    sandbox, tell = liar
    tell([FOUND, PCM, PCM, PCM])
    with pytest.raises(BadMedia) as raised:
        sandbox.probe_and_decode(Recording(), lambda _found: chunk(0.0, 1.0))
    assert raised.value.code == "breach"
    tell([FOUND, PCM, bad(code="undecodable", message="damaged")])
    found, ahead = sandbox.probe_and_decode(Recording(), lambda _found: chunk(0.0, 1.0))
    assert (found.duration, ahead) == (10.0, None)


@pytest.mark.parametrize("end", [b"Z", wire.EXIT + b"x"])
def test_an_end_that_is_none_fails_this_file_only(probe, end):
    with pytest.raises(BadMedia):
        probe(FOUND, end=end)
    assert probe(FOUND).channels == 1


def test_how_a_job_has_ended_is_what_the_process_says(probe):
    with pytest.raises(BadMedia, match="crash") as raised:
        probe(FOUND, end=wire.EXIT + wire.STATUS.pack(signal.SIGSEGV))
    assert raised.value.code == "undecodable"


def test_a_system_that_does_not_let_it_work_is_not_the_files_fault(probe):
    with pytest.raises(ConfigurationError, match="no more processes"):
        probe(end=wire.UNFIT + b"no more processes")


class Slow(Recording):
    """A store that takes a while for each read, however short."""

    def read(self, start, length):
        time.sleep(0.02)
        return super().read(start, length)


def test_tiny_reads_of_a_slow_store_end_some_time(probe, monkeypatch):
    monkeypatch.setattr(dialogue, "MOST_WAITING", 1.0)
    slow = Slow()
    with pytest.raises(StoreUnavailable, match=r"Reading \d+ bytes of this recording took \d+ s"):
        probe(*[read(0, 1)] * 700, source=slow)
    assert 0 < len(slow.reads) <= 51
    assert probe(FOUND).channels == 1


def test_reads_may_take_as_long_as_their_bytes_do(probe, monkeypatch):
    monkeypatch.setattr(dialogue, "MOST_WAITING", 0.3)
    monkeypatch.setattr(dialogue, "SLOWEST", 400_000.0)
    assert probe(*[read(0, 9_000)] * 20, FOUND, source=Slow()).duration == 10.0


def test_a_read_that_fails_outranks_every_breach(probe):
    class Failing(Recording):
        def read(self, start, length):
            raise StoreUnavailable("try again")

    with pytest.raises(StoreUnavailable, match="try again"):
        probe(read(0, 10), PCM, source=Failing())
