"""Damaged and forged recordings for the decoder: `python -m tests.hostile.media_files --minutes 10`.

Each begins as a real recording of one of the formats. Then numbers in it (sizes, times, counts) are replaced by
extreme ones, bytes are flipped, pieces are left out, repeated or exchanged, and files are cut or joined. It is probed,
planned and decoded in the sandbox. What may come out is a recording or a refusal; no crash, no work beyond the limits, and
no plan out of proportion to the bytes.
"""

from __future__ import annotations

import argparse
import random
import time
from functools import cache

from shared.audio import Limits, Sandbox
from shared.audio.probing.truncation import BELIEVED, FEWEST
from shared.engines import PARAKEET_CPU
from shared.errors import BadMedia
from shared.planning import plan
from tests.audio.media import FORMATS, Memory, make

SECONDS = 1.5
"""Of sound in each recording before it is damaged."""
LIMITS = Limits(timeout_s=20.0, memory_mb=512, decode_seconds=7200.0)
CHUNK = 600.0
"""Seconds."""
ODD = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF)
ODD += (2**40, 2**48 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1, 1_700_000_000, 1_700_000_000_000)
"""Numbers that programs trip over; the last two are times since 1970."""
HEADER = 700
"""Bytes in which most numbers are replaced: at the beginning, and as many at the end."""
NEVER = ("crash", "kept the decoder busy", "processor time")
"""What no refusal may say: none of these files takes long."""
FEW_BYTES_PER_CHUNK = FEWEST * CHUNK
"""No chunk stands for fewer bytes, beyond those of a recording that is believed."""
FIRST_CHUNKS = BELIEVED / CHUNK + 1


@cache
def recording(name: str, seconds: float = SECONDS) -> bytes:
    """A recording of one of the formats."""
    container, codec, options = FORMATS[name]
    return make(container, codec, **options | {"seconds": seconds})


def forged(seed: int) -> tuple[str, bytes]:
    """What the format is called, and the bytes that a seed makes of a recording."""
    chance = random.Random(seed)
    name = chance.choice(sorted(FORMATS))
    data = bytearray(recording(name))
    for _ in range(chance.choice((1, 1, 1, 2, 4, 8))):
        chance.choice(CHANGES)(data, chance)
    return name, bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    """A byte, mostly in the header or the tail."""
    size = max(1, len(data))
    match chance.random():
        case draw if draw < 0.6:
            return chance.randrange(min(size, HEADER))
        case draw if draw < 0.75:
            return size - 1 - chance.randrange(min(size, HEADER))
    return chance.randrange(size)


def _number(data: bytearray, chance: random.Random) -> None:
    width, at = chance.choice((1, 2, 4, 4, 4, 8, 8)), _place(data, chance)
    value = chance.choice(ODD) & (1 << 8 * width) - 1
    data[at : at + width] = value.to_bytes(width, chance.choice(("big", "little")))


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 3, 20))):
        if data:
            data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _leave_out(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + chance.choice((1, 4, 100, 5000))]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    piece = data[at : at + chance.choice((4, 188, 4000))]
    data[at:at] = piece * chance.choice((1, 3, 200 if len(piece) < 200 else 2))


def _exchange(data: bytearray, chance: random.Random) -> None:
    first, second = sorted((_place(data, chance), _place(data, chance)))
    length = min(chance.choice((8, 188, 2000)), second - first)
    one, other = data[first : first + length], data[second : second + length]
    data[first : first + length], data[second : second + length] = other, one


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[_place(data, chance) :]


def _zeros(data: bytearray, chance: random.Random) -> None:
    at, length = _place(data, chance), chance.choice((8, 512, 20_000))
    data[at : at + length] = bytes(len(data[at : at + length]))


def _join(data: bytearray, chance: random.Random) -> None:
    data += recording(chance.choice(sorted(FORMATS))) if chance.random() < 0.5 else bytes(data)


CHANGES = (_number,) * 6 + (_flip, _flip, _leave_out, _repeat, _exchange, _cut, _zeros, _join)


def attack(sandbox: Sandbox, seed: int) -> str:
    """Probe, plan and decode what a seed makes.

    Returns:
        `decoded`, or the code of the refusal.

    Raises:
        AssertionError: what may not happen has happened.
    """
    name, data = forged(seed)
    source, began = Memory(data), time.monotonic()
    try:
        info = sandbox.probe(source, name=name)
        chunks = plan.split(info, len(data), CHUNK, PARAKEET_CPU.name)
        most = FIRST_CHUNKS + len(data) / FEW_BYTES_PER_CHUNK
        assert len(chunks) <= most, f"{name}: {len(chunks)} chunks of {len(data)} bytes"
        for one in {chunks[0], chunks[-1]}:
            pcm = sandbox.decode(source, info, one)
            assert pcm.seconds <= CHUNK * plan.STRETCH + 2 * plan.MAX_OVERLAP, name
        came = "decoded"
    except BadMedia as error:
        came, said = error.code, str(error)
        known = came not in {"breach", "internal"} and not any(one in said for one in NEVER)
        assert known, f"{name}: {said}"
    took = time.monotonic() - began
    assert took < LIMITS.timeout_s, f"{name}: {took:.1f} s"
    return came


def main() -> None:
    """Attack for some minutes; says what was found, and how to repeat it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--seed", type=int, default=None, help="only this one")
    given = options.parse_args()
    until, seed, counts, wrong = time.monotonic() + 60 * given.minutes, random.randrange(2**32), {}, 0
    with Sandbox(LIMITS) as sandbox:
        while time.monotonic() < until:
            seed = seed + 1 if given.seed is None else given.seed
            try:
                came = attack(sandbox, seed)
            except AssertionError as error:
                came, wrong = "WRONG", wrong + 1
                print(f"{error}: python -m tests.hostile.media_files --seed {seed} repeats it", flush=True)  # noqa: T201 - output
            counts[came] = counts.get(came, 0) + 1
            if given.seed is not None:
                break
    print(f"{sum(counts.values())} files: {counts}")  # noqa: T201 - output
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
