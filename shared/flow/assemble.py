"""Step 6. The transcript of a recording from the results of its chunks. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared import languages
from shared.errors import BadMedia
from shared.flow import attribution, merge, speakers
from shared.outputs import detected_language
from shared.outputs.printable import tidy
from shared.outputs.segments import sentences
from shared.results import ChunkResult, Part, Transcript, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model import Recording

DEMO_MODEL = "tiny"
"""Bundled weights that demonstrate the flow."""

DEMO_WARNING = (
    "Transcribed with the demo model, which knows some 160 words of synthetic English. "
    "It shows that the flow works; it says nothing about Dropscribe's quality on human speech."
)
ANOTHER_TRACK = "no speech was found in audio track {track}; the file has {tracks}, counted from 0: ask for another one (--track)"
"""The warning about a silent track of several."""


def assemble(recording: Recording, results: list[ChunkResult]) -> Transcript:
    """The transcript of a recording from the results of all its chunks.

    Raises:
        BadMedia: nothing in the whole recording could be decoded.
    """
    assert recording.decision is not None, "it was planned"
    if not any(result.decoded for result in results):
        said = " ".join(dict.fromkeys(line for result in results for line in result.warnings))
        raise BadMedia("undecodable", said or "No audio could be decoded. Try to play or convert the file.")
    results = speakers.sided(recording.chunks, speakers.apart(results))
    pieces = merge.pieces(recording.chunks, results)
    warnings = dict.fromkeys(recording.audio.warnings if recording.audio else ())
    warnings |= dict.fromkeys(
        attribution.dedupe_warnings(line for result in results for line in result.warnings)
    )
    warnings |= dict.fromkeys(recording.warnings)
    words, told = speakers.told_apart(merge.join(pieces), recording, results)
    names, more = speakers.named(recording.options, words)
    warnings |= dict.fromkeys((*told, *more))
    if not words and recording.audio is not None and recording.audio.tracks > 1:
        warnings[ANOTHER_TRACK.format(tracks=recording.audio.tracks, track=recording.options.track)] = None
    parts = merge.parts(recording.chunks, results)
    language, otherwise = _language(recording.options.language, words, parts, results)
    warnings |= dict.fromkeys(otherwise)
    if any(result.model.removesuffix(languages.INT8) == DEMO_MODEL for result in results):
        warnings[DEMO_WARNING] = None
    return Transcript(
        recording=recording.id,
        source=recording.source,
        title=recording.options.title,
        # A chunk planned beyond the real end has no audio, and says nothing about the length.
        duration=round(
            max(
                offset + one.owned + one.tail
                for one, offset in merge.timeline(recording.chunks, results)
                if one.decoded
            ),
            3,
        ),
        language=language,
        decision=attribution.actual_decision(recording.decision, recording.chunks, results),
        parts=parts,
        words=words,
        warnings=tuple(warnings),
        speakers=names,
    )


def _language(
    asked: str | None, words: Sequence[Word], parts: Sequence[Part], results: Sequence[ChunkResult]
) -> tuple[str | None, tuple[str, ...]]:
    """The language of a transcript, and a warning if it is not the one that was asked for."""
    said = asked or next((one.language for one in results if one.language), None)
    known = detected_language.among(parts)
    if not known:
        return said, ()
    detected = detected_language.Detected(sentences(tidy(words)), known)
    warning = detected.warning(asked)
    if said is None or languages.primary(said) != languages.SEVERAL:
        said = detected_language.named(detected.most, said)
    return said, ((warning,) if warning else ())
