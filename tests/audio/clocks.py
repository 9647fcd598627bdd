"""Recordings whose clocks are wrong in a known way, made from one with a good clock."""

from __future__ import annotations

import struct
from functools import cache

from shared.audio.probing.ebml import CLUSTER, children
from shared.audio.probing.matroska import SIMPLE_BLOCK, TIMESTAMP
from tests.audio.media import make, sound


@cache
def webm_blocks(seconds: float = 8.0, wave=sound) -> tuple[bytes, tuple[tuple[int, bytes], ...]]:
    """The header of a webm without a duration, and (milliseconds, block without its time) of each of its packets."""
    data = make(
        "webm", "libopus", rate=48_000, layout="mono", seconds=seconds, muxing={"live": "1"}, wave=wave
    )
    first = data.index(b"\x1f\x43\xb6\x75")
    blocks = []
    for cluster, content in children(data[first:]):
        base = 0
        for name, body in children(content) if cluster == CLUSTER else ():
            if name == TIMESTAMP:
                base = int.from_bytes(body, "big")
            elif name == SIMPLE_BLOCK:
                blocks.append((base + struct.unpack("!h", body[1:3])[0], body[:1] + body[3:]))
    return data[:first], tuple(blocks)


def webm(times, *, seconds: float = 8.0, header: bool = True, wave=sound) -> bytes:
    """A webm whose packets carry these times, milliseconds: a cluster for each.

    Args:
        times: called with the number and the true time of each packet; None leaves it out.
        seconds: how long it is.
        header: whether the header comes first.
        wave: another sound, as for `media.frames`.
    """
    head, blocks = webm_blocks(seconds, wave)
    out = bytearray(head if header else b"")
    for number, (time, block) in enumerate(blocks):
        told = times(number, time)
        if told is not None:
            stamp = b"\xe7\x88" + round(told).to_bytes(8, "big")
            simple = block[:1] + b"\0\0" + block[1:]
            content = stamp + b"\xa3" + _size(len(simple)) + simple
            out += b"\x1f\x43\xb6\x75" + _size(len(content)) + content
    return bytes(out)


def _size(value: int) -> bytes:
    """A size in eight bytes."""
    return b"\x01" + value.to_bytes(7, "big")
