"""Wave and similar files (RIFF, RF64, AIFF, CAF, Wave64): does the file hold what its header declares?

Sources: Multimedia Programming Interface 1.0 (RIFF), EBU Tech 3306 (RF64), AIFF-C draft (1991), Apple Core
Audio Format Specification 1.0 (CAF), Sony Wave64 format specification 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from shared.audio.files.overlay import Overlay
from shared.audio.probing.truncation import DeclaredSize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.audio.files.reader import Reader

MAX_CHUNKS = 200
"""Chunks visited before the samples; real files have a dozen."""
LARGEST = tuple(2**bits for bits in (31, 32, 63, 64))
"""Sizes near which programs write one when they stream and do not know the size yet."""
NEARLY = 8192
"""Bytes below the largest size: sox and espeak-ng write 0x7FFFF000, others subtract their header."""
SOX_AIFF = 0x7F00_0000
"""What sox adds to the sizes of the header of an AIFF file that it writes to a pipe."""
WRAP = 2**32
"""What a size of 32 bits loses."""

CORRECTED = frozenset(["wav", "w64", "aiff"])
"""Formats whose header may need a correction, by FFmpeg's names."""
BLOCKS = (0x02, 0x11)
"""Format tags of ADPCM in blocks (Microsoft's, IMA), whose header says how many samples are in one."""
YAMAHA = 0x20
"""The format tag of ADPCM with half a byte for each sample."""
RATE_ERROR = 0.001
"""Part by which the bytes per second in a header may be wrong: some programs round them."""

DTS_SYNC_WORDS = (b"\x7f\xfe\x80\x01", b"\xfe\x7f\x01\x80", b"\x1f\xff\xe8\x00", b"\xff\x1f\x00\xe8")
"""What frames of DTS begin with, in words of 16 and 14 bits, in either byte order (ETSI TS 102 114 §5.3)."""
EXAMINED, MIN_SAMPLES = 32 * 1024, 16 * 1024
"""Bytes of a wave file that are examined, and how many of them must be samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _ChunkFormat:
    """How a format writes its chunks: a name, a size, the content, padding."""

    first: int
    """Where the first chunk begins, bytes."""
    samples: bytes
    """What the name of the chunk of samples begins with."""
    name: int = 4
    """Bytes of a name."""
    width: int = 4
    """Bytes of a size."""
    order: Literal["big", "little"] = "little"
    """Order of the bytes of a size."""
    counts_itself: bool = False
    """Whether the size includes name and size."""
    align: int = 2
    """Chunks start at multiples of this, bytes."""


_CHUNK_FORMATS = {
    b"RIFF": _ChunkFormat(first=12, samples=b"data"),
    b"RF64": _ChunkFormat(first=12, samples=b"data"),
    b"BW64": _ChunkFormat(first=12, samples=b"data"),
    b"FORM": _ChunkFormat(first=12, samples=b"SSND", order="big"),
    b"caff": _ChunkFormat(first=8, samples=b"data", width=8, order="big", align=1),
    b"riff": _ChunkFormat(first=40, samples=b"data", name=16, width=8, counts_itself=True, align=8),
}


def may_hold_compressed_audio(reader: Reader) -> bool:
    """Whether the samples of a wave file may be a compressed stream, as those of a DTS disc are.

    FFmpeg tries all its formats on the first samples to find out, which takes longer than decoding a minute of them.
    True unless the beginning rules it out.
    """
    head = reader.at(0, EXAMINED)
    at = head.find(b"data") + 8
    samples = head[at:]
    if at < 8 or (len(head) == EXAMINED and len(samples) < MIN_SAMPLES):
        return True
    word = int.from_bytes(samples[:2], "big")
    # AC-3 and MPEG audio have short sync words, which samples contain by chance: only the very first counts.
    return (
        word in {0x0B77, 0x770B}
        or 0xFFE0 <= word < 0xFFFF
        or any(_contains(samples, sync) for sync in DTS_SYNC_WORDS)
    )


def _contains(samples: bytes, sync: bytes) -> bool:
    """Whether a sync word is among samples of two bytes; quiet noise has it across two of them."""
    at = samples.find(sync)
    while at % 2 == 1 and at > 0:
        at = samples.find(sync, at + 1)
    return at >= 0


def is_unknown(size: int) -> bool:
    """Whether a size stands for "not known yet"."""
    return (
        size == 0
        or SOX_AIFF <= size <= SOX_AIFF + NEARLY
        or any(largest - NEARLY <= size <= largest for largest in LARGEST)
    )


def true_size(reader: Reader, start: int, size: int) -> int:
    """Bytes of the samples, where the size in a file over 4 GiB has lost its upper bits: no program could write more."""
    behind = reader.size - start - size
    return size + behind // WRAP * WRAP if behind >= WRAP else size


def declared_end(reader: Reader) -> int | None:
    """Where a wave or AIFF file ends by its own header, bytes; None where it does not say, or is no such file."""
    head = reader.at(0, 8)
    form = _CHUNK_FORMATS.get(head[:4])
    if head[:4] not in {b"RIFF", b"FORM"} or form is None:
        return None
    size = int.from_bytes(head[4:], form.order)
    return None if is_unknown(size) else 8 + size + size % 2


def samples_end(reader: Reader) -> int | None:
    """Where the samples of a file end by their own header, bytes; None where it does not say, or is no such file."""
    samples = _samples(reader)
    if samples is None or is_unknown(samples.size):
        return None
    return samples.start + true_size(reader, samples.start, samples.size)


def leads_to(reader: Reader, end: int) -> bool:
    """Whether the chunks of a file, of which some may follow the samples, end where the file does by its own header."""
    for _, start, size in riff_chunks(reader):
        last = start + size
        if last >= end - 1:
            return end in {last, last + size % 2}
    return False


def corrected(reader: Reader) -> Reader | Overlay:
    """The file as FFmpeg is to read it, with what its header says of the samples corrected.

    A size that has lost its upper bits is unknown, so that FFmpeg reads to the end. And FFmpeg seeks by the bytes per
    second, which programs (itself, for instance) write wrongly for ADPCM: their true number follows from the blocks. Of
    AIFF and Wave64 it refuses sizes that were not known when the file was written to a pipe.
    """
    sized = _sized_aiff(reader) if reader.at(0, 4) == b"FORM" else _sized_wave64(reader)
    if sized is not reader:
        return sized
    for name, start, size in riff_chunks(reader):
        if name.startswith(b"fmt "):
            written = int.from_bytes(reader.at(start + 8, 4), "little")
            true = _bytes_per_second(reader.at(start, min(size, 20)))
            if true and abs(written - true) > RATE_ERROR * true:
                return Overlay(reader, start + 8, true.to_bytes(4, "little"))
        if name == b"data" and not is_unknown(size):
            return Overlay(reader, start - 4, bytes(4)) if true_size(reader, start, size) != size else reader
    return reader


def _sized_aiff(reader: Reader) -> Reader | Overlay:
    """An AIFF file with its size, and that and the number of its samples, where the header does not know them."""
    form = None
    for name, start, size in riff_chunks(reader):
        if name == b"COMM":
            form = start
        if name == b"SSND":
            if form is None or form > start or start > EXAMINED:
                break
            header = bytearray(reader.at(0, start))
            if len(header) < start:
                break
            channels, bits = (int.from_bytes(header[form + at : form + at + 2], "big") for at in (0, 6))
            whole, frames = (int.from_bytes(header[at : at + 4], "big") for at in (4, form + 2))
            present, width = min(reader.size - start, WRAP - 1 - start), channels * -(-bits // 8)
            if not is_unknown(size) and not (size == 8 and is_unknown(frames)):
                present = min(present, size)
                if not is_unknown(whole) and not is_unknown(frames):
                    break
            if not width or present <= 8:
                break
            header[4:8] = (start - 8 + present).to_bytes(4, "big")
            header[form + 2 : form + 6] = ((present - 8) // width).to_bytes(4, "big")
            header[-4:] = present.to_bytes(4, "big")
            return Overlay(reader, 0, bytes(header))
    return reader


def _sized_wave64(reader: Reader) -> Reader | Overlay:
    """A Wave64 file with its size, and that of its samples, where the header does not know it."""
    samples = _samples(reader) if reader.at(0, 4) == b"riff" else None
    if samples is None or samples.start > EXAMINED:
        return reader
    header = reader.at(0, samples.start)
    whole = int.from_bytes(header[-8:], "little")
    if not (is_unknown(whole) or is_unknown(samples.size)) or len(header) < samples.start:
        return reader
    own, size = (one.to_bytes(8, "little") for one in (reader.size, reader.size - samples.start + 24))
    return Overlay(reader, 16, own + header[24:-8] + size)


def is_variable(reader: Reader) -> bool:
    """Whether a wave file of compressed sound leaves its bytes per second open, so that its length is a guess."""
    return any(
        name == b"fmt " and size >= 16 and not any(reader.at(start + 8, 4))
        for name, start, size in riff_chunks(reader)
    )


def _bytes_per_second(form: bytes) -> int:
    """Bytes of a second of ADPCM, by the size of its blocks; 0 where the header's number has to do."""
    if len(form) < 16:
        return 0
    tag, channels = (int.from_bytes(form[at : at + 2], "little") for at in (0, 2))
    rate, align = int.from_bytes(form[4:8], "little"), int.from_bytes(form[12:14], "little")
    samples = int.from_bytes(form[18:20], "little") if tag in BLOCKS else 0
    found = rate * channels // 2 if tag == YAMAHA else rate * align // samples if samples else 0
    return found if found < WRAP else 0


