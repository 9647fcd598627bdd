"""How soon an engine would have some work done, and what it would ask for it. Pure arithmetic.

    wait = ready + max(audio / lanes, longest chunk) / RTFx
    usd  = start-up, if one is needed + audio × price of a second

The second term of `wait` is the time of a schedule that keeps all lanes busy, or of the longest chunk where
that takes longer: the lower bound of McNaughton (1959), which equal chunks in full rounds reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.model import Engine
from shared.planning import worker_pools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.costs.prices import PriceTable
    from shared.model import Chunk, Options
    from shared.routing.conditions import Conditions
    from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What an engine is expected to do until it was measured here."""

    rtfx: float
    """Seconds of audio in a second, one chunk or batch at a time."""
    start: float
    """Seconds from the decision to start it until it works; 0 where it always runs."""
    source: str
    """Where the figures come from."""


EXPECTED: dict[Engine, Expected] = {
    "parakeet-gpu": Expected(
        rtfx=222.0,
        start=30.0,
        source="the middle of what is published for NeMo on long recordings on an L4 (209 to 238)",
    ),
    "parakeet-cpu": Expected(
        rtfx=10.0, start=30.0, source="a careful guess for 0.6 billion parameters on four cores"
    ),
    "deepgram": Expected(rtfx=100.0, start=0.0, source="a careful guess: an hour in 36 seconds"),
}

IDLE = 60.0
"""Seconds a worker that was started waits for more work before it ends, and is paid for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """One engine as it stands when a recording is routed."""

    engine: Engine
    """Which."""
    rtfx: float
    """Seconds of audio in a second of one lane."""
    lanes: int
    """Chunks or batches that it works on at one time."""
    ready: float
    """Seconds until it begins with new work: start-up, and the audio that waits already."""
    usd_start: float
    """US dollars for starting and ending it, 0 where it runs anyway."""
    usd_second: float
    """US dollars for a second of audio."""

    def wait(self, audio: float, longest: float) -> float:
        """Seconds until some audio is done, of which one chunk is the longest (seconds); 0 for none."""
        return self.ready + max(audio / self.lanes, longest) / self.rtfx if audio else 0.0

    def usd(self, audio: float) -> float:
        """US dollars for some audio (seconds); 0 for none."""
        return self.usd_start + self.usd_second * audio if audio else 0.0


def lengths_of(chunks: Sequence[Chunk]) -> list[float]:
    """Seconds of audio that each chunk makes an engine hear, overlap included."""
    lengths = []
    for chunk in chunks:
        assert chunk.end is not None, "plans that were just made say where they end"
        lengths.append(chunk.end - chunk.start + chunk.lead + chunk.tail)
    return lengths


def pace_of(
    engine: Engine,
    conditions: Conditions,
    settings: Settings,
    prices: PriceTable,
    options: Options | None = None,
) -> Pace:
    """An engine as it stands: measured speeds where there are any, the queue, the price table.

    Args:
        engine: which.
        conditions: what the sweeper saw last.
        settings: the shape of the worker, and whether workers are started at all.
        prices: US dollars.
        options: what the caller asked for, as far as it has a price.
    """
    expected = EXPECTED[engine]
    rtfx = conditions.speed(engine) or expected.rtfx
    fleet = worker_pools.fleet_of(engine, settings)
    if fleet is None:
        waiting = conditions.waiting.get("deepgram", 0.0)
        return Pace(
            engine=engine,
            rtfx=rtfx,
            lanes=settings.deepgram_concurrency,
            ready=waiting / rtfx / settings.deepgram_concurrency,
            usd_start=0.0,
            usd_second=prices.deepgram(1.0, options),
        )
    # One machine keeps its worker. Elsewhere, where audio waits and none runs, one is being started for it.
    waiting = conditions.waiting.get("parakeet-cpu" if fleet == "cpu" else "parakeet", 0.0)
    running = conditions.workers(fleet).running
    runs = settings.platform == "local" or running > 0
    lanes = max(1, running)
    second = prices.engine_second(engine, settings)
    return Pace(
        engine=engine,
        rtfx=rtfx,
        lanes=lanes,
        ready=waiting / rtfx / lanes + (0.0 if runs else expected.start + settings.start_delay),
        usd_start=0.0 if runs or waiting else (expected.start + IDLE) * second,
        usd_second=second / rtfx,
    )
