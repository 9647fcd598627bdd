"""transcript.txt, for reading, searching and pasting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.outputs.printable import NO_NAMES, speaker_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.outputs.segments import Segment


def transcript_txt(paragraphs: Sequence[Segment], names: Mapping[int, str] = NO_NAMES) -> bytes:
    """Paragraphs with an empty line between them, each new speaker named; nothing where nothing was said."""
    lines, before = [], None
    for one in paragraphs:
        lines.append(f"{speaker_label(one.speaker, before, names)}{one.text}\n")
        before = one.speaker
    return "\n".join(lines).encode()
