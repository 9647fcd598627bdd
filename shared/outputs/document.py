"""transcript.json: everything that is known about a transcript, as described by `docs/transcript.schema.json`.

Why its method was chosen is not in it: that depends on the load of the moment, and one upload gives the same bytes
under any load. The record has it.

Lists have one item a line, so that the file can be read, searched with grep and compared with diff.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from shared.in_words import encodable
from shared.outputs import detected_language
from shared.outputs.printable import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.outputs.segments import Segment
    from shared.results import Part, Transcript, Word

SCHEMA_VERSION = 2
"""Incremented when a field changes its meaning or is removed."""
# Read at import: an image without the package's metadata fails at its start, not at every recording.
_DROPSCRIBE = version("dropscribe")


def transcript_json(
    transcript: Transcript, words: Sequence[Word], segments: Sequence[Segment], paragraphs: Sequence[Segment]
) -> bytes:
    """The document of a transcript; `words` are tidy, and segments and paragraphs count in these."""
    source = transcript.source
    fields: dict[str, Any] = {
        "versions": {"schema": SCHEMA_VERSION, "dropscribe": _DROPSCRIBE},
        "recording": transcript.recording,
        "source": {
            "bucket": source.bucket,
            "name": encodable(source.name),
            # A string, as in Cloud Storage's own JSON: 64 bits do not fit into a JavaScript number.
            "generation": str(source.generation),
            "uri": encodable(source.uri),
        },
        "duration": _seconds(transcript.duration),
        "language": transcript.language,
        "method": transcript.decision.method,
    }
    # Left out of the machine's own transcript, in which speakers have no names.
    if transcript.revision:
        fields["revision"] = transcript.revision
    known = detected_language.among(transcript.parts)
    spoken = [
        detected_language.named(code, transcript.language) if known else None
        for code in detected_language.Detected(segments, known).each
    ]
    lists: dict[str, Iterable[object]] = {
        "warnings": map(encodable, transcript.warnings),
        **_named(transcript),
        "parts": map(_part, transcript.parts),
        "paragraphs": (_span(one) for one in paragraphs),
        "segments": (
            {**_span(one), "text": one.text, **({"language": code} if code else {})}
            for one, code in zip(segments, spoken, strict=True)
        ),
        "words": map(_word, words),
    }
    text = "\n\n".join(one.text for one in paragraphs)
    # Written piece by piece: twelve hours are a hundred thousand words, and each object can be freed as soon as
    # its line is written.
    encoder = msgspec.json.Encoder()
    file = bytearray(b"{")
    for name, value in {**fields, "text": text}.items():
        file += f'\n  "{name}": '.encode()
        encoder.encode_into(value, file, -1)
        file += b","
    for name, items in lists.items():
        file += f'\n  "{name}": ['.encode()
        before = len(file)
        for item in items:
            file += b"\n    "
            encoder.encode_into(item, file, -1)
            file += b","
        if len(file) > before:
            file[-1:] = b"\n  "
        file += b"],"
    file[-1:] = b"\n}\n"
    return bytes(file)


def _named(transcript: Transcript) -> dict[str, Iterable[object]]:
    names = sorted(transcript.speakers.items())
    return {"speakers": ({"speaker": number, "name": name} for number, name in names)} if names else {}


def _word(word: Word) -> dict[str, object]:
    return {
        "text": word.text,
        "start": _seconds(word.start),
        "end": _seconds(word.end),
        "confidence": round(word.confidence, 3),
        **_speaker(word),
    }


def _span(one: Segment) -> dict[str, object]:
    return {
        "start": _seconds(one.start),
        "end": _seconds(one.end),
        "first_word": one.first,
        "last_word": one.last,
        **_speaker(one),
    }


def _speaker(one: Word | Segment) -> dict[str, object]:
    # Left out if speakers are not told apart: twelve hours are a hundred thousand words.
    return {} if one.speaker is None else {"speaker": one.speaker}


def _part(part: Part) -> dict[str, object]:
    return {
        "start": _seconds(part.start),
        "end": _seconds(part.end),
        "engine": part.engine,
        "model": encodable(part.model),
        "revision": part.revision,
    }


def _seconds(time: float) -> float:
    # An integer divided by 1000 is the float nearest to its three decimals, and is written as them.
    return milliseconds(time) / 1000
