"""Audio for browsers, of recordings that they cannot play, or in which they cannot seek exactly.

It is decoded like the chunks of the transcript, in the sandbox and by the same plan, so that it has the same time axis,
whatever the clocks of the file say. It is made when a viewer wants to listen, and kept in the work bucket for a week.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.audio import rendition
from shared.audio.containers import BY_NAME
from shared.audio.types import SAMPLE_RATE
from shared.errors import BadRequest, StoreUnavailable
from shared.flow import chunk
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.model import Recording, StoredObject
    from shared.ports import Ports

MEDIA_TYPE = rendition.MEDIA_TYPE
"""Media type of a rendition."""

INEXACT = frozenset({"mp3", "aac"})
"""Those without an index of their frames. Browsers guess by the bit rate, or by a table of a hundred entries: in an mp3 of
two hours with a variable bit rate they miss by half a minute."""


def wanted(recording: Recording) -> bool:
    """Whether a recording needs a rendition: browsers cannot play it, or not seek in it exactly. Pure."""
    audio = recording.audio
    if audio is None:
        return True
    # Browsers play the first track, and stop where another recording begins in the file.
    other = recording.options.track > 0 or audio.tracks > 1 or audio.parts
    is_played = not other and (container := BY_NAME.get(audio.format)) and audio.codec in container.played
    return not is_played or audio.format in INEXACT or not audio.exact


def kept(recording: Recording, ports: Ports) -> StoredObject | None:
    """The rendition of a recording, if it was made."""
    return ports.store.stat(ports.settings.work_bucket, _name(recording))


def make(recording: Recording, ports: Ports) -> StoredObject:
    """Make the rendition of a recording; of several that do so at once, the first one stands.

    A stretch that cannot be decoded is silence. An hour of mp3 takes eleven seconds of processor time, four of them to decode it.

    Raises:
        BadRequest: it was never planned.
        BadMedia: the file is gone, or decoding broke a limit.
        Permanent, Transient: the store refuses it, or did not answer.
    """
    if recording.audio is None or not recording.chunks:
        raise BadRequest(
            f"Recording {recording.id} has no sound that could be played. Listen to the file itself."
        )
    bucket, name = ports.settings.work_bucket, _name(recording)
    with ports.store.stage(bucket) as file:
        with rendition.Encoder(file) as encoder:
            for one, pcm in chunk.decoded(recording, ports):
                start = encoder.samples if one.span is not None else round(one.start * SAMPLE_RATE)
                encoder.silence(max(0, start - encoder.samples))
                # What comes before was written with the part before.
                first = max(0, round(-pcm.start * SAMPLE_RATE)) + max(0, encoder.samples - start)
                last = round((pcm.owned - pcm.start) * SAMPLE_RATE)
                encoder.write(pcm.samples[2 * first : 2 * max(first, last)])
            if not encoder.samples:
                encoder.silence(SAMPLE_RATE)
        made = ports.store.create_from(bucket, name, file, metadata={}, ahead=lambda _: None)
    found = made or kept(recording, ports)
    if found is None:
        raise StoreUnavailable(f"the rendition {name} was deleted just now; try again")
    log.info("%s has a rendition for browsers: %.1f MB", recording.id, found.size / 1e6)
    return found


def _name(recording: Recording) -> str:
    return f"renditions/{recording.id}/audio.m4a"
