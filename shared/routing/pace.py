"""How soon an engine would have some work done, and what it would ask for it. Pure arithmetic.

    wait = ready + max(audio / lanes, longest chunk) / RTFx
    usd  = start-up, if one is needed + audio × price of a second

The second term of `wait` is the time of a schedule that keeps all lanes busy, or of the longest chunk where
that takes longer: the lower bound of McNaughton (1959), which equal chunks in full rounds reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.engines import spec
from shared.model import Engine
from shared.planning import worker_pools
from shared.planning.worker_pools import calls_of
from shared.routing.conditions import who_waits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.costs.prices import PriceTable
    from shared.model import Chunk, Options
    from shared.routing.conditions import Conditions
    from shared.settings import Settings


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
    """US dollars for starting and ending it, 0 if it runs anyway."""
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
    expected = spec(engine).expected
    rtfx = conditions.speed(engine) or expected.rtfx
    pool = worker_pools.pool_of(engine, settings)
    if pool is None:
        waiting, lanes = conditions.waiting.get(engine, 0.0), calls_of(engine, settings)
        return Pace(
            engine=engine,
            rtfx=rtfx,
            lanes=lanes,
            ready=waiting / rtfx / lanes,
            usd_start=0.0,
            usd_second=prices.hosted(engine, 1.0, options),
        )
    # One machine keeps its worker. Elsewhere, where audio waits and none runs, one is being started for it.
    waiting = conditions.waiting.get(who_waits(pool, engine), 0.0)
    running = conditions.workers(pool).running
    runs = settings.platform == "local" or running > 0
    lanes = max(1, running)
    second = prices.engine_second(engine, settings)
    return Pace(
        engine=engine,
        rtfx=rtfx,
        lanes=lanes,
        ready=waiting / rtfx / lanes + (0.0 if runs else expected.start + settings.start_delay),
        usd_start=0.0 if runs or waiting else (expected.start + worker_pools.IDLE_EXIT) * second,
        usd_second=second / rtfx,
    )
