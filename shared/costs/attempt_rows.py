"""The ledger row of an attempt: the engine's work and its price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from shared.costs import prices_file
from shared.results import Heard, LedgerRow

if TYPE_CHECKING:
    from shared.messages import ChunkMessage
    from shared.model import Engine
    from shared.ports import Ports
    from shared.settings import Settings

Outcome = Literal["open", "heard", "failed", "lost"]


def worker_row(
    message: ChunkMessage,
    ports: Ports,
    *,
    engine: Engine,
    attempt: str,
    busy_seconds: float,
    decoded: float,
    owned: float = 0.0,
    outcome: Outcome = "heard",
    worker: str = "",
    machine: Engine | None = None,
) -> LedgerRow:
    """The row of an attempt of an engine of ours: its share of the engine's time, at the price of the machine.

    Args:
        message: the chunk.
        ports: settings with the prices.
        engine: the engine that transcribed it.
        attempt: name of the attempt: which delivery of which message.
        busy_seconds: its share of the engine's wall time, by audio seconds.
        decoded: seconds of audio given to the engine, overlap included.
        owned: seconds of them within the chunk's own bounds.
        outcome: how the attempt ended.
        worker: execution and task, see `executions.Place.worker`.
        machine: the engine whose machine it ran on, if another: a GPU costs the same while the processor
            beside it does the work.
    """
    table, busy = prices_file.table(ports.settings), round(busy_seconds, 6)
    return LedgerRow(
        recording=message.recording,
        chunk=message.chunk.index,
        engine=engine,
        attempt=attempt,
        audio_seconds=decoded,
        busy_seconds=busy,
        usd=busy * table.engine_second(machine or engine, ports.settings),
        prices=table.version,
        outcome=outcome,
        owned_seconds=owned,
        label=label_of(message),
        prefix=prefix_of(message.source.name),
        life=message.life,
        worker=worker,
    )


def hosted_row(
    message: ChunkMessage,
    settings: Settings,
    heard: Heard,
    *,
    attempt: str,
    busy: float,
    decoded: float,
    owned: float = 0.0,
    sent: float = 0.0,
) -> LedgerRow:
    """The row of a call of a hosted engine: the seconds that it measured, at the price of the options.

    `busy`, `decoded` and `owned` are seconds: of the call, of the audio that the engine got, overlap included, and of its
    part within the chunk's own bounds. `sent` are the bytes that the engine was sent, or read from an address.
    """
    table = prices_file.table(settings)
    egress = table.egress(sent, settings)
    return LedgerRow(
        recording=message.recording,
        chunk=message.chunk.index,
        engine=message.chunk.engine,
        attempt=attempt,
        audio_seconds=decoded,
        busy_seconds=round(busy, 6),
        usd=table.hosted(message.chunk.engine, heard.seconds, message.options) + egress,
        egress_usd=egress,
        prices=table.version,
        billed_seconds=heard.seconds,
        request_id=heard.request_id,
        owned_seconds=owned,
        label=label_of(message),
        prefix=prefix_of(message.source.name),
        life=message.life,
    )


def prefix_of(name: str) -> str:
    """Folder in an object's name: `calls/2026` for `calls/2026/one.mp3`, empty at the top."""
    return name.rpartition("/")[0]


def label_of(message: ChunkMessage) -> str:
    """The label that reports group the recording by: its option `label`, empty if it has none."""
    return message.options.label or ""
