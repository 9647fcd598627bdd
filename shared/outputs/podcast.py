"""podcast.json: the JSON transcript of the podcast namespace ("Podcasting 2.0"), one segment a word as in its example.

https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/examples/transcripts/transcripts.md#json
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shared.outputs.printable import NO_NAMES, milliseconds, speaker_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.results import Word

VERSION = "1.0.0"
"""Version of the format."""


def podcast_json(words: Sequence[Word], names: Mapping[int, str] = NO_NAMES) -> bytes:
    """Every word with its start and end in seconds, one a line; its speaker if speakers are told apart."""
    encoder = msgspec.json.Encoder()
    lines = b",\n".join(b"    " + encoder.encode(_segment(one, names)) for one in words)
    inside = b"\n" + lines + b"\n  " if lines else b""
    return f'{{\n  "version": "{VERSION}",\n  "segments": ['.encode() + inside + b"]\n}\n"


def _segment(word: Word, names: Mapping[int, str]) -> dict[str, object]:
    speaker = {} if word.speaker is None else {"speaker": speaker_name(word.speaker, names)}
    start, end = milliseconds(word.start) / 1000, milliseconds(word.end) / 1000
    return {**speaker, "startTime": start, "endTime": end, "body": word.text}
