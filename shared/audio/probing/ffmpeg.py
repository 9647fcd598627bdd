"""Opens a recording with FFmpeg, with everything disabled that a recording does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import av
from av.stream import Disposition

from shared.audio.containers import CONTAINERS
from shared.audio.files.ogg_positions import counted_from_zero
from shared.audio.files.reader import Reader
from shared.audio.probing import amr, flac, riff
from shared.audio.probing.notices import check_track, in_order
from shared.errors import BadMedia

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.layout import AudioLayout
    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from shared.audio.files.overlay import Overlay

DEMUXERS = ",".join(one.name for one in CONTAINERS)
"""FFmpeg's demuxers that may run: recordings only."""
DECODERS = (
    "aac,ac3,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_yamaha,alac,amrnb,amrwb,libopencore_amrnb,"
    "libopencore_amrwb,ape,dca,eac3,flac,g722,g726,gsm,gsm_ms,libopus,mlp,mp1,mp1float,mp2,mp2float,mp3,"
    "mp3float,mpc7,mpc8,nellymoser,opus,pcm_alaw,pcm_bluray,pcm_dvd,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,"
    "pcm_mulaw,pcm_s16be,pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,pcm_s24be,pcm_s24le,pcm_s24le_planar,"
    "pcm_s32be,pcm_s32le,pcm_s32le_planar,pcm_s64be,pcm_s64le,pcm_s8,pcm_s8_planar,pcm_u16be,pcm_u16le,"
    "pcm_u24be,pcm_u24le,pcm_u32be,pcm_u32le,pcm_u8,s302m,speex,truehd,truespeech,tta,vorbis,wavpack,"
    "wmalossless,wmapro,wmav1,wmav2,wmavoice"
)
"""FFmpeg's decoders that may run: audio only, so that no video decoder ever sees these bytes."""
PROBE_BYTES = 256 * 1024
"""What FFmpeg may read to find the parameters of the streams, bytes."""

only_in_forks = False
"""Whether this process forks for each file that FFmpeg parses, and is to parse none itself (`shared/audio/sandbox/child.py`)."""


def open_container(reader: Reader | Overlay, demuxer: str, *, probing: bool) -> InputContainer:
    """Open a recording with one demuxer.

    With `probing` only header and tail are needed: then less is read to find the parameters.

    Raises:
        BadMedia: `undecodable`, if FFmpeg cannot read the header.
    """
    check_place()
    options = {
        "format_whitelist": DEMUXERS,
        "codec_whitelist": DECODERS,
        "protocol_whitelist": "none",
        "probesize": str(PROBE_BYTES if probing else 4 * PROBE_BYTES),
        "analyzeduration": "5000000",
        "max_streams": "64",
        "max_probe_packets": "500",
        "threads": "1",
    }
    if demuxer == "wav" and isinstance(reader, Reader) and not riff.may_hold_compressed_audio(reader):
        options["max_probe_packets"] = "1"
    if demuxer == "mov":
        options["ignore_chapters"] = "1"  # each would be a read somewhere else
        options["fflags"] = "+ignidx"  # otherwise it first visits every fragment up to the end of the file
    if demuxer in {"mpegts", "mpeg"}:
        options["duration_probesize"] = str(100_000)
    reader.seek(0)
    try:
        return av.open(
            reader,
            mode="r",
            format=demuxer,
            options=options,
            metadata_errors="replace",
            buffer_size=32 * 1024,
            io_open=_refuse,
        )
    except (av.error.FFmpegError, EOFError, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise BadMedia(
            "undecodable",
            f"This file begins like {demuxer} but its header cannot be read ({reason}). It is probably damaged "
            "or cut; play it, and if it plays convert it to another format (for example FLAC) and try "
            "again.",
        ) from error


def as_read(reader: Reader, demuxer: str) -> Reader | Overlay:
    """The file as FFmpeg is to read it: with what it would read wrongly, or in full for nothing, replaced."""
    if demuxer in riff.CORRECTED:
        return riff.corrected(reader)
    if demuxer == "ogg":
        return counted_from_zero(reader)
    if demuxer == "amr":
        return amr.without_magic(reader)
    return flac.without_pictures(reader) if demuxer == "flac" else reader


def check_place() -> None:
    """Check that FFmpeg may parse a file in this process.

    Raises:
        RuntimeError: it is the one that forks for all files.
    """
    if only_in_forks:
        raise RuntimeError("a file was about to be parsed outside of its fork")


def choose_stream(container: InputContainer, track: int) -> AudioStream:
    """The audio track with this number, ready to decode. They are counted from 0 as `in_order` says.

    Raises:
        BadMedia: `no-audio`, `no-track`, or `undecodable` if none of the allowed decoders takes it.
    """
    streams = container.streams.audio
    check_track(track, len(streams))
    stream = streams[in_order([bool(one.disposition & Disposition.default) for one in streams])[track]]
    context = stream.codec_context
    if context is None or context.codec.name not in DECODERS.split(","):
        codec = "an unknown format" if context is None else f"the format {context.codec.name}"
        raise BadMedia(
            "undecodable",
            f"The sound of this file is in {codec}, which cannot be decoded here. Convert it to a common "
            "format (for example FLAC or MP3) and try again.",
        )
    context.thread_count = 1  # a thread per processor would cost memory and gain nothing
    _forget_custom_layout(context)
    return stream


_OWNERS: list[AudioLayout] = []
"""Layouts that PyAV must not free a second time."""


def _forget_custom_layout(context: AudioCodecContext) -> None:
    """Replace channels in an order of the file's own by their number.

    PyAV 18.1 copies the list of such an order by its pointer, and each copy frees it: the first frame crashes.
    """
    layout = context.layout
    if layout.name.startswith(f"{layout.nb_channels} channels ("):
        context.layout = f"{layout.nb_channels} channels"
        _OWNERS.append(layout)


def _refuse(url: str, *_: Any) -> NoReturn:
    raise PermissionError(f"a recording may not open {url!r}")
