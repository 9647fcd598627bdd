"""Step 5. One chunk: fetch and decode it, keep its result, say so.

The recognition itself, between `fetch` and `keep`, belongs to the worker (`gpu_job/worker.py`),
which batches the windows of many chunks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.audio.read_ahead import ReadAhead
from shared.flow import dispatch, documents
from shared.flow.probe import ObjectBytes
from shared.messages import encode, to_fields
from shared.telemetry import log

if TYPE_CHECKING:
    from shared.audio import Pcm
    from shared.messages import ChunkMessage
    from shared.ports import Ports
    from shared.results import ChunkResult, LedgerRow


def is_wanted(message: ChunkMessage, ports: Ports) -> bool:
    """False where the chunk has a result, or its recording has ended: nothing is left to do.

    A result without its announcement is announced again here, so that a worker that died between
    the two is made good by the next delivery.
    """
    key = documents.chunk_key(message.recording, message.chunk.index)
    if ports.records.get(documents.CHUNKS, key) is not None:
        dispatch.say_done(message.recording, message.chunk.index, ports)
        return False
    recording = documents.get_recording(ports.records, message.recording)
    return recording is not None and not recording.ended


def fetch(message: ChunkMessage, ports: Ports) -> Pcm:
    """The samples of a chunk, decoded from its own bytes only.

    Raises:
        BadMedia: nothing of it can be decoded, or decoding broke a limit.
        Transient: the store did not answer.
    """
    source = ReadAhead(ObjectBytes(store=ports.store, source=message.source))
    return ports.media.decode(source, message.audio, message.chunk, track=message.options.track)


def keep(result: ChunkResult, row: LedgerRow, ports: Ports) -> None:
    """Make a result durable, then say so. The first result of a chunk is its result.

    Order matters: ledger, object, document, message. The row comes first because the engine was paid
    whatever happens next; the document comes after the object it stands for. Every step but the last
    is create-only, so whoever dies in between is simply repeated.
    """
    key = documents.chunk_key(result.recording, result.index)
    row = replace(row, minute=int(ports.clock.now() // 60))
    ports.records.create(documents.LEDGER, f"{key}.{row.engine}.{row.attempt}", to_fields(row))
    name = result_name(result.recording, result.index)
    if not ports.store.create(ports.settings.work_bucket, name, encode(result), "application/json"):
        log.info("chunk %s: another attempt was first, its result stands", key)
    ports.records.create(documents.CHUNKS, key, {"recording": result.recording, "index": result.index})
    log.info("chunk %s: %d words from %.1f s of audio", key, len(result.words), result.owned)
    dispatch.say_done(result.recording, result.index, ports)


def result_name(recording: str, index: int) -> str:
    """Name of a chunk's result in the work bucket."""
    return f"chunks/{recording}/{index:05d}.json"