class RiffChunk(NamedTuple):
    """A chunk of a RIFF file or the like."""

    name: bytes
    """Its identifier."""
    start: int
    """First byte of its content."""
    size: int
    """Bytes of its content, as its header says."""


def riff_chunks(reader: Reader) -> Iterator[RiffChunk]:
    """The chunks of a file, up to its end or to a header that makes no sense."""
    head = reader.at(0, 4)
    form = _CHUNK_FORMATS.get(head)
    if form is None:
        return
    at, wide = form.first, 0
    for _ in range(MAX_CHUNKS):
        header = reader.at(at, form.name + form.width, block=4096)
        if len(header) < form.name + form.width:
            return
        name, size = header[: form.name], int.from_bytes(header[form.name :], form.order)
        begin = at + len(header)
        if name == b"ds64":
            wide = int.from_bytes(reader.at(begin + 8, 8), "little")
        if name == b"data" and head in {b"RF64", b"BW64"} and size == 0xFFFFFFFF:
            size = wide
        if form.counts_itself and not is_unknown(size):
            size -= len(header)
        yield RiffChunk(name, begin, size)
        end = begin + size
        at = max(begin, end + -end % form.align)


def declared_size(reader: Reader) -> DeclaredSize | None:
    """What the header declares of the samples; None if they are all there, or if it does not say."""
    samples = _samples(reader)
    if samples is None or is_unknown(samples.size) or not 0 < reader.size - samples.start < samples.size:
        return None
    return DeclaredSize(size=samples.size, present=reader.size - samples.start)


def _samples(reader: Reader) -> RiffChunk | None:
    """The chunk of the samples; None where none is found."""
    form = _CHUNK_FORMATS.get(reader.at(0, 4))
    chunks = riff_chunks(reader) if form is not None else ()
    return next((one for one in chunks if form is not None and one.name.startswith(form.samples)), None)
