"""Who speaks when: error rates, how many people are found, and what diarization costs, in one piece and in chunks.

    python -m bench speakers --speech FOLDER [--clips FOLDER] [--weights FOLDER]

--speech: sentences of ten people or more, a folder each, such as LibriSpeech's test-other. Mixtures are made of them:
two to ten people, one who comes back after half an hour, telephones, noise, overlaps. --clips: recordings with a
reference beside them, .rttm or .segments. --weights: segmentation.onnx and embedding.onnx; without it those of
`dropscribe models pull speakers`. Diarization, chunks and clustering are the product's; nothing is recognised.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import command_line, machine
from bench.accuracy.diarization import SpeakerErrors, speaker_errors
from bench.accuracy.mixtures import RATE, Clip, mixtures, people, real
from gpu_job.voices import onnx_diarizer
from shared.engines import PARAKEET_CPU
from shared.errors import ModelUnavailable
from shared.flow import merge
from shared.flow.diarization import cluster_voices
from shared.model import AudioInfo
from shared.planning import plan
from shared.results import ChunkResult

LENGTHS = (None, 600.0, 60.0, 20.0)
"""Seconds of a chunk; None: one piece."""
COLLAR = 0.25
"""Seconds."""
LONG = 300.0
"""Seconds from which on chunks must tell what one piece tells."""
MOST_CONFUSED, MOST_APART, MOST_CORE_SECONDS = 0.03, 0.015, 75.0
"""The bars: confusion of all mixtures; how much more of it chunks may have; core-seconds an hour."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recording, in chunks of one length."""

    name: str
    chunk: float | None
    """Seconds; None: one piece."""
    speakers: int
    found: int
    strict: SpeakerErrors
    """Without a collar."""
    lenient: SpeakerErrors
    """With one."""
    seconds: float
    """Seconds of sound."""
    listening: float
    """Core-seconds."""
    clustering: float
    """Seconds."""


def heard(diarizer, clip: Clip, length: float | None):
    """The voices of a recording as workers and the merger have them, and core-seconds of diarization."""
    audio = AudioInfo(
        format="wav",
        codec="pcm_s16le",
        sample_rate=RATE,
        channels=1,
        duration=clip.seconds,
        exact=True,
        splittable_by="time",
    )
    chunks = plan.split(audio, 2 * len(clip.samples), length or 1e9, PARAKEET_CPU.name)
    results, before = [], machine.core_seconds()
    for chunk in chunks:
        end = min(chunk.end + chunk.tail, clip.seconds)
        some = clip.samples[round((chunk.start - chunk.lead) * RATE) : round(end * RATE)]
        owned = min(chunk.end, clip.seconds) - chunk.start
        results.append(
            ChunkResult(
                recording="bench",
                index=chunk.index,
                engine=chunk.engine,
                attempt="1",
                model="",
                revision="",
                words=(),
                lead=chunk.lead,
                owned=owned,
                decoded=len(some) / RATE,
                voices=diarizer.diarize(some, chunk.lead, owned),
                voice_revision=diarizer.revision,
            )
        )
    return merge.voices(chunks, results), machine.core_seconds() - before


def measure(diarizer, clip: Clip, length: float | None) -> Row:
    """One row."""
    voices, listening = heard(diarizer, clip, length)
    started = time.perf_counter()
    turns = cluster_voices(voices)
    clustering = time.perf_counter() - started
    found = [(one.start / 1000, one.end / 1000, one.speaker) for one in turns]
    return Row(
        name=clip.name,
        chunk=length,
        speakers=clip.speakers,
        found=len({one.speaker for one in turns}),
        strict=speaker_errors(clip.turns, found),
        lenient=speaker_errors(clip.turns, found, COLLAR),
        seconds=clip.seconds,
        listening=listening,
        clustering=clustering,
    )


