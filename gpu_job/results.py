"""The last part of the pipeline: from the words of windows to a result that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpu_job.engine import SAMPLE_RATE
from shared.flow import chunk, merge
from shared.flow.merge import Piece
from shared.prices import TABLE
from shared.results import ChunkResult, LedgerRow, Word

if TYPE_CHECKING:
    from gpu_job.engine import Transcriber
    from gpu_job.prepared import Prepared
    from shared.ports import Ports


def keep(prepared: Prepared, engine: Transcriber, ports: Ports) -> None:
    """Make the result of a chunk durable, with what it cost. Raises what `shared.flow.chunk.keep` raises."""
    result = chunk_result(prepared, engine)
    # On a processor decoding takes time from the engine; beside an accelerator it costs nothing.
    decoding = prepared.decode_seconds if result.engine == "parakeet-cpu" else 0.0
    busy = round(prepared.busy_seconds + decoding, 6)
    row = LedgerRow(
        recording=result.recording,
        chunk=result.index,
        engine=result.engine,
        attempt=result.attempt,
        audio_seconds=result.decoded,
        busy_seconds=busy,
        usd=busy * TABLE.engine_second(result.engine, ports.settings),
        prices=TABLE.version,
    )
    chunk.keep(result, row, ports)


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
        attempt=f"{prepared.delivery.message_id}-{prepared.delivery.attempt}",
        model=engine.model,
        revision=engine.revision,
        words=merge.join(pieces),
        lead=round(max(0.0, -pcm.start), 6),
        owned=pcm.owned,
        decoded=round(pcm.seconds, 6),
        language=engine.language,
        warnings=pcm.warnings,
    )


def _placed(word: Word, offset: float, end: float) -> Word:
    """A word on the chunk's axis; an engine's frames may reach past the end of its window."""
    return Word(
        text=word.text,
        start=round(min(word.start + offset, end), 3),
        end=round(min(word.end + offset, end), 3),
        confidence=round(word.confidence, 3),
    )
