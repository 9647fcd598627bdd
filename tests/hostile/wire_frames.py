"""Frames that no decoder sends, for a caller that believes little: `python -m tests.hostile.wire_frames --minutes 10`.

A thread plays the decoding process over real sockets: it takes the socket of each job, sends what the seed says, and
reports an end. What may come out is a result that a recording can have, or one of our errors; the source is read
within the recording and within the budget, and no more samples are kept than the chunk has.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import select
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from shared.audio.sandbox import checks, parent, process, wire
from shared.audio.sandbox.parent import Sandbox
from shared.audio.types import Limits
from shared.errors import BadMedia
from shared.model import ByteSpan
from tests.audio.media import chunk

LIMITS = Limits(timeout_s=10.0, probe_bytes=200_000, decode_seconds=60.0)
INFO = {
    "format": "wav",
    "codec": "pcm_s16le",
    "sample_rate": 16_000,
    "channels": 1,
    "duration": 10.0,
    "exact": True,
    "splittable_by": "time",
    "first_byte": 0,
    "last_byte": 0,
    "tracks": 1,
    "bytes_read": 100,
    "warnings": ["stops early"],
}
DECODED = {"start": 0.0, "owned": 1.0, "warnings": []}
REFUSED = {"code": "undecodable", "message": "This file is damaged."}
ODD = (
    0,
    -1,
    1,
    1e300,
    -1e300,
    1e15,
    float("nan"),
    float("inf"),
    2**31,
    2**63,
    2**64,
    -(2**63),
    None,
    True,
    "",
    "x",
)
ODD += ("\x1b[31m", "\ud800", "x" * 3000, [], {}, [1], ["\x07"], ["a"] * 200, "bytes", 0.5, 1000)


@dataclass
class Recording:
    """A source that notes whether it is read beyond its end, and how much."""

    size: int = 100_000
    reads: list[tuple[int, int]] = field(default_factory=list)

    def read(self, start, length):
        self.reads.append((start, length))
        return bytes(min(length, self.size - start))


class Liar:
    """Plays the decoding process: for each job it sends the frames it was given, then says that the job has ended."""

    def __init__(self):
        self.ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.frames, self.end = [], b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        with self._theirs:
            while True:
                try:
                    frame, passed, _flags, _address = socket.recv_fds(self._theirs, wire.RECEIVE, 1)
                except ConnectionResetError:
                    return
                if not frame:
                    return
                with socket.socket(fileno=passed[0]) as job, contextlib.suppress(OSError):
                    for one in self.frames:
                        self._send(job, one)
                with contextlib.suppress(OSError):
                    self._theirs.send(self.end)

    def _send(self, job, one):
        """Send a frame while whatever comes is thrown away."""
        while True:
            readable, writable, _ = select.select([job], [job], [])
            if readable:
                if not job.recv(wire.RECEIVE):
                    return
            elif writable:
                job.send(one)
                return

    def poll(self):
        """As of a process that runs."""

    def stop(self):
        """End the thread."""
        self.ours.close()
        self._thread.join()


@contextlib.contextmanager
def sandbox_of():
    """A sandbox whose processes are liars; gives both the sandbox and a function that says what the next job sends."""
    liars, plan = [], {"frames": [], "end": wire.EXIT + wire.STATUS.pack(0)}

    def start():
        liar = Liar()
        liar.frames, liar.end = plan["frames"], plan["end"]
        liars.append(liar)
        return liar, liar.ours

    def stop(liar, _connection):
        if liar is not None:
            liar.stop()

    def tell(frames, end=None):
        plan["frames"], plan["end"] = frames, wire.EXIT + wire.STATUS.pack(0) if end is None else end
        for liar in liars:
            liar.frames, liar.end = plan["frames"], plan["end"]

    was = process.start, process.stop
    process.start, process.stop = start, stop
    try:
        with Sandbox(LIMITS) as sandbox:
            yield sandbox, tell
    finally:
        process.start, process.stop = was


def spoilt(document, rng):
    """JSON of a record with some odd values."""
    document = dict(document)
    for _ in range(rng.choice((0, 1, 1, 2))):
        name = rng.choice([*document, "added"])
        if rng.random() < 0.1:
            document.pop(name, None)
        else:
            document[name] = rng.choice(ODD)
    text = json.dumps(document).encode()
    match rng.randrange(20):
        case 0:
            return text[: rng.randrange(len(text))]
        case 1:
            return b"[" * 60_000
        case 2:
            return rng.randbytes(rng.randrange(200))
    return text


def frame(rng):
    """One frame, honest or not."""
    match rng.randrange(12):
        case 0 | 1 | 2:
            start = rng.choice((0, 1, 99_999, 100_000, 2**63, 2**64 - 1, rng.randrange(100_000)))
            length = rng.choice((0, 1, 1000, 100_000, 4 * 2**20, 2**63, 2**64 - 1, rng.randrange(100_000)))
            made = wire.READ + wire.RANGE.pack(start, length)
        case 3 | 4 | 5:
            made = wire.PCM + bytes(rng.choice((0, 1, 2, 1000, wire.FRAME, wire.FRAME + 1)))
        case 6:
            made = wire.DONE + spoilt(INFO, rng)
        case 7:
            made = wire.DONE + spoilt(DECODED, rng)
        case 8:
            made = wire.BAD + spoilt(REFUSED, rng)
        case 9:
            made = rng.choice((wire.EXIT, wire.HELLO, wire.UNFIT, wire.READ, b"Z")) + rng.randbytes(
                rng.randrange(30)
            )
        case 10:
            made = rng.randbytes(rng.randrange(1, 100))
        case _:
            made = rng.choice((wire.EXIT + wire.STATUS.pack(0), wire.READ + b"xx", wire.DONE, wire.BAD))
    return made


def honest(one, rng):
    """What a decoder of ours sends for a chunk, or for a probe."""
    frames = [wire.READ + wire.RANGE.pack(0, 1000) for _ in range(rng.randrange(4))]
    if one is None:
        return [*frames, wire.DONE + json.dumps(INFO).encode()]
    frames += [wire.PCM + bytes(2000) for _ in range(rng.randrange(20))]
    ended = {"start": max(0.0, one.start - one.lead) - one.start, "owned": 0.5, "warnings": []}
    return [*frames, wire.DONE + json.dumps(ended).encode()]


def frames_of(one, rng):
    """Those of a conversation: random ones, or honest ones of which some are replaced, left out or repeated."""
    if rng.random() < 0.2:
        return [frame(rng) for _ in range(rng.choice((1, 2, 5, 40)))]
    frames = honest(one, rng)
    if one is None and rng.random() < 0.5:
        frames += honest(CHUNKS[0], rng)
    for _ in range(rng.choice((0, 1, 1, 1, 3))):
        at = rng.randrange(len(frames))
        frames[at : at + rng.randrange(2)] = [frame(rng) for _ in range(rng.randrange(3))]
        frames = frames or [frame(rng)]
    return frames


CHUNKS = (
    chunk(0.0, 2.0, tail=1.0),
    chunk(5.0, None, lead=2.0),
    chunk(3.0, 4.0, span=ByteSpan(read_from=10, own_from=20, own_to=500, read_to=600)),
)
ENDS = (
    *[wire.EXIT + wire.STATUS.pack(0)] * 8,
    wire.EXIT + wire.STATUS.pack(9),
    wire.EXIT + wire.STATUS.pack(0x7FFFFFFF),
    wire.EXIT + struct.pack("!h", 1),
    b"Z",
)


def attack(sandbox, tell, seed):
    """One job with the frames of a seed; says what came of it."""
    rng = random.Random(seed)
    source, one = Recording(), rng.choice((None, None, *CHUNKS))
    tell(frames_of(one, rng), rng.choice(ENDS))
    refused = None
    try:
        if one is None and rng.random() < 0.5:
            info, ahead = sandbox.probe_and_decode(source, lambda _info: chunk(0.0, 2.0))
            checks_of(info, source)
            if ahead is not None:
                checks_of_pcm(ahead.pcm, ahead.chunk)
        elif one is None:
            checks_of(sandbox.probe(source), source)
        else:
            known = checks.info(
                json.dumps(INFO).encode(), wire.Job(size=source.size, name="", track=0, limits=LIMITS)
            )
            checks_of_pcm(sandbox.decode(source, known, one), one)
    except BadMedia as error:
        refused = error
    finally:
        assert all(start >= 0 and 0 < length <= source.size - start for start, length in source.reads), (
            source.reads
        )
        most = 4 * source.size + 17 * checks.LONGEST_READ + LIMITS.probe_bytes
        assert sum(length for _, length in source.reads) <= most
    if refused is None:
        return "result"
    assert refused.code in {*checks.CODES, "breach"}
    assert str(refused) == wire.printable(str(refused))
    return refused.code


def checks_of(info, source):
    """That a recording can be like this."""
    assert info.duration is None or 0 <= info.duration <= checks.LONGEST
    assert 0 <= info.first_byte <= info.last_byte <= source.size
    assert 0 <= info.sample_rate < 2**31
    assert all(one.isprintable() for one in (info.format, info.codec, *info.warnings))


def checks_of_pcm(pcm, one):
    """That a chunk can be like this."""
    longest = LIMITS.decode_seconds if one.end is None or one.span else one.end + one.tail
    assert pcm.seconds <= longest + 0.001
    assert math.isfinite(pcm.start)
    assert -longest <= pcm.start <= 0
    assert 0 <= pcm.owned <= longest + 0.001


def main():
    """Attack for some minutes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=5.0)
    options.add_argument("--seed", type=int, default=None, help="only this one")
    given = options.parse_args()
    parent.log.disabled = True
    until, seed, counts = time.monotonic() + 60 * given.minutes, random.randrange(2**32), {}
    with sandbox_of() as (sandbox, tell):
        while time.monotonic() < until:
            seed = seed + 1 if given.seed is None else given.seed
            try:
                came = attack(sandbox, tell, seed)
            except BaseException:
                print(f"python -m tests.hostile.wire_frames --seed {seed} repeats it")  # noqa: T201 - output
                raise
            counts[came] = counts.get(came, 0) + 1
            if given.seed is not None:
                break
    print(f"{sum(counts.values())} conversations: {counts}")  # noqa: T201 - output


if __name__ == "__main__":
    main()