def judged(rows: list[Row]) -> dict[str, tuple[bool, str]]:
    """Whether each bar is met by the rows of mixtures, and by what; nothing without rows."""
    if not rows:
        return {}
    pieces = [one for one in rows if one.chunk is None]
    whole = {one.name: one for one in pieces}
    confusion = sum((one.strict for one in pieces), SpeakerErrors()).confusion
    wrong = [one.name for one in pieces if one.found != one.speakers]
    apart = [
        (one.strict.confusion - whole[one.name].strict.confusion, one)
        for one in rows
        if one.chunk is not None and one.seconds > LONG
    ]
    worst, where = max(apart, key=lambda pair: pair[0], default=(0.0, None))
    hours = sum(one.seconds for one in pieces) / 3600
    cost = sum(one.listening for one in pieces) / hours if hours else 0.0
    named = f" ({where.name}, chunks of {where.chunk:.0f} s)" if where else ""
    return {
        f"confusion at most {MOST_CONFUSED:.0%}": (confusion <= MOST_CONFUSED, f"{confusion:.2%}"),
        "as many people as there are": (not wrong, ", ".join(wrong) or "everywhere"),
        f"chunks at most {100 * MOST_APART:.1f} points worse": (
            worst <= MOST_APART,
            f"{100 * worst:.2f}{named}",
        ),
        f"at most {MOST_CORE_SECONDS:.0f} core-seconds an hour": (cost <= MOST_CORE_SECONDS, f"{cost:.1f}"),
    }


def described(one: Row) -> dict:
    """A row as plain values; rates in per cent."""
    return {
        "name": one.name,
        "chunk": one.chunk,
        "speakers": one.speakers,
        "found": one.found,
        "der": round(100 * one.strict.rate, 2),
        "der_collar": round(100 * one.lenient.rate, 2),
        "confusion": round(100 * one.strict.confusion, 2),
        "seconds": round(one.seconds, 1),
        "core_seconds_an_hour": round(3600 * one.listening / one.seconds, 1),
        "clustering_seconds": round(one.clustering, 3),
    }


def main() -> int:
    """Measure; 0 if every bar is met or nothing was given, 1 if a bar is not met, 2 without the weights."""
    parser = command_line("speakers", __doc__)
    parser.add_argument("--speech", type=Path, help="sentences of people, a folder each")
    parser.add_argument(
        "--clips",
        type=Path,
        help="folder of .wav files, each with a reference beside it; they count for no bar",
    )
    parser.add_argument("--weights", type=Path, help="folder with both networks")
    parser.add_argument("--whole", action="store_true", help="in one piece only")
    parser.add_argument("--only", default="", help="mixtures with this in their name")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.speech is None and given.clips is None:
        print(
            "Left out: nothing to listen to. Give --speech, --clips or both (--help says what).",
            file=sys.stderr,
        )
        return 0
    try:
        diarizer = onnx_diarizer.load(str(given.weights or ""))
    except ModelUnavailable as error:
        print(error, file=sys.stderr)
        return 2
    diarizer.diarize(np.zeros(RATE, np.int16), 0.0, 1.0)
    lengths = LENGTHS[:1] if given.whole else LENGTHS
    clips = [_told(measure(diarizer, clip, None)) for clip in real(given.clips)] if given.clips else []
    mixed = [
        _told(measure(diarizer, clip, length))
        for clip in (mixtures(people(given.speech), given.seed) if given.speech else ())
        if given.only in clip.name
        for length in lengths
        if length is None or clip.seconds > length * plan.STRETCH
    ]
    # Real clips are few and short.
    rows, found = clips + mixed, judged(mixed)
    if given.json:
        print(json.dumps({"rows": [described(one) for one in rows], "bars": found}))
    else:
        _show(rows, found)
    return 0 if all(met for met, _ in found.values()) else 1


def _told(row: Row) -> Row:
    """The row, of which somebody who waits has heard."""
    print(json.dumps(described(row)), file=sys.stderr, flush=True)
    return row


def _show(rows: list[Row], found: dict[str, tuple[bool, str]]) -> None:
    console = Console(width=None if Console().is_terminal else 130, highlight=False)
    for line in machine.described("cpu"):
        console.print(line)
    table = Table(
        "recording", "chunks", "people", "found", "DER", f"collar {COLLAR} s", "confusion", "core-s/h"
    )
    for one in map(described, rows):
        length = "one piece" if one["chunk"] is None else f"{one['chunk']:.0f} s"
        table.add_row(
            one["name"],
            length,
            *(str(one[name]) for name in ("speakers", "found")),
            *(f"{one[name]:.1f} %" for name in ("der", "der_collar", "confusion")),
            f"{one['core_seconds_an_hour']:.0f}",
        )
    console.print(table)
    for bar, (met, told) in found.items():
        console.print(f"{'met' if met else 'NOT MET':8}{bar}: {told}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
