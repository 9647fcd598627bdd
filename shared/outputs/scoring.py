"""words.ctm and speakers.rttm, which tools that score recognition and diarisation read.

CTM: one word a line, `FILE CHANNEL START DURATION WORD CONFIDENCE`, as NIST's sclite takes it
(https://github.com/usnistgov/SCTK/blob/master/doc/infmts.htm). RTTM: one turn a line, `SPEAKER FILE CHANNEL START DURATION
<NA> <NA> NAME <NA> <NA>` (NIST, "The 2009 Rich Transcription Meeting Recognition Evaluation Plan", appendix A). Fields are
separated by spaces and have no escapes, so a space in a field is an underscore.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from shared.outputs.printable import NO_NAMES, in_seconds, milliseconds, one_line, speaker_name
from shared.outputs.segments import turns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.results import Word

CHANNEL = "1"
"""All channels of a recording are heard as one."""


def words_ctm(name: str, words: Sequence[Word]) -> bytes:
    """One line a word; they are tidy and in order."""
    file = _file(name)
    lines = [
        f"{file} {CHANNEL} {_times(one.start, one.end)} {_field(one.text)} {one.confidence:.3f}\n"
        for one in words
    ]
    return "".join(lines).encode()


def speakers_rttm(name: str, words: Sequence[Word], names: Mapping[int, str] = NO_NAMES) -> bytes:
    """One line a turn: the words of one speaker up to the next one. Nothing if speakers are not told apart."""
    file = _file(name)
    lines = [
        f"SPEAKER {file} {CHANNEL} {_times(start, end)} <NA> <NA> {_field(speaker_name(one, names))} <NA> <NA>\n"
        for one, start, end in turns(words)
    ]
    return "".join(lines).encode()


def _times(start: float, end: float) -> str:
    begin, stop = milliseconds(start), milliseconds(end)
    return f"{in_seconds(begin)} {in_seconds(max(0, stop - begin))}"


def _file(name: str) -> str:
    """The name of the recording without its folder and suffix, as references of such tools have it."""
    stem = _field(PurePosixPath(one_line(name)).stem)
    # Two semicolons begin a comment.
    return stem.replace(";;", "__") or "recording"


def _field(text: str) -> str:
    return text.replace(" ", "_")
