"""Step 2. Learn length, codec and channels from the container's header and tail.

It uses ranged reads, so the cost does not grow with the length of the recording.
The container is parsed in a process of its own (`shared/audio/`), because media are untrusted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import BadMedia
from shared.model import AudioInfo, Options, StoredObject
from shared.ports import Ports, Store

if TYPE_CHECKING:
    from shared.audio.types import BothChannels


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectBytes:
    """The bytes of one stored object, for the prober and the decoder."""

    store: Store
    """The store that has it."""
    source: StoredObject
    """The object, with its generation."""

    @property
    def size(self) -> int:
        """Size of the object, bytes."""
        return self.source.size

    def read(self, start: int, length: int) -> bytes:
        """Up to `length` bytes from `start`."""
        return self.store.read(self.source, start, length)


def look_at(source: StoredObject, options: Options, ports: Ports) -> AudioInfo:
    """The length, codec and channels of the audio, from its header and tail.

    Raises:
        BadMedia: the object is empty, not media, without audio, encrypted, …
    """
    if source.size == 0:
        raise BadMedia("empty", "The file is empty (0 bytes): the copy did not finish. Copy it again.")
    name = source.name.rsplit("/", 1)[-1]
    return ports.media.probe(
        ObjectBytes(store=ports.store, source=source),
        name=name,
        track=options.track,
        both=channels_wanted(options),
    )


def channels_wanted(options: Options) -> BothChannels:
    """What our engines want of both channels of a recording, for its options."""
    if options.channels is None:
        return "no"
    return "sound" if options.channels == "apart" else "levels"
