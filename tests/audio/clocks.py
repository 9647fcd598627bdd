"""Recordings whose clocks are wrong in a known way, made from one with a good clock."""

from __future__ import annotations

import io
import struct
from functools import cache

import av

from shared.audio.probing.ebml import CLUSTER, children
from shared.audio.probing.matroska import SIMPLE_BLOCK, TIMESTAMP
from tests.audio.media import FORMATS, encode, make, sound


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


def retimed(name: str, times, *, seconds: float = 8.0, wave=sound) -> bytes:
    """A recording in one of the formats of `media.FORMATS`, without pictures, whose packets carry these times.

    Args:
        name: of the format.
        times: called with the number and the true time of each packet, milliseconds; no muxer takes one that goes back.
        seconds: how long it is.
        wave: another sound, as for `media.frames`.
    """
    container, codec, options = FORMATS[name]
    encoding = {key: value for key, value in options.items() if isinstance(value, str)}
    rate, layout = options.get("rate", 44_100), options.get("layout", "stereo")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, options=options.get("muxing", {})) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout, options=encoding)
        for number, packet in enumerate(encode(stream, rate, layout, seconds, wave=wave)):
            time = times(number, float(packet.pts * packet.time_base) * 1000)
            packet.pts = packet.dts = round(time / 1000 / packet.time_base)
            out.mux(packet)
    return buffer.getvalue()


def flv(data: bytes, times) -> bytes:
    """An flv whose tags carry other times, milliseconds: `times` is called with the number and the true time of each."""
    out, at, number = bytearray(data), 13, 0
    while at + 11 <= len(data):
        time = int.from_bytes(data[at + 7 : at + 8] + data[at + 4 : at + 7], "big")
        told = round(times(number, time)).to_bytes(4, "big")
        out[at + 4 : at + 8] = told[1:] + told[:1]
        at += 11 + int.from_bytes(data[at + 1 : at + 4], "big") + 4
        number += 1
    return bytes(out)


def two_programs(later: float, *, seconds: float = 8.0, waves=(sound, sound)) -> bytes:
    """A transport stream of two programs, the clock of the second one so many seconds ahead of the first one's."""
    made = [
        make("mpegts", "aac", seconds=seconds, late=late, wave=wave, muxing=muxing)
        for late, wave, muxing in (
            (0.0, waves[0], {}),
            (later, waves[1], {"mpegts_pmt_start_pid": "4112", "mpegts_start_pid": "272", "mpegts_service_id": "2"}),
        )
    ]  # fmt: skip
    table = bytes.fromhex("00b0110001c100000001f0000002f010")
    table += _checksum(table).to_bytes(4, "big")
    out = [(b"\x47\x40\0\x10\0" + table).ljust(188, b"\xff")]
    packets = [
        [one for at in range(0, len(data), 188) if (one := data[at : at + 188])[1:3] not in OF_THE_FILE]
        for data in made
    ]
    for number in range(0, max(map(len, packets)), 7):  # in turns, as a transmitter sends them
        out += packets[0][number : number + 7] + packets[1][number : number + 7]
    return b"".join(out)


OF_THE_FILE = {b"\x40\0", b"\x40\x11"}
"""What packets of a transport stream carry that is not of one program: the tables of programs and of services."""


def _checksum(data: bytes) -> int:
    """CRC-32/MPEG-2."""
    crc = 2**32 - 1
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc >> 31 else crc << 1) & 0xFFFFFFFF
    return crc


def _size(value: int) -> bytes:
    """A size in eight bytes."""
    return b"\x01" + value.to_bytes(7, "big")
