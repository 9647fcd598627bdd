"""How soon an engine would finish some work, and what that would cost. Pure arithmetic.

    wait = ready + max(audio / lanes, longest chunk) / RTFx
    usd  = start-up, if one is needed + audio × price of a second

The second term of `wait` is the time of a schedule that keeps all lanes busy, or of the longest chunk if that
takes longer: the lower bound of McNaughton (1959), which equal chunks in full rounds reach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.engines import spec
from shared.model import AudioInfo, Chunk, Engine, Options
from shared.planning import worker_pools
from shared.routing.conditions import Conditions, who_waits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.costs.prices import PriceTable
    from shared.routing.case import Known
    from shared.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """Speed, queue and price of an engine when a recording is routed."""

    engine: Engine
    rtfx: float
    """Real-time factor of one lane: seconds of audio per second."""
    lanes: int
    """Chunks or batches in parallel."""
    ready: float
    """Seconds until it begins new work: start-up, and the audio already waiting."""
    usd_start: float
    """US dollars for its start-up and idle time at the end, 0 if it runs anyway."""
    usd_second: float
    """US dollars per second of audio."""

    def wait(self, audio: float, longest: float) -> float:
        """Seconds until `audio` seconds are done, whose longest chunk is `longest` seconds; 0 for no audio."""
        return self.ready + max(audio / self.lanes, longest) / self.rtfx if audio else 0.0

    def usd(self, audio: float) -> float:
        """US dollars for `audio` seconds; 0 for no audio."""
        return self.usd_start + self.usd_second * audio if audio else 0.0


def lengths_of(chunks: Sequence[Chunk]) -> list[float]:
    """Seconds of audio of each chunk, overlap included."""
    lengths = []
    for chunk in chunks:
        assert chunk.end is not None, "the chunks of a new plan have an end"
        lengths.append(chunk.end - chunk.start + chunk.lead + chunk.tail)
    return lengths


def as_recognised(options: Options, audio: AudioInfo | None) -> Options:
    """The options of a recording, without `channels` if it has not two of them: then nothing is recognised twice.

    `audio` is None if it was not probed yet.
    """
    two = audio is None or audio.channels == 2
    return options if two else replace(options, channels=None)


def pace_of(
    engine: Engine,
    conditions: Conditions,
    settings: Settings,
    prices: PriceTable,
    options: Options | None = None,
) -> Pace:
    """An engine's speed (measured if possible), queue and prices.

    `options` are what affects price or speed, see `as_recognised`.
    """
    expected = spec(engine).expected
    rtfx = conditions.speed(engine) or expected.rtfx
    pool = worker_pools.pool_of(engine, settings)
    if pool is None:
        waiting, lanes = conditions.waiting.get(engine, 0.0), settings.open_calls[engine]
        return Pace(
            engine=engine,
            rtfx=rtfx,
            lanes=lanes,
            ready=waiting / rtfx / lanes,
            usd_start=0.0,
            usd_second=prices.expected(engine, 1.0, settings, options),
        )
    # On one machine the worker always runs. Elsewhere, if audio waits and no worker runs, one is being started.
    waiting = conditions.waiting.get(who_waits(pool, engine), 0.0)
    running = conditions.workers(pool).running
    runs = settings.platform == "local" or running > 0
    lanes = max(1, running)
    second = prices.engine_second(engine, settings)
    # Both channels of a recording are recognised one by one.
    own = rtfx / 2 if options is not None and options.channels == "apart" else rtfx
    return Pace(
        engine=engine,
        rtfx=own,
        lanes=lanes,
        ready=waiting / rtfx / lanes + (0.0 if runs else expected.start + settings.start_delay),
        usd_start=0.0 if runs or waiting else (expected.start + worker_pools.IDLE_EXIT) * second,
        usd_second=second / own,
    )


def usd_of(chunks: Sequence[Chunk], options: Options, known: Known) -> float:
    """Expected US dollars of some chunks, each by its engine, without the start of a worker."""
    usd = 0.0
    for one, seconds in zip(chunks, lengths_of(chunks), strict=True):
        pace = pace_of(one.engine, known.conditions, known.settings, known.prices, options)
        usd += pace.usd_second * seconds
    return usd
