"""Beside steps 5 and 6: the special rules for a recording whose speakers are told apart. Pure.

Workers of ours hear voices with each chunk, and these are clustered once all chunks are there (`told_apart`, and
`shared/flow/diarization/`). A hosted engine tells speakers by numbers of its own, and two calls number them independently:
for it a recording is one chunk (`score.prospects`). So it may be too long for one call; and if it is longer than its
header says, it becomes several chunks anyway (`apart`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.engines import is_hosted, spec
from shared.errors import EngineLimit
from shared.flow import merge
from shared.outputs.printable import LONGEST_NAME, one_line
from shared.routing.speakers import LONGEST_SENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.messages import ChunkMessage
    from shared.model import Chunk, Options, Recording
    from shared.results import ChunkResult, Word
    from shared.settings import Settings

MIXED = "`channels: apart` had no effect, because {why}. Speakers were told apart by voice."
UNBOUND = (
    "{engine} determines the number of speakers automatically: min_speakers and max_speakers had no effect."
)
UNHEARD = "Some names belong to no speaker ({names}): only {heard} speakers were heard."

WARNING = (
    "The recording is longer than its header says, so its speakers were told apart in {count} pieces: one person may "
    "have a number in each. Convert it to another format (for example FLAC) and transcribe that to have them as one."
)


MANY = 20
"""More speakers than this rather are not only speakers."""

TOO_MANY = (
    "{found} speakers were found, more than most recordings have: noise or music may pass for some. "
    "If you know how many there are, ask again with max_speakers."
)
DIFFERENT = (
    "Speakers are not told apart: parts of the recording were heard by different engines or versions, whose voices "
    "cannot be compared. Upload it again to have them."
)
NOT_DIARIZED = (
    "Speakers are not told apart in {parts} of {of} chunks, which a worker of an older version transcribed. "
    "Upload the recording again to have them."
)


def told_apart(
    words: tuple[Word, ...], recording: Recording, results: Sequence[ChunkResult]
) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    """The words of a recording with their speakers, by the voices that were heard with its chunks; and warnings.

    Words of a hosted engine have their speakers already.
    """
    if not recording.options.diarize:
        return words, ()
    why_mixed = ""
    if recording.options.channels:
        numbers, why_mixed = _by_channel(words, recording, results)
        if numbers:
            return _numbered(words, numbers), ()
    found, warnings = _by_voice(words, recording, results)
    if recording.options.channels == "apart" and words:
        warnings = (MIXED.format(why=why_mixed), *warnings)
    return found, warnings


def sided(chunks: Sequence[Chunk], results: Sequence[ChunkResult]) -> list[ChunkResult]:
    """The results; where both channels of some chunks were recognised one by one, those of the others are by loudness."""
    if not any(one.word_sides for one in results):
        return list(results)
    from shared.flow.diarization import Channels  # noqa: PLC0415 - loads numpy, which a merger does without

    placed = merge.timeline(chunks, results)
    levels = Channels(placed)
    found = []
    for one, offset in placed:
        marked = one
        if one.words and not one.word_sides:
            words = [replace(word, start=word.start + offset, end=word.end + offset) for word in one.words]
            marked = replace(one, word_sides=bytes(levels.of_words(words)))
        found.append(marked)
    return found


def _by_channel(
    words: tuple[Word, ...], recording: Recording, results: Sequence[ChunkResult]
) -> tuple[list[int], str]:
    """The side of each word, where the channels are speakers; else none, and why not."""
    if recording.audio is not None and recording.audio.channels != 2:
        count = recording.audio.channels
        return [], f"the recording has {count} channel{'' if count == 1 else 's'}"
    hosted = [one.engine for one in results if is_hosted(one.engine)]
    if hosted:
        return [], f"{spec(hosted[0]).in_sentences} gets a mix of both"
    if any(one.word_sides for one in results):
        return [word.speaker or 0 for word in words], ""
    if any(one.decoded and not one.sides for one in results):
        return [], "a worker of an older version transcribed some of it"
    from shared.flow.diarization import Channels  # noqa: PLC0415 - loads numpy, which a merger does without

    channels = Channels(merge.timeline(recording.chunks, results))
    if channels.are_speakers or (recording.options.channels == "apart" and channels.are_different):
        return channels.of_words(words), ""
    return [], "both channels have the same sound"


def _by_voice(
    words: tuple[Word, ...], recording: Recording, results: Sequence[ChunkResult]
) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    deaf = [one for one in results if _is_deaf(one)]
    own = any(spec(one.engine).hosted is None for one in deaf)
    revisions = {one.voice_revision for one in results if one.voice_revision}
    if len(revisions) > 1 or (any(word.speaker for word in words) and (revisions or own)):
        return tuple(replace(word, speaker=None) for word in words), (DIFFERENT,)
    warnings = (NOT_DIARIZED.format(parts=len(deaf), of=len(results)),) if own else ()
    if not revisions:
        hosted = [one.engine for one in results if is_hosted(one.engine)]
        bounds = recording.options.min_speakers or recording.options.max_speakers
        if hosted and bounds and words:
            warnings = (*warnings, UNBOUND.format(engine=spec(hosted[0]).in_sentences))
        return words, warnings
    from shared.flow.diarization import cluster_voices, speakers_of  # noqa: PLC0415 - load numpy, which a merger does without

    least, most = recording.options.min_speakers or 1, recording.options.max_speakers
    turns = cluster_voices(merge.voices(recording.chunks, results), least, most)
    if not turns:
        return words, warnings
    numbers = speakers_of(words, turns)
    unknown = [
        (offset, offset + one.owned)
        for one, offset in merge.timeline(recording.chunks, results)
        if _is_deaf(one)
    ]
    found = _numbered(
        words,
        [
            None if any(start <= word.start < end for start, end in unknown) else number
            for word, number in zip(words, numbers, strict=True)
        ],
    )
    count = max((word.speaker or 0 for word in found), default=0)
    if most is None and count > max(MANY, least):
        warnings = (*warnings, TOO_MANY.format(found=count))
    return found, warnings


def _is_deaf(result: ChunkResult) -> bool:
    """Whether the words of a chunk were not diarized."""
    return bool(result.words) and not result.voice_revision


def _numbered(words: Sequence[Word], speakers: Sequence[int | None]) -> tuple[Word, ...]:
    """The words with their speakers, numbered from 1 in the order of their first words."""
    order: dict[int, int] = {}
    return tuple(
        replace(word, speaker=None if one is None else order.setdefault(one, len(order) + 1))
        for word, one in zip(words, speakers, strict=True)
    )


def named(options: Options, words: Sequence[Word]) -> tuple[dict[int, str], tuple[str, ...]]:
    """The names that were given to speakers, by their numbers; and a warning if there are more than speakers."""
    given = [one_line(name)[:LONGEST_NAME] for name in (options.speaker_names or "").split(",")]
    heard = {word.speaker for word in words if word.speaker is not None}
    names = {number: name for number, name in enumerate(given, start=1) if name and number in heard}
    left = [name for number, name in enumerate(given, start=1) if name and number not in heard]
    if not left or not words:
        return names, ()
    return names, (UNHEARD.format(names=", ".join(left), heard=len(heard)),)


def check_length(seconds: float, longest: float, message: ChunkMessage, settings: Settings) -> None:
    """Check that a chunk is not too long for one call, which only a recording with speakers can be.

    `longest` (seconds) depends on whether it is sent by address or as samples.

    Raises:
        EngineLimit: it is too long.
    """
    if seconds > longest:
        engine = spec(message.chunk.engine)
        assert engine.hosted is not None, "engines of ours get chunks of their own length"
        limits = engine.hosted.limits
        raise EngineLimit(
            f"With speakers a recording goes to {engine.in_sentences} in one piece: up to {limits.seconds / 3600:g} h and "
            f"{limits.url_bytes / 1e9:g} GB if {engine.in_sentences} can read it from an address, else up to "
            f"{LONGEST_SENT[settings.platform] / 3600:g} h. This one has {seconds / 3600:.1f} h: split it, or ask "
            "without speakers (diarize, channels)."
        )


def missing(message: ChunkMessage, words: Sequence[Word]) -> tuple[str, ...]:
    """A warning if speakers were asked for and the answer has none."""
    if not message.options.diarize or not words or any(word.speaker for word in words):
        return ()
    return (f"Speakers were asked for, but {spec(message.chunk.engine).in_sentences}'s answer names none.",)


def apart(results: Sequence[ChunkResult]) -> list[ChunkResult]:
    """The results in order, renumbered so that no two share a speaker's number; a warning says why."""
    ordered = sorted(results, key=lambda one: one.index)
    most = [max((word.speaker or 0 for word in one.words), default=0) for one in ordered]
    count = sum(map(bool, most))
    if count < 2:
        return ordered
    found, before = [], 0
    for one, own in zip(ordered, most, strict=True):
        words = tuple(
            replace(word, speaker=None if word.speaker is None else word.speaker + before)
            for word in one.words
        )
        found.append(replace(one, words=words, warnings=(*one.warnings, WARNING.format(count=count))))
        before += own
    return found
