"""ASF (wma, wmv): is it encrypted, and does the file hold what its header declares?

Source: Microsoft, Advanced Systems Format Specification 1.2, §3.1, §3.2, §5.1, §5.2, §6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio.probing.notices import encrypted
from shared.audio.probing.truncation import DeclaredSize

if TYPE_CHECKING:
    from shared.audio.files.reader import Reader

HEADERS = 16 * 1024
"""Bytes at the beginning that contain the objects we need."""
_ENCRYPTION = (
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_INDEXES = {
    bytes.fromhex("90080033b1e5cf1189f400a0c90349cb"),
    bytes.fromhex("d329e2d6da35d111903400a0c90349be"),
    bytes.fromhex("f803b1fead12644c840f2a1d2f7ad48c"),
    bytes.fromhex("d03fb73c4a0c0348953dedf7b6228f0c"),
}
_BROADCAST = 1
DATA_HEAD = 50
"""Bytes of the data object before its first packet."""
WIDTHS = (0, 1, 2, 4)
"""Bytes of a field of a packet, by what its flags say."""
LAST_FRAME = 100
"""Milliseconds that the last packet lasts at least: of a single frame it tells none."""
MOST_OBJECTS = 16
"""Objects of the file visited: as a rule a header, the data and an index for each picture track."""


def check(reader: Reader) -> None:
    """Raise BadMedia `encrypted` if the content is protected."""
    head = reader.at(0, HEADERS)
    if any(mark in head for mark in _ENCRYPTION):
        raise encrypted("Windows Media protection")


def declared_size(reader: Reader) -> DeclaredSize | None:
    """What the header declares; None if the file is whole, or if it does not say, as for a broadcast."""
    body = _properties(reader)
    if len(body) < 104 or is_broadcast(reader):
        return None
    # The play duration includes the time to fill the player's buffer (preroll).
    seconds = int.from_bytes(body[64:72], "little") / 1e7 - int.from_bytes(body[80:88], "little") / 1e3
    begin = int.from_bytes(reader.at(16, 8), "little")
    data = reader.at(begin, 24, block=4096)
    size, present = int.from_bytes(data[16:24], "little"), reader.size - begin
    if data[:16] != _DATA or seconds <= 0 or size <= present:
        return None
    return DeclaredSize(size=size, present=present, seconds=seconds)


def ends(reader: Reader) -> tuple[int, ...]:
    """Where the file ends by its own header: behind the data and the indexes. Empty where it does not say."""
    at, data = 0, False
    for _ in range(MOST_OBJECTS):
        head = reader.at(at, 24, block=4096)
        size = int.from_bytes(head[16:24], "little")
        if data and head[:16] not in _INDEXES:
            return (at,)
        if size < len(head) or (head[:16] == _DATA and is_broadcast(reader)):
            break
        data = data or head[:16] == _DATA
        at += size
    return ()


def is_broadcast(reader: Reader) -> bool:
    """Whether the file was written as it was recorded, so that no length stands in its header."""
    return bool(int.from_bytes(_properties(reader)[88:92], "little") & _BROADCAST)


def seconds_sent(reader: Reader) -> float | None:
    """Seconds from the first packet to the end of the last one, by their own times; None where they have none."""
    first = int.from_bytes(reader.at(16, 8), "little") + DATA_HEAD
    size = int.from_bytes(_properties(reader)[92:96], "little")
    count = (reader.size - first) // size if size else 0
    if count < 1:
        return None
    (begin, _), (last, lasts) = (_sent(reader.at(first + one * size, 32, block=32)) for one in (0, count - 1))
    return (last + max(lasts, LAST_FRAME) - begin) / 1000 if last >= begin else None


def _sent(packet: bytes) -> tuple[int, int]:
    """When a packet is to be sent, and how long it lasts, milliseconds."""
    packet = packet[1 + (packet[0] & 15) :] if packet[:1] >= b"\x80" else packet
    at = 2 + sum(WIDTHS[packet[0] >> bit & 3] for bit in (1, 3, 5)) if packet else 0
    return int.from_bytes(packet[at : at + 4], "little"), int.from_bytes(packet[at + 4 : at + 6], "little")


def _properties(reader: Reader) -> bytes:
    """The object with flags and times; empty where there is none."""
    head = reader.at(0, HEADERS)
    at = head.find(_FILE_PROPERTIES)
    return head[at : at + 104] if at >= 0 else b""
