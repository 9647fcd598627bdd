"""From the words of windows to a result that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_job.speech.transcriber import SAMPLE_RATE
from shared.costs import attempt_rows
from shared.flow import chunk, merge
from shared.flow.merge import Piece
from shared.recovery import owner_messages
from shared.results import ChunkResult, LedgerRow, Word

if TYPE_CHECKING:
    from gpu_job.pipeline.chunk_job import Prepared
    from gpu_job.speech.transcriber import Transcriber
    from shared.costs.attempt_rows import Outcome
    from shared.costs.executions import Meter
    from shared.model import Engine
    from shared.ports import Ports


def keep(prepared: Prepared, engine: Transcriber, ports: Ports, meter: Meter) -> None:
    """Make the result of a chunk durable, with what it cost. Raises what `shared.flow.chunk.commit_result` raises."""
    result = chunk_result(prepared, engine)
    chunk.commit_result(result, row_of(prepared, engine.engine, ports, meter, "heard"), ports)


def row_of(prepared: Prepared, engine: Engine, ports: Ports, meter: Meter, outcome: Outcome) -> LedgerRow:
    """What an attempt cost, whatever came of it. `meter` knows where it ran."""
    # On a processor decoding takes time from the engine; beside an accelerator it costs nothing.
    decoding = prepared.decode_seconds if (meter.machine or engine) == "parakeet-cpu" else 0.0
    return attempt_rows.worker_row(
        prepared.message,
        ports,
        engine=engine,
        attempt=attempt_of(prepared),
        busy_seconds=prepared.busy_seconds + decoding,
        decoded=round(prepared.pcm.seconds, 6),
        owned=prepared.pcm.owned if outcome == "heard" else 0.0,
        outcome=outcome,
        worker=meter.worker,
        machine=meter.machine,
    )


def attempt_of(prepared: Prepared) -> str:
    """Which delivery of which message it is."""
    return f"{prepared.delivery.message_id}-{prepared.delivery.attempt}"


def chunk_result(prepared: Prepared, engine: Transcriber) -> ChunkResult:
    """The result of a chunk from the words of its windows. Pure."""
    pcm, chunk_ = prepared.pcm, prepared.message.chunk
    pieces = []
    for index, window in enumerate(prepared.windows):
        offset, end = pcm.start + window.start / SAMPLE_RATE, pcm.start + window.end / SAMPLE_RATE
        words = tuple(_placed(word, offset, end) for word in prepared.heard[index])
        pieces.append(Piece(start=offset, end=end, words=words))
    return ChunkResult(
        recording=prepared.message.recording,
        index=chunk_.index,
        engine=engine.engine,
        attempt=attempt_of(prepared),
        model=engine.model,
        revision=engine.revision,
        words=merge.join(pieces),
        lead=round(max(0.0, -pcm.start), 6),
        owned=pcm.owned,
        decoded=round(pcm.seconds, 6),
        language=engine.language,
        warnings=(*pcm.warnings, *_not_heard(prepared, engine), *owner_messages.warnings(prepared.message)),
    )


def _not_heard(prepared: Prepared, engine: Transcriber) -> tuple[str, ...]:
    """What was asked for and not done."""
    if not prepared.message.options.phrases or engine.hears_phrases:
        return ()
    return ("Parakeet on a processor does not listen for keyterms: only Deepgram and Parakeet on a GPU do.",)


def _placed(word: Word, offset: float, end: float) -> Word:
    """A word on the chunk's axis; an engine's frames may reach past the end of its window."""
    return Word(
        text=word.text,
        start=round(min(word.start + offset, end), 3),
        end=round(min(word.end + offset, end), 3),
        confidence=round(word.confidence, 3),
    )
