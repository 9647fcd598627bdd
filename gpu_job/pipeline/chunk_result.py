"""What is committed of a chunk: its result, merged from the words of its windows, and what it cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_job.pipeline import both_channels
from gpu_job.speech.transcriber import SAMPLE_RATE, Transcriber
from shared.audio import channel_levels
from shared.costs import attempt_rows
from shared.engines import PARAKEET_CPU, spec
from shared.flow import merge
from shared.flow.merge import Piece
from shared.flow.reading import peaks
from shared.recovery import owner_messages
from shared.results import ChunkResult, LedgerRow, Word

if TYPE_CHECKING:
    from gpu_job.pipeline.chunk_job import ChunkJob
    from shared.costs.attempt_rows import Outcome
    from shared.costs.executions import Meter
    from shared.model import Engine
    from shared.ports import Ports


def ledger_row(job: ChunkJob, engine: Engine, ports: Ports, meter: Meter, outcome: Outcome) -> LedgerRow:
    """What an attempt cost, whatever came of it. `meter` knows where it ran."""
    # On a CPU, these take time from the engine; beside an accelerator they cost nothing.
    beside = job.decode_seconds + job.diarize_seconds
    beside = beside if (meter.machine or engine) == PARAKEET_CPU.name else 0.0
    return attempt_rows.worker_row(
        job.message,
        ports,
        engine=engine,
        attempt=job.attempt,
        busy_seconds=job.busy_seconds + beside,
        decoded=round(job.pcm.seconds, 6),
        owned=job.pcm.owned if outcome == "heard" else 0.0,
        outcome=outcome,
        worker=meter.worker,
        machine=meter.machine,
    )


def chunk_result(job: ChunkJob, engine: Transcriber) -> ChunkResult:
    """The result of a chunk from the words of its windows, and from who speaks if the chunk was diarized. Pure."""
    pcm, chunk = job.pcm, job.message.chunk
    diarized = None if job.diarized is None else job.diarized.result()
    pieces: tuple[list[Piece], list[Piece]] = ([], [])
    for index, window in enumerate(job.windows):
        offset, end = pcm.start + window.start / SAMPLE_RATE, pcm.start + window.end / SAMPLE_RATE
        heard = tuple(_placed(word, offset, end) for word in job.words[index])
        pieces[job.channels[index] if job.channels else 0].append(Piece(start=offset, end=end, words=heard))
    words, of = merge.join(pieces[0]), b""
    if job.channels:
        words, of = both_channels.own((words, merge.join(pieces[1])), pcm.levels, pcm.start)
    return ChunkResult(
        recording=job.message.recording,
        index=chunk.index,
        engine=engine.engine,
        attempt=job.attempt,
        # As it was asked for: one engine serves all spellings.
        model=job.message.model,
        revision=engine.revision,
        words=words,
        word_sides=of,
        lead=round(max(0.0, -pcm.start), 6),
        owned=pcm.owned,
        decoded=round(pcm.seconds, 6),
        language=engine.language,
        warnings=(*pcm.warnings, *_not_done(job, engine), *owner_messages.warnings(job.message)),
        peaks=peaks.of_chunk(pcm),
        sides=channel_levels.of_chunk(pcm.levels, pcm.start, pcm.owned),
        voices=diarized.voices if diarized else (),
        voice_revision=diarized.revision if diarized else "",
    )


def _not_done(job: ChunkJob, engine: Transcriber) -> tuple[str, ...]:
    """What was asked for and not done. Whether keyterms are listened for is up to the weights."""
    options, abilities = job.message.options, spec(engine.engine).abilities - {"keyterms"}
    if options.phrases and engine.hears_phrases:
        abilities |= {"keyterms"}
    return owner_messages.not_done(options, engine.engine, abilities)


def _placed(word: Word, offset: float, end: float) -> Word:
    """A word on the chunk's axis; an engine's frames may reach past the end of its window."""
    return Word(
        text=word.text,
        start=round(min(word.start + offset, end), 3),
        end=round(min(word.end + offset, end), 3),
        confidence=round(word.confidence, 3),
    )
